/* Compositing and the foreground of whole images: `compositing.composite` and `estimate_foreground` of Python. */
#include "tiles.h"

/* The numbers of parameters.py, foreground.py and tiles.py. */
enum { TILE_HEIGHT = 64, TILE_WIDTH = 16, REGION_GRID = 64, MAX_SAMPLES = 256, MAX_STEP = 16, DIFFERENCE_UNIT = 16 };
enum { FIRST_RADIUS = 3, FIRST_POWER = 8, SECOND_RADIUS = 1, SECOND_POWER = 3 };

/* The buffers for an image, of which the foreground is estimated in a region as large as the image at most. */
typedef struct {
    uint8_t *opaque, *edges, *used; /* flags of the tiles; which columns are used */
    uint8_t *samples[4];            /* planes of the image, of alpha, and of refined colours */
    uint16_t *weights[2];
    float *cells;
    void *memory; /* of the kernels */
    size_t size;
} Buffers;

enum { IMAGE, ALPHA, FOREGROUND, BACKGROUND };

/* `parameters.sample_step`. */
static Index sample_step(Index height, Index width) {
    Index step = 1;
    while (max_index(height, width) > MAX_SAMPLES * step && step < MAX_STEP) step *= 2;
    return step;
}

/* An upper bound for the samples along a side, of an image or of a region of it. */
static Index most_samples(Index side) { return min_index(side, max_index(MAX_SAMPLES, divide_up(side, MAX_STEP))); }

static Grid grid_of(Index height, Index width, Index stride, Index tile_stride) {
    const Grid grid = {height, width, stride, TILE_HEIGHT, TILE_WIDTH, tile_stride};
    return grid;
}

static void take_buffers(Index height, Index width, Arena *arena, Buffers *b) {
    const Index tiles = divide_up(height, TILE_HEIGHT) * divide_up(width, TILE_WIDTH);
    const Index rows = most_samples(height), columns = most_samples(width);
    b->opaque = TAKE(arena, tiles, uint8_t);
    b->edges = TAKE(arena, tiles, uint8_t);
    b->used = TAKE(arena, width, uint8_t);
    b->samples[IMAGE] = TAKE(arena, 3 * rows * columns, uint8_t);
    b->samples[ALPHA] = TAKE(arena, rows * columns, uint8_t);
    b->samples[FOREGROUND] = TAKE(arena, 3 * rows * columns, uint8_t);
    b->samples[BACKGROUND] = TAKE(arena, 3 * rows * columns, uint8_t);
    b->weights[0] = TAKE(arena, 256, uint16_t);
    b->weights[1] = TAKE(arena, 256, uint16_t);
    b->cells = TAKE(arena, 3 * (rows + 2) * (columns + 2), float);
    const Grid grid = grid_of(height, width, width, 0);
    b->size = mmnet_kernel_tiles_arena(&grid, 1);
    const size_t means = mmnet_kernel_average_colours_arena(rows, columns, FIRST_RADIUS);
    if (means > b->size) b->size = means;
    b->memory = take(arena, (Index)b->size, 1);
}

size_t mmnet_composite_arena(int32_t height, int32_t width) {
    Arena arena = counting_arena();
    Buffers buffers;
    if (!is_image(height, width)) return 0;
    take_buffers(height, width, &arena, &buffers);
    return counted(&arena);
}

size_t mmnet_foreground_arena(int32_t height, int32_t width) { return mmnet_composite_arena(height, width); }

TARGET_CLONES
static int mark_used(const uint8_t *restrict alpha, Index width, uint8_t *restrict used) {
    uint8_t any = 0;
    for (Index x = 0; x < width; ++x) {
        used[x] |= alpha[x];
        any |= alpha[x];
    }
    return any != 0;
}

/* `foreground.edge_region`; 0 where alpha has no edge. */
static int edge_region(const uint8_t *alpha, Index height, Index width, const Buffers *b, Run *region) {
    const Index tiles = divide_up(height, TILE_HEIGHT) * divide_up(width, TILE_WIDTH);
    Index edges = 0, top = -1, bottom = 0, left = 0, right = width;
    for (Index tile = 0; tile < tiles; ++tile) edges += b->edges[tile];
    if (!edges) return 0;
    set_bytes(b->used, 0, (size_t)width);
    for (Index y = 0; y < height; ++y)
        if (mark_used(alpha + y * width, width, b->used)) {
            if (top < 0) top = y;
            bottom = y + 1;
        }
    while (!b->used[left]) ++left;
    while (!b->used[right - 1]) --right;
    top = max_index(0, top / REGION_GRID * REGION_GRID - REGION_GRID);
    left = max_index(0, left / REGION_GRID * REGION_GRID - REGION_GRID);
    bottom = min_index(height, divide_up(bottom, REGION_GRID) * REGION_GRID + REGION_GRID);
    right = min_index(width, divide_up(right, REGION_GRID) * REGION_GRID + REGION_GRID);
    const Run part = {top, left, bottom - top, right - left}, whole = {0, 0, height, width};
    *region = (int64_t)part.height * part.width * 5 >= (int64_t)height * width * 4 ? whole : part;
    return 1;
}

/* `parameters.weights`: 255 · (byte / 255)^power, rounded, at least 1 for a byte above 0. */
static void set_weights(int power, uint16_t *weights) {
    for (int byte = 0; byte < 256; ++byte) {
        double value = 255;
        for (int i = 0; i < power; ++i) value *= byte / 255.0;
        const uint16_t rounded = (uint16_t)round_double(value);
        weights[byte] = byte > 0 && rounded == 0 ? 1 : rounded;
    }
}

/* Estimate by how much foreground and background differ in a region: `reference.colour_difference`, into `cells`. */
static int estimate_difference(const uint8_t *image, const uint8_t *alpha, Index stride, Run region, const Buffers *b) {
    const Index step = sample_step(region.height, region.width), start = region.top * stride + region.left;
    const Index rows = divide_up(region.height, step), columns = divide_up(region.width, step);
    const Index cell_stride = 3 * (columns + 2);
    uint8_t *const *samples = b->samples;
    mmnet_kernel_sample_cells(image + 3 * start, 3 * stride, 3, region.height, region.width, step, rows, columns,
                              samples[IMAGE], NULL, 0, 0, rows);
    mmnet_kernel_sample_cells(alpha + start, stride, 1, region.height, region.width, step, rows, columns,
                              samples[ALPHA], NULL, 0, 0, rows);
    set_weights(FIRST_POWER, b->weights[0]);
    set_weights(SECOND_POWER, b->weights[1]);
    int status = mmnet_kernel_average_colours(samples[IMAGE], samples[IMAGE], samples[IMAGE], samples[ALPHA], rows,
                                              columns, FIRST_RADIUS, b->weights[0], DIFFERENCE_UNIT,
                                              samples[FOREGROUND], samples[BACKGROUND], NULL, 0, b->memory, b->size, 0,
                                              rows);
    if (status != MMNET_OK) return status;
    status = mmnet_kernel_average_colours(samples[IMAGE], samples[FOREGROUND], samples[BACKGROUND], samples[ALPHA],
                                          rows, columns, SECOND_RADIUS, b->weights[1], DIFFERENCE_UNIT, NULL, NULL,
                                          b->cells + cell_stride + 3, cell_stride, b->memory, b->size, 0, rows);
    for (Index row = 1; row <= rows; ++row) /* one more cell on every side */
        for (Index c = 0; c < 3; ++c) {
            float *line = b->cells + row * cell_stride;
            line[c] = line[3 + c];
            line[3 * (columns + 1) + c] = line[3 * columns + c];
        }
    const size_t bytes = (size_t)cell_stride * sizeof(float);
    copy_bytes(b->cells, b->cells + cell_stride, bytes);
    copy_bytes(b->cells + (rows + 1) * cell_stride, b->cells + rows * cell_stride, bytes);
    return status;
}

/* Composite a region, or write its foreground where `background` is NULL. */
static int composite_region(const uint8_t *image, const uint8_t *alpha, const uint8_t *background,
                            Index background_stride, Index width, Run region, int foreground, const Buffers *b,
                            uint8_t *out) {
    const Index start = region.top * width + region.left, tile_stride = divide_up(width, TILE_WIDTH);
    const Index tile = region.top / TILE_HEIGHT * tile_stride + region.left / TILE_WIDTH;
    const Grid grid = grid_of(region.height, region.width, width, tile_stride);
    Index step = MAX_STEP, cell_stride = 0;
    if (foreground) {
        const int status = estimate_difference(image, alpha, width, region, b);
        if (status != MMNET_OK) return status;
        step = sample_step(region.height, region.width);
        cell_stride = 3 * (divide_up(region.width, step) + 2);
    }
    if (background) background += region.top * background_stride + region.left * 3;
    return mmnet_kernel_composite(&grid, image + 3 * start, background, background_stride, alpha + start,
                                  b->opaque + tile, b->edges + tile, foreground ? b->cells : NULL, cell_stride, step,
                                  out + 3 * start, b->memory, b->size, 0, 1);
}

static int composite(const uint8_t *image, const uint8_t *alpha, const uint8_t *background, Index background_stride,
                     Index height, Index width, int foreground, uint8_t *out, void *memory, size_t size) {
    Arena arena = open_arena(memory, size);
    Buffers buffers;
    take_buffers(height, width, &arena, &buffers);
    if (arena.failed) return MMNET_SMALL_ARENA;
    const Grid grid = grid_of(height, width, width, divide_up(width, TILE_WIDTH));
    mmnet_classify_tiles(&grid, alpha, buffers.opaque, buffers.edges);
    Run region = {0, 0, height, width};
    if (foreground) foreground = edge_region(alpha, height, width, &buffers, &region);
    if (region.height < height || region.width < width) /* the rest has alpha 0 */
        for (Index y = 0; y < height; ++y)
            copy_bytes(out + 3 * y * width, background ? background + y * background_stride : image + 3 * y * width,
                       (size_t)width * 3);
    return composite_region(image, alpha, background, background_stride, width, region, foreground, &buffers, out);
}

int mmnet_composite(const uint8_t *image, const uint8_t *alpha, const uint8_t *background, size_t background_stride,
                    int32_t height, int32_t width, int32_t foreground, uint8_t *out, void *arena, size_t arena_size) {
    if (!image || !alpha || !background || !out || !arena) return MMNET_BAD_VALUE;
    if (!is_image(height, width)) return MMNET_BAD_SIZE;
    if ((background_stride && background_stride < 3 * (size_t)width) || background_stride > 4 * MMNET_MAX_SIDE)
        return MMNET_BAD_SIZE;
    return composite(image, alpha, background, (Index)background_stride, height, width, foreground != 0, out, arena,
                     arena_size);
}

int mmnet_foreground(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width, uint8_t *out,
                     void *arena, size_t arena_size) {
    if (!image || !alpha || !out || !arena) return MMNET_BAD_VALUE;
    if (!is_image(height, width)) return MMNET_BAD_SIZE;
    return composite(image, alpha, NULL, 0, height, width, 1, out, arena, arena_size);
}
