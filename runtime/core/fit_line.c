/* The guided filter at the network's size: a line is fitted at each pixel. */
#include "box_filter.h"
#include "kernels.h"

/* The planes that a line is fitted from: three colours, alpha, and the products of two of them. */
enum { RED, GREEN, BLUE, ALPHA, RR, GG, BB, RG, RB, GB, RA, GA, BA, PRODUCTS };

typedef struct {
    const uint16_t *alpha; /* 65535 = the foreground */
    const uint8_t *guide;
    Index width;
} GuidedImage;

TARGET_CLONES
static void fill_products(const void *source, Index row, int32_t *values) {
    const GuidedImage *image = source;
    const Index width = image->width;
    const uint16_t *alpha = image->alpha + row * width;
    const uint8_t *guide = image->guide + row * width * 3;
    static const uint8_t factors[][2] = {[RR] = {RED, RED},     [GG] = {GREEN, GREEN}, [BB] = {BLUE, BLUE},
                                         [RG] = {RED, GREEN},   [RB] = {RED, BLUE},    [GB] = {GREEN, BLUE},
                                         [RA] = {RED, ALPHA},   [GA] = {GREEN, ALPHA}, [BA] = {BLUE, ALPHA}};
    for (Index x = 0; x < width; ++x) {
        for (Index colour = 0; colour < 3; ++colour) values[colour * width + x] = guide[3 * x + colour];
        values[ALPHA * width + x] = (int32_t)round_to_even((float)alpha[x] / 257);
    }
    for (Index product = RR; product < PRODUCTS; ++product) {
        const int32_t *restrict one = values + factors[product][0] * width;
        const int32_t *restrict other = values + factors[product][1] * width;
        int32_t *restrict result = values + product * width;
        for (Index x = 0; x < width; ++x) result[x] = one[x] * other[x];
    }
}

/* The three slopes at a pixel (`reference._slopes`), from the sums over its window of so many pixels. The sums of two
 * planes lie `stride` numbers apart. */
static void fit_slopes(const int32_t *sums, Index stride, double pixels, double ridge, double unit, double *slopes) {
#define SUM(plane) ((double)sums[(plane) * stride])
#define COVARIANCE(product, one, other) (SUM(product) * pixels - SUM(one) * SUM(other))
    const double rr = COVARIANCE(RR, RED, RED) + ridge, gg = COVARIANCE(GG, GREEN, GREEN) + ridge,
                 bb = COVARIANCE(BB, BLUE, BLUE) + ridge, rg = COVARIANCE(RG, RED, GREEN),
                 rb = COVARIANCE(RB, RED, BLUE), gb = COVARIANCE(GB, GREEN, BLUE), ra = COVARIANCE(RA, RED, ALPHA),
                 ga = COVARIANCE(GA, GREEN, ALPHA), ba = COVARIANCE(BA, BLUE, ALPHA);
#undef COVARIANCE
#undef SUM
    const double first = gg * bb - gb * gb, second = rb * gb - rg * bb, third = rg * gb - rb * gg;
    const double fourth = rr * bb - rb * rb, fifth = rg * rb - rr * gb, sixth = rr * gg - rg * rg;
    const double scale = unit / (rr * first + rg * second + rb * third);
    slopes[0] = round_double((first * ra + second * ga + third * ba) * scale);
    slopes[1] = round_double((second * ra + fourth * ga + fifth * ba) * scale);
    slopes[2] = round_double((third * ra + fifth * ga + sixth * ba) * scale);
}

/* The line that keeps alpha as it is: slopes of 0, and alpha as the offset. */
TARGET_CLONES
static void keep_alpha(const uint16_t *restrict alpha, Index width, float scale, float *restrict fitted) {
    for (Index x = 0; x < width; ++x) {
        fitted[4 * x] = fitted[4 * x + 1] = fitted[4 * x + 2] = 0;
        fitted[4 * x + 3] = round_to_even((float)alpha[x] * scale);
    }
}

/* The first pixel from `x` on at which a line is fitted; `end` if there is none. */
static Index next_where(const uint8_t *where, Index x, Index end) {
    while (x < end && !where[x]) ++x;
    return x;
}

/* The pixel after the last one at which a line is fitted; 0 if there is none. */
static Index after_where(const uint8_t *where, Index end) {
    while (end > 0 && !where[end - 1]) --end;
    return end;
}

size_t mmnet_kernel_fit_line_arena(Index height, Index width, Index radius) {
    Arena arena = counting_arena();
    BoxFilter filter = {.height = height, .width = width, .planes = PRODUCTS, .radius = radius};
    mmnet_take_box_filter(&filter, &arena);
    return counted(&arena);
}

int mmnet_kernel_fit_line(const uint16_t *alpha, const uint8_t *guide, const uint8_t *where, Index height, Index width,
                          Index radius, double epsilon, double slope_unit, double offset_unit, float *fitted,
                          void *memory, size_t size, Index first, Index end) {
    const double pixels = (double)((2 * radius + 1) * (2 * radius + 1));
    const GuidedImage image = {alpha, guide, width};
    Arena arena = open_arena(memory, size);
    BoxFilter filter = {.height = height, .width = width, .planes = PRODUCTS, .radius = radius, .fill = fill_products};
    filter.source = &image;
    mmnet_take_box_filter(&filter, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_begin_box_filter(&filter, first);
    for (Index y = first; y < end; ++y) {
        const uint8_t *here = where + y * width;
        const Index left = next_where(here, 0, width), right = after_where(here, width);
        const int32_t *sums = mmnet_box_sums(&filter, y, left, right);
        keep_alpha(alpha + y * width, width, (float)(offset_unit / 257), fitted + y * width * 4);
        for (Index x = left; x < right; x = next_where(here, x + 1, right)) {
            const Index pixel = y * width + x;
            const uint8_t *colours = guide + pixel * 3;
            double line[4];
            fit_slopes(sums + x, width, pixels, epsilon * pixels * pixels, slope_unit, line);
            const double explained = (line[0] * colours[0] + line[1] * colours[1]) + line[2] * colours[2];
            line[3] = round_double(alpha[pixel] / (257 / offset_unit) - explained / (slope_unit / offset_unit));
            for (int c = 0; c < 4; ++c) fitted[pixel * 4 + c] = (float)line[c];
        }
    }
    return MMNET_OK;
}
