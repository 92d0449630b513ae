/* The five losses of `mmnet.training.losses`, and their slopes by the differences of the logits. */
#include "vector.h"

/* The logistic function of a logit, and ln(1 + e^logit). */
INLINE float logistic(float logit, float *softplus) {
    const float tail = expf(-fabsf(logit));
    *softplus = (logit > 0 ? logit : 0) + log1pf(tail);
    return (logit >= 0 ? 1 : tail) / (1 + tail);
}

INLINE float sign_of(float value) { return (float)((value > 0) - (value < 0)); }

INLINE float lightness(const float *pixel) { return (pixel[0] + pixel[1] + pixel[2]) * (1.0f / 3); }

/* Alphas and differences, the latter with a border of zeros; and the sums of three losses. */
static void compare_alphas(const float *restrict logits, const float *restrict image, const float *restrict matte,
                           Index size, float *restrict alphas, float *restrict differences, double *sums) {
    for (Index y = 0; y < size; ++y) {
        float alpha = 0, compositional = 0, cross_entropy = 0;
        for (Index i = y * size; i < (y + 1) * size; ++i) {
            float softplus;
            alphas[i] = logistic(logits[i], &softplus);
            const float difference = alphas[i] - matte[i];
            differences[(y + 1) * (size + 2) + 1 + i - y * size] = difference;
            alpha += fabsf(difference);
            compositional += fabsf(difference) * lightness(image + 3 * i);
            cross_entropy += softplus - matte[i] * logits[i];
        }
        sums[0] += alpha;
        sums[1] += compositional;
        sums[3] += cross_entropy;
    }
}

/* The signs of Sobel's gradients of the differences, with borders of zeros; and the sum of their absolute values. The
 * kernel is divided by 8, as in `mmnet.training.losses`. */
static void sobel_signs(const float *restrict differences, Index size, float *restrict across, float *restrict down,
                        double *sum) {
    const Index row = size + 2;
    for (Index y = 0; y < size; ++y) {
        float total = 0;
        for (Index x = 0; x < size; ++x) {
            const float *a = differences + y * row + x, *b = a + row, *c = b + row;
            const float h = ((a[2] - a[0]) + 2 * (b[2] - b[0]) + (c[2] - c[0])) / 8;
            const float v = ((c[0] - a[0]) + 2 * (c[1] - a[1]) + (c[2] - a[2])) / 8;
            total += fabsf(h) + fabsf(v);
            across[(y + 1) * row + x + 1] = sign_of(h) / 8;
            down[(y + 1) * row + x + 1] = sign_of(v) / 8;
        }
        *sum += total;
    }
}

static void alpha_losses(const Pass *pass, const float *image, const float *matte, double *means) {
    const Index size = pass->plan->size, row = size + 2;
    const float *weights = pass->plan->weights, *logits = pass->values + pass->offsets[pass->plan->alpha_map];
    const float scale = 1.0f / ((float)pass->plan->images * (float)(size * size));
    float *slopes = pass->slopes + pass->offsets[pass->plan->alpha_map];
    float *differences = pass->scratch, *across = differences + row * row, *down = across + row * row;
    float *alphas = down + row * row;
    double sums[4] = {0};
    memset(differences, 0, sizeof(float) * (size_t)(3 * row * row));
    compare_alphas(logits, image, matte, size, alphas, differences, sums);
    sobel_signs(differences, size, across, down, sums + 2);
    sums[2] /= 2; /* the mean is over both directions */
    for (Index y = 0; y < size; ++y)
        for (Index x = 0; x < size; ++x) {
            const Index i = y * size + x;
            const float *a = across + y * row + x, *b = a + row, *c = b + row;
            const float *u = down + y * row + x, *v = u + row, *w = v + row;
            const float difference = differences[(y + 1) * row + x + 1];
            float gradient = (a[0] - a[2]) + 2 * (b[0] - b[2]) + (c[0] - c[2]);
            gradient += (u[0] - w[0]) + 2 * (u[1] - w[1]) + (u[2] - w[2]);
            const float by_alpha = sign_of(difference) * (weights[0] + weights[1] * lightness(image + 3 * i)) +
                                   .5f * weights[2] * gradient;
            slopes[i] = scale * (weights[3] * difference + by_alpha * alphas[i] * (1 - alphas[i]));
        }
    for (int i = 0; i < 4; ++i) means[i] = sums[i] * scale;
}

/* The auxiliary head is compared with the matte resized with nearest neighbour. */
static void auxiliary_loss(const Pass *pass, const float *matte, double *mean) {
    const Plan *plan = pass->plan;
    const Index size = plan->size, side = plan->aux_side, step = size / side;
    const float *logits = pass->values + pass->offsets[plan->aux_map];
    const float scale = 1.0f / ((float)plan->images * (float)(side * side));
    float *slopes = pass->slopes + pass->offsets[plan->aux_map];
    double sum = 0;
    for (Index y = 0; y < side; ++y)
        for (Index x = 0; x < side; ++x) {
            const Index i = y * side + x;
            const float truth = matte[y * step * size + x * step];
            float softplus;
            const float alpha = logistic(logits[i], &softplus);
            sum += softplus - truth * logits[i];
            slopes[i] = scale * plan->weights[4] * (alpha - truth);
        }
    *mean = sum * scale;
}

static void losses(const Pass *pass, const float *image, const float *matte) {
    alpha_losses(pass, image, matte, pass->losses);
    auxiliary_loss(pass, matte, pass->losses + 4);
}
