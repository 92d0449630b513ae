/* The alpha of the profile `fine`: `upsample_placed` of Python with guided upsampling. */
#include "guided.h"

enum { OPAQUE = 65535, BYTE = 257, TILE_HEIGHT = 64, TILE_WIDTH = 16 };

static Grid grid_of(const mmnet_rectangle *seen, Index stride) {
    const Index columns = divide_up(seen->width, TILE_WIDTH);
    const Grid grid = {seen->height, seen->width, stride, TILE_HEIGHT, TILE_WIDTH, columns};
    return grid;
}

static int is_enlarged(const mmnet_placement *placement) {
    return placement->seen.height > placement->filled.height || placement->seen.width > placement->filled.width;
}

size_t mmnet_fine_alpha_arena(int32_t size, const mmnet_placement *placement) {
    if (size < 1 || size > MMNET_MAX_MODEL_SIDE || !has_sizes(placement)) return 0;
    const mmnet_rectangle *seen = &placement->seen, *filled = &placement->filled;
    if (filled->height > size || filled->width > size) return 0;
    if (!is_enlarged(placement)) return ALIGNMENT;
    const Grid grid = grid_of(seen, seen->width);
    return mmnet_guide_arena(filled->height, filled->width, &grid);
}

/* `upsampling.resize_alpha`, in bytes: OpenCV's INTER_LINEAR_EXACT of 16 bits, with weights in 1/65536. */
static void resize_exactly(const uint8_t *source, Index source_stride, Index rows, Index columns, Index height,
                           Index width, uint8_t *alpha, Index stride) {
    const double scale_y = (double)rows / (double)height, scale_x = (double)columns / (double)width;
    for (Index y = 0; y < height; ++y) {
        const double at_y = scale_y * ((double)y + 0.5) - 0.5;
        const Index row = at_y < 0 ? 0 : min_index((Index)at_y, rows - 1);
        const int inside_y = at_y >= 0 && row < rows - 1;
        const uint64_t below = inside_y ? (uint64_t)round_double((at_y - (double)row) * 65536) : 0;
        const uint8_t *lines[2] = {source + row * source_stride, source + (row + inside_y) * source_stride};
        for (Index x = 0; x < width; ++x) {
            const double at_x = scale_x * ((double)x + 0.5) - 0.5;
            const Index column = at_x < 0 ? 0 : min_index((Index)at_x, columns - 1);
            const int inside_x = at_x >= 0 && column < columns - 1;
            const uint64_t right = inside_x ? (uint64_t)round_double((at_x - (double)column) * 65536) : 0;
            uint64_t total = (uint64_t)1 << 31;
            for (int i = 0; i < 2; ++i) {
                const uint64_t bytes = lines[i][column] * (65536 - right) + lines[i][column + inside_x] * right;
                const uint64_t between = BYTE * bytes;
                total += between * (i ? below : 65536 - below);
            }
            const float value = (float)(total >> 32) / (float)OPAQUE;
            alpha[y * stride + x] = (uint8_t)(int32_t)round_to_even(value * 255);
        }
    }
}

int mmnet_fine_alpha(const uint8_t *model_alpha, const uint8_t *input, int32_t size, const mmnet_placement *placement,
                     const uint8_t *image, int32_t height, int32_t width, uint8_t *alpha, void *memory,
                     size_t arena_size) {
    if (!model_alpha || !input || !placement || !image || !alpha || !memory) return MMNET_BAD_VALUE;
    if (size < 1 || size > MMNET_MAX_MODEL_SIDE || !is_image(height, width)) return MMNET_BAD_SIZE;
    if (!is_placement(placement, height, width, size)) return MMNET_BAD_SIZE;
    const mmnet_rectangle *seen = &placement->seen, *filled = &placement->filled;
    const Index start = (Index)seen->top * width + seen->left, filled_start = (Index)filled->top * size + filled->left;
    if (seen->height < height || seen->width < width) set_bytes(alpha, 0, (size_t)height * (size_t)width);
    if (is_enlarged(placement)) {
        const Grid grid = grid_of(seen, width);
        const Inferred inferred = {filled->height,           filled->width,  NULL, model_alpha + filled_start, size,
                                   input + 3 * filled_start, 3 * (Index)size};
        return mmnet_guide(&inferred, &grid, image + start * 3, alpha + start, NULL, NULL, memory, arena_size, 0, 1);
    }
    resize_exactly(model_alpha + filled_start, size, filled->height, filled->width, seen->height, seen->width,
                   alpha + start, width);
    return MMNET_OK;
}
