/* Convolutions 1×1: matrix products of a kernel and the pixels of a map, in tiles that fit the registers. */
#include "vector.h"

enum { PIXELS = 2 * LANES, CHUNK = 2048 };

typedef enum { LINEAR, RELU6, ADDED } End; /* what happens to a product; ADDED: it is added to the target */

/* Copy a kernel [inputs][outputs] into tiles [outputs / TILE][inputs][TILE], and transposed for the way back. */
static void pack(const Op *op, const float *parameters, float *packed, float *packed_back) {
    const Index inputs = op->source_channels, outputs = op->target_channels;
    const float *kernel = parameters + op->kernel;
    packed += op->kernel;
    packed_back += op->kernel;
    for (Index i = 0; i < inputs; ++i)
        for (Index o = 0; o < outputs; ++o) {
            packed[o / TILE * TILE * inputs + i * TILE + o % TILE] = kernel[i * outputs + o];
            if (op->gradient) packed_back[i / TILE * TILE * outputs + o * TILE + i % TILE] = kernel[i * outputs + o];
        }
}

/* TILE outputs at PIXELS pixels. */
INLINE void product_tile(const float *restrict kernel, const float *bias, const float *restrict x, Index stride,
                         Index inputs, float *restrict y, End end) {
    Floats sums[TILE][2];
    for (int o = 0; o < TILE; ++o)
        for (int v = 0; v < 2; ++v)
            sums[o][v] = end == ADDED ? LOAD(y + o * stride + LANES * v) : filled(bias ? bias[o] : 0);
    for (Index i = 0; i < inputs; ++i) {
        const Floats left = LOAD(x + i * stride), right = LOAD(x + i * stride + LANES);
        for (int o = 0; o < TILE; ++o) {
            sums[o][0] += kernel[TILE * i + o] * left;
            sums[o][1] += kernel[TILE * i + o] * right;
        }
    }
    for (int o = 0; o < TILE; ++o)
        for (int v = 0; v < 2; ++v) STORE(y + o * stride + LANES * v, end == RELU6 ? relu6(sums[o][v]) : sums[o][v]);
}

/* y = kernel · x for `count` pixels. The maps have the same side, so the same stride. */
static void pointwise(const float *packed, const float *bias, const float *x, Index inputs, float *y, Index outputs,
                      Index stride, Index count, End end) {
    for (Index p = 0; p < count; p += PIXELS)
        for (Index o = 0; o < outputs; o += TILE) {
            const float *kernel = packed + o * inputs, *offsets = bias ? bias + o : NULL;
            float *target = y + o * stride + p;
            /* One call for each end, so that the compiler makes a loop for each. */
            if (end == RELU6) product_tile(kernel, offsets, x + p, stride, inputs, target, RELU6);
            else if (end == ADDED) product_tile(kernel, NULL, x + p, stride, inputs, target, ADDED);
            else product_tile(kernel, offsets, x + p, stride, inputs, target, LINEAR);
        }
}

/* gradients[inputs][outputs] += x · slopesᵀ, in chunks of pixels that stay in the cache. */
static void pointwise_gradients(const float *x, Index inputs, const float *slopes, Index outputs, Index stride,
                                Index count, float *gradients) {
    for (Index begin = 0; begin < count; begin += CHUNK) {
        const Index end = begin + CHUNK < count ? begin + CHUNK : count;
        for (Index i = 0; i < inputs; i += ROWS)
            for (Index o = 0; o < outputs; o += 4) {
                Floats sums[ROWS][4];
                memset(sums, 0, sizeof sums);
                for (Index p = begin; p < end; p += LANES) {
                    Floats slope[4];
                    for (int c = 0; c < 4; ++c) slope[c] = LOAD(slopes + (o + c) * stride + p);
                    for (int r = 0; r < ROWS; ++r) {
                        const Floats value = LOAD(x + (i + r) * stride + p);
                        for (int c = 0; c < 4; ++c) sums[r][c] += value * slope[c];
                    }
                }
                for (int r = 0; r < ROWS; ++r)
                    for (int c = 0; c < 4; ++c) gradients[(i + r) * outputs + o + c] += sum_of(sums[r][c]);
            }
    }
}

/* Clear the slopes where ReLU6 limited the values, and add the others up: the gradient of the bias. */
static void bias_gradients(const float *values, float *slopes, Index channels, Index stride, Index count,
                           int activation, float *gradients) {
    for (Index c = 0; c < channels; ++c) {
        Floats sum = filled(0);
        for (Index p = 0; p < count; p += LANES) {
            Floats slope = LOAD(slopes + c * stride + p);
            if (activation) {
                const Floats value = LOAD(values + c * stride + p);
                slope = WHERE((value > filled(0)) & (value < filled(6)), slope);
                STORE(slopes + c * stride + p, slope);
            }
            sum += slope;
        }
        gradients[c] += sum_of(sum);
    }
}

/* A head has one output: the foreground's logit minus the background's. */
static void head(const float *kernel, float bias, const float *x, Index inputs, Index stride, Index count, float *y) {
    for (Index p = 0; p < count; p += LANES) {
        Floats sum = filled(bias);
        for (Index i = 0; i < inputs; ++i) sum += kernel[i] * LOAD(x + i * stride + p);
        STORE(y + p, sum);
    }
}

static void head_backward(const float *kernel, const float *x, const float *slopes, Index inputs, Index stride,
                          Index count, float *source_slopes, int add, float *kernel_gradients, float *bias_gradient) {
    Floats total = filled(0);
    for (Index p = 0; p < count; p += LANES) total += LOAD(slopes + p);
    *bias_gradient += sum_of(total);
    for (Index i = 0; i < inputs; ++i) {
        Floats sum = filled(0);
        for (Index p = 0; p < count; p += LANES) {
            const Floats slope = LOAD(slopes + p);
            float *target = source_slopes + i * stride + p;
            sum += slope * LOAD(x + i * stride + p);
            STORE(target, add ? LOAD(target) + kernel[i] * slope : kernel[i] * slope);
        }
        kernel_gradients[i] += sum_of(sum);
    }
}
