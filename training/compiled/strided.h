/* Convolutions 3×3 per channel with stride 2. Even and odd columns of the source are kept apart, so that a vector holds
 * neighbouring pixels of the result. The padding 'SAME' of an even side is one row below and one column on the right. */
#include "depthwise.h"

static inline Index half_row(Index side) { return rounded(side / 2) + 16; }

/* Divide the columns of a channel, with a row of zeros below and zeros on the right. */
static void divide(const float *restrict x, Index side, float *restrict even, float *restrict odd) {
    const Index row = half_row(side), half = side / 2;
    for (Index y = 0; y < side; ++y) {
        float *restrict e = even + y * row, *restrict o = odd + y * row;
        const float *restrict source = x + y * side;
        for (Index i = 0; i < half; ++i) {
            e[i] = source[2 * i];
            o[i] = source[2 * i + 1];
        }
        for (Index i = half; i < row; ++i) e[i] = o[i] = 0;
    }
    memset(even + side * row, 0, sizeof(float) * (size_t)row);
    memset(odd + side * row, 0, sizeof(float) * (size_t)row);
}

static void strided(const float *x, const float *kernel, const float *bias, Index channels, Index side, float *out,
                    float *scratch) {
    const Index half = side / 2, row = half_row(side), from = plane(side), to = plane(half);
    float *even = scratch, *odd = scratch + (side + 1) * row;
    for (Index c = 0; c < channels; ++c) {
        float k[9];
        for (int i = 0; i < 9; ++i) k[i] = kernel[i * channels + c];
        divide(x + c * from, side, even, odd);
        for (Index y = 0; y < half; ++y) {
            const float *restrict e0 = even + 2 * y * row, *restrict e1 = e0 + row, *restrict e2 = e1 + row;
            const float *restrict o0 = odd + 2 * y * row, *restrict o1 = o0 + row, *restrict o2 = o1 + row;
            float *restrict target = out + c * to + y * half;
            for (Index i = 0; i < half; ++i)
                target[i] = limited(bias[c] + k[0] * e0[i] + k[1] * o0[i] + k[2] * e0[i + 1] + k[3] * e1[i] +
                                    k[4] * o1[i] + k[5] * e1[i + 1] + k[6] * e2[i] + k[7] * o2[i] + k[8] * e2[i + 1]);
        }
    }
}

/* Join columns that were divided. */
INLINE void join_rows(const float *restrict even, const float *restrict odd, Index side, float *restrict out, int add) {
    const Index row = half_row(side);
    for (Index y = 0; y < side; ++y)
        for (Index i = 0; i < side / 2; ++i) {
            PUT(out[y * side + 2 * i], even[y * row + i]);
            PUT(out[y * side + 2 * i + 1], odd[y * row + i]);
        }
}

/* The slopes of the source and the gradients of the kernel, in one pass over the slopes. */
static void strided_backward(const float *x, const float *kernel, const float *slopes, Index channels, Index side,
                             float *source_slopes, int add, float *scratch, float *gradients) {
    const Index half = side / 2, row = half_row(side), width = rounded(half), divided = (side + 1) * row;
    float *even = scratch, *odd = even + divided, *even_slopes = odd + divided, *odd_slopes = even_slopes + divided;
    float *wide = odd_slopes + divided;
    for (Index c = 0; c < channels; ++c) {
        Floats sums[9];
        float k[9];
        for (int i = 0; i < 9; ++i) k[i] = kernel[i * channels + c];
        memset(sums, 0, sizeof sums);
        divide(x + c * plane(side), side, even, odd);
        widen(slopes + c * plane(half), half, width, wide);
        memset(even_slopes, 0, sizeof(float) * (size_t)(2 * divided));
        for (Index y = 0; y < half; ++y)
            for (int r = 0; r < 3; ++r) {
                const Index at = (2 * y + r) * row;
                for (Index i = 0; i < width; i += LANES) {
                    const Floats slope = LOAD(wide + y * width + i);
                    float *e = even_slopes + at + i, *o = odd_slopes + at + i;
                    sums[3 * r] += slope * LOAD(even + at + i);
                    sums[3 * r + 1] += slope * LOAD(odd + at + i);
                    sums[3 * r + 2] += slope * LOAD(even + at + i + 1);
                    STORE(e, LOAD(e) + k[3 * r] * slope);
                    STORE(o, LOAD(o) + k[3 * r + 1] * slope);
                    STORE(e + 1, LOAD(e + 1) + k[3 * r + 2] * slope);
                }
            }
        for (int i = 0; i < 9; ++i) gradients[i * channels + c] += sum_of(sums[i]);
        if (add) join_rows(even_slopes, odd_slopes, side, source_slopes + c * plane(side), 1);
        else join_rows(even_slopes, odd_slopes, side, source_slopes + c * plane(side), 0);
    }
}
