/* The blurred background of an image (preprocessing.md, section 6). */
#include "resample.h"

enum { LONGER_SIDE = 128, PASSES = 3, RADIUS = 2, SUMS = 4 };

typedef struct {
    Index height, width; /* of the small image */
    Resampler image, alpha, back;
    uint8_t *small, *small_alpha;
    int32_t *sums, *line;
} Blur;

static void take_blur(int32_t height, int32_t width, Arena *arena, Blur *blur) {
    const int32_t longer = height > width ? height : width, size = longer < LONGER_SIDE ? longer : LONGER_SIDE;
    mmnet_placement placement;
    mmnet_place(MMNET_LETTERBOX, height, width, size, &placement);
    const Index h = blur->height = placement.filled.height, w = blur->width = placement.filled.width;
    blur->image = (Resampler){height, width, 3, h, w, 0};
    blur->alpha = (Resampler){height, width, 1, h, w, 0};
    blur->back = (Resampler){h, w, 3, height, width, 0};
    mmnet_take_resampler(&blur->image, arena);
    mmnet_take_resampler(&blur->alpha, arena);
    mmnet_take_resampler(&blur->back, arena);
    blur->small = TAKE(arena, 3 * h * w, uint8_t);
    blur->small_alpha = TAKE(arena, h * w, uint8_t);
    blur->sums = TAKE(arena, SUMS * h * w, int32_t);
    blur->line = TAKE(arena, max_index(h, w) + 2 * RADIUS, int32_t);
}

size_t mmnet_blurred_background_arena(int32_t height, int32_t width) {
    Arena arena = counting_arena();
    Blur blur;
    if (!is_image(height, width)) return 0;
    take_blur(height, width, &arena, &blur);
    return counted(&arena);
}

/* Replace each value of one line of sums by the mean of it and RADIUS neighbours on either side, rounded half up. */
static void box_filter(int32_t *sums, Index step, Index length, int32_t *line) {
    for (Index i = 0; i < length + 2 * RADIUS; ++i)
        line[i] = sums[step * min_index(max_index(i - RADIUS, 0), length - 1)];
    int32_t total = RADIUS;
    for (Index i = 0; i < 2 * RADIUS; ++i) total += line[i];
    for (Index i = 0; i < length; ++i) {
        total += line[i + 2 * RADIUS];
        sums[step * i] = total / (2 * RADIUS + 1);
        total -= line[i];
    }
}

static void blur_sums(const Blur *blur) {
    const Index h = blur->height, w = blur->width;
    for (Index y = 0; y < h; ++y)
        for (Index c = 0; c < SUMS; ++c) box_filter(blur->sums + SUMS * y * w + c, SUMS, w, blur->line);
    for (Index x = 0; x < w; ++x)
        for (Index c = 0; c < SUMS; ++c) box_filter(blur->sums + SUMS * x + c, SUMS * w, h, blur->line);
}

int mmnet_blurred_background(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width,
                             uint8_t *blurred, void *memory, size_t arena_size) {
    if (!image || !alpha || !blurred || !memory) return MMNET_BAD_VALUE;
    if (!is_image(height, width)) return MMNET_BAD_SIZE;
    Arena arena = open_arena(memory, arena_size);
    Blur blur;
    take_blur(height, width, &arena, &blur);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_run_resampler(&blur.image, image, 3 * (Index)width, blur.small, 3 * blur.width);
    mmnet_run_resampler(&blur.alpha, alpha, width, blur.small_alpha, blur.width);
    const Index pixels = blur.height * blur.width;
    for (Index i = 0; i < pixels; ++i) {
        const int32_t weight = 256 - blur.small_alpha[i]; /* at least 1, so that every pixel gets a colour */
        for (Index c = 0; c < 3; ++c) blur.sums[SUMS * i + c] = weight * blur.small[3 * i + c];
        blur.sums[SUMS * i + 3] = weight * 255;
    }
    for (int pass = 0; pass < PASSES; ++pass) blur_sums(&blur);
    for (Index i = 0; i < pixels; ++i) {
        const int32_t total = blur.sums[SUMS * i + 3];
        for (Index c = 0; c < 3; ++c) {
            const int32_t colour = (255 * blur.sums[SUMS * i + c] + total / 2) / total;
            blur.small[3 * i + c] = (uint8_t)(colour < 255 ? colour : 255);
        }
    }
    mmnet_run_resampler(&blur.back, blur.small, 3 * blur.width, blurred, 3 * (Index)width);
    return MMNET_OK;
}
