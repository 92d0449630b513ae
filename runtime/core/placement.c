/* Where an image lies in the model's square, and the way there and back (preprocessing.md, sections 3 and 5). */
#include "resample.h"

int mmnet_place(int32_t fit, int32_t height, int32_t width, int32_t size, mmnet_placement *placement) {
    if (!placement || fit < MMNET_STRETCH || fit > MMNET_LETTERBOX) return MMNET_BAD_VALUE;
    if (!is_image(height, width) || size < 1 || size > MMNET_MAX_MODEL_SIDE) return MMNET_BAD_SIZE;
    const mmnet_rectangle whole = {0, 0, height, width}, square = {0, 0, size, size};
    placement->seen = whole;
    placement->filled = square;
    if (fit == MMNET_CROP) {
        const int32_t side = height < width ? height : width;
        const mmnet_rectangle middle = {(height - side) / 2, (width - side) / 2, side, side};
        placement->seen = middle;
    } else if (fit == MMNET_LETTERBOX) {
        const int64_t longer = height > width ? height : width, shorter = height > width ? width : height;
        const int32_t scaled = (int32_t)((2 * (int64_t)size * shorter + longer) / (2 * longer));
        mmnet_rectangle *filled = &placement->filled;
        *(width >= height ? &filled->height : &filled->width) = scaled < 1 ? 1 : scaled;
        filled->top = (size - filled->height) / 2;
        filled->left = (size - filled->width) / 2;
    }
    return MMNET_OK;
}

static Resampler resampler_between(const mmnet_rectangle *from, const mmnet_rectangle *to, Index channels) {
    const Resampler resampler = {from->height, from->width, channels, to->height, to->width, 0};
    return resampler;
}

size_t mmnet_model_input_arena(const mmnet_placement *placement) {
    if (!has_sizes(placement)) return 0;
    Arena arena = counting_arena();
    Resampler resampler = resampler_between(&placement->seen, &placement->filled, 3);
    mmnet_take_resampler(&resampler, &arena);
    return counted(&arena);
}

int mmnet_model_input(const uint8_t *image, int32_t height, int32_t width, const mmnet_placement *placement,
                      int32_t size, uint8_t *input, void *memory, size_t arena_size) {
    if (!image || !placement || !input || !memory) return MMNET_BAD_VALUE;
    if (!is_image(height, width) || size < 1 || size > MMNET_MAX_MODEL_SIDE) return MMNET_BAD_SIZE;
    if (!is_placement(placement, height, width, size)) return MMNET_BAD_SIZE;
    const mmnet_rectangle *seen = &placement->seen, *filled = &placement->filled;
    Arena arena = open_arena(memory, arena_size);
    Resampler resampler = resampler_between(seen, filled, 3);
    mmnet_take_resampler(&resampler, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    if (filled->height < size || filled->width < size) set_bytes(input, 0, 3 * (size_t)size * (size_t)size);
    mmnet_run_resampler(&resampler, image + 3 * ((Index)seen->top * width + seen->left), 3 * (Index)width,
                        input + 3 * ((Index)filled->top * size + filled->left), 3 * (Index)size);
    return MMNET_OK;
}

size_t mmnet_fast_alpha_arena(const mmnet_placement *placement) {
    if (!has_sizes(placement)) return 0;
    Arena arena = counting_arena();
    Resampler resampler = resampler_between(&placement->filled, &placement->seen, 1);
    mmnet_take_resampler(&resampler, &arena);
    return counted(&arena);
}

int mmnet_fast_alpha(const uint8_t *model_alpha, int32_t size, const mmnet_placement *placement, int32_t height,
                     int32_t width, uint8_t *alpha, void *memory, size_t arena_size) {
    if (!model_alpha || !placement || !alpha || !memory) return MMNET_BAD_VALUE;
    if (!is_image(height, width) || size < 1 || size > MMNET_MAX_MODEL_SIDE) return MMNET_BAD_SIZE;
    if (!is_placement(placement, height, width, size)) return MMNET_BAD_SIZE;
    const mmnet_rectangle *seen = &placement->seen, *filled = &placement->filled;
    Arena arena = open_arena(memory, arena_size);
    Resampler resampler = resampler_between(filled, seen, 1);
    mmnet_take_resampler(&resampler, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    if (seen->height < height || seen->width < width) set_bytes(alpha, 0, (size_t)height * (size_t)width);
    mmnet_run_resampler(&resampler, model_alpha + (Index)filled->top * size + filled->left, size,
                        alpha + (Index)seen->top * width + seen->left, width);
    return MMNET_OK;
}
