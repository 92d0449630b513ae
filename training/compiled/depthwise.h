/* Convolutions 3×3 per channel with stride 1, dilated by a rate. Kernels are [9][channels]. */
#include "vector.h"

static inline Index rounded(Index side) { return (side + 15) / 16 * 16; }

/* Floats from one row of a padded channel to the next: vectors may read past the last pixel. */
static inline Index padded_row(Index side, Index rate) { return rounded(side) + 2 * rate + 16; }

/* Copy a channel with `rate` zeros around it. */
static void pad(const float *restrict x, Index side, Index rate, float *restrict out) {
    const Index row = padded_row(side, rate);
    memset(out, 0, sizeof(float) * (size_t)(rate * row));
    memset(out + (side + rate) * row, 0, sizeof(float) * (size_t)(rate * row));
    for (Index y = 0; y < side; ++y) {
        float *target = out + (y + rate) * row;
        memset(target, 0, sizeof(float) * (size_t)rate);
        memcpy(target + rate, x + y * side, sizeof(float) * (size_t)side);
        memset(target + rate + side, 0, sizeof(float) * (size_t)(row - rate - side));
    }
}

/* One row of the result from three rows of the padded channel. */
INLINE void depthwise_row(const float *restrict a, const float *restrict b, const float *restrict c, Index rate,
                          const float *k, float bias, Index side, float *restrict out, int activation, int add) {
    const Index far = 2 * rate;
    for (Index i = 0; i < side; ++i) {
        float sum = k[0] * a[i] + k[1] * a[i + rate] + k[2] * a[i + far] + k[3] * b[i] + k[4] * b[i + rate] +
                    k[5] * b[i + far] + k[6] * c[i] + k[7] * c[i + rate] + k[8] * c[i + far];
        if (activation) sum = limited(sum + bias);
        PUT(out[i], sum);
    }
}

/* With `back`, the kernel is turned around: this takes slopes to the slopes of the source. */
INLINE void depthwise_any(const float *x, const float *kernel, const float *bias, Index channels, Index side,
                          Index rate, float *out, float *scratch, int back, int add) {
    const Index row = padded_row(side, rate), stride = plane(side);
    for (Index c = 0; c < channels; ++c) {
        float k[9];
        for (int i = 0; i < 9; ++i) k[i] = kernel[(back ? 8 - i : i) * channels + c];
        pad(x + c * stride, side, rate, scratch);
        for (Index y = 0; y < side; ++y) {
            const float *a = scratch + y * row, *b = a + rate * row;
            depthwise_row(a, b, b + rate * row, rate, k, back ? 0 : bias[c], side, out + c * stride + y * side, !back,
                          add);
        }
    }
}

static void depthwise(const float *x, const float *kernel, const float *bias, Index channels, Index side, Index rate,
                      float *out, float *scratch) {
    depthwise_any(x, kernel, bias, channels, side, rate, out, scratch, 0, 0);
}

static void depthwise_backward(const float *slopes, const float *kernel, Index channels, Index side, Index rate,
                               float *out, float *scratch, int add) {
    if (add) depthwise_any(slopes, kernel, NULL, channels, side, rate, out, scratch, 1, 1);
    else depthwise_any(slopes, kernel, NULL, channels, side, rate, out, scratch, 1, 0);
}

/* Copy a channel into rows of `width` floats, with zeros at their ends. */
static void widen(const float *restrict x, Index side, Index width, float *restrict out) {
    for (Index y = 0; y < side; ++y) {
        memcpy(out + y * width, x + y * side, sizeof(float) * (size_t)side);
        memset(out + y * width + side, 0, sizeof(float) * (size_t)(width - side));
    }
}

static void depthwise_gradients(const float *x, const float *slopes, Index channels, Index side, Index rate,
                                float *scratch, float *gradients) {
    const Index row = padded_row(side, rate), stride = plane(side), width = rounded(side);
    float *source = scratch, *wide = scratch + (side + 2 * rate) * row;
    for (Index c = 0; c < channels; ++c) {
        const float *slope = slopes + c * stride;
        Floats sums[9];
        memset(sums, 0, sizeof sums);
        pad(x + c * stride, side, rate, source);
        if (width != side) widen(slope, side, width, wide), slope = wide;
        for (Index y = 0; y < side; ++y) {
            const float *top = source + y * row, *middle = top + rate * row, *bottom = middle + rate * row;
            for (Index i = 0; i < width; i += LANES) {
                const Floats d = LOAD(slope + y * width + i);
                for (int k = 0; k < 3; ++k) {
                    sums[k] += d * LOAD(top + i + k * rate);
                    sums[3 + k] += d * LOAD(middle + i + k * rate);
                    sums[6 + k] += d * LOAD(bottom + i + k * rate);
                }
            }
        }
        for (int i = 0; i < 9; ++i) gradients[i * channels + c] += sum_of(sums[i]);
    }
}
