/* Bilinear upsampling to twice the side: rows first, then columns. Indices are clamped to the map. */
#include "vector.h"

/* out[2i] = before · x[i-1] + here · x[i], out[2i+1] = there · x[i] + after · x[i+1]. */
typedef struct {
    float before, here, there, after;
} Grid;

static inline Grid grid_of(const Plan *plan) {
    const Grid half_pixel = {.25f, .75f, .75f, .25f}, legacy = {0, 1, .5f, .5f};
    return plan->half_pixel ? half_pixel : legacy;
}

static void upsample(const float *x, Index channels, Index side, float *out, Grid g, float *scratch) {
    for (Index c = 0; c < channels; ++c) {
        const float *source = x + c * plane(side);
        for (Index y = 0; y < side; ++y) {
            const float *restrict here = source + y * side;
            const float *restrict above = y ? here - side : here, *restrict below = y + 1 < side ? here + side : here;
            float *restrict even = scratch + 2 * y * side, *restrict odd = even + side;
            for (Index i = 0; i < side; ++i) {
                even[i] = g.before * above[i] + g.here * here[i];
                odd[i] = g.there * here[i] + g.after * below[i];
            }
        }
        for (Index y = 0; y < 2 * side; ++y) {
            const float *restrict row = scratch + y * side;
            float *restrict target = out + c * plane(2 * side) + y * 2 * side;
            target[0] = (g.before + g.here) * row[0];
            for (Index i = 1; i < side; ++i) target[2 * i] = g.before * row[i - 1] + g.here * row[i];
            for (Index i = 0; i + 1 < side; ++i) target[2 * i + 1] = g.there * row[i] + g.after * row[i + 1];
            target[2 * side - 1] = (g.there + g.after) * row[side - 1];
        }
    }
}

/* Columns on the way back: rows of 2 · side slopes to rows of `side`. */
static void fold_columns(const float *slopes, Index side, Grid g, float *out) {
    for (Index y = 0; y < 2 * side; ++y) {
        const float *restrict row = slopes + y * 2 * side;
        float *restrict target = out + y * side;
        for (Index i = 0; i < side; ++i) target[i] = g.here * row[2 * i] + g.there * row[2 * i + 1];
        for (Index i = 0; i + 1 < side; ++i) target[i] += g.before * row[2 * i + 2];
        for (Index i = 1; i < side; ++i) target[i] += g.after * row[2 * i - 1];
        target[0] += g.before * row[0];
        target[side - 1] += g.after * row[2 * side - 1];
    }
}

static void upsample_backward(const float *slopes, Index channels, Index side, float *out, Grid g, float *scratch,
                              int add) {
    for (Index c = 0; c < channels; ++c) {
        fold_columns(slopes + c * plane(2 * side), side, g, scratch);
        for (Index y = 0; y < side; ++y) {
            const float *restrict even = scratch + 2 * y * side, *restrict odd = even + side;
            /* At an edge the clamped index is the row itself. */
            const float *restrict next = y + 1 < side ? odd + side : NULL, *restrict last = y ? even - side : NULL;
            float *restrict target = out + c * plane(side) + y * side;
            for (Index i = 0; i < side; ++i) {
                float sum = g.here * even[i] + g.there * odd[i];
                sum += next ? g.before * next[i] : g.after * odd[i];
                sum += last ? g.after * last[i] : g.before * even[i];
                PUT(target[i], sum);
            }
        }
    }
}
