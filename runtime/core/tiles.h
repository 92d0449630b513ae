/* Tiles of an image, and the memory in which they are computed. */
#ifndef MMNET_TILES_H
#define MMNET_TILES_H

#include "kernels.h"

/* Adjacent tiles computed in one call, at most: their intermediate values stay in the processor's cache. */
enum { MAX_RUN = 8 };

typedef struct {
    Index top, left, height, width;
} Run;

/* Where a pixel of a tile lies between the centres of two cells. Cells are counted from the one before the tile. */
typedef struct {
    Index cell;          /* the first of the two cells */
    float first, second; /* their weights */
} PixelPosition;

/* The memory in which tiles are computed. */
typedef struct {
    PixelPosition *positions;
    float *cells, *colours, *line, *weights;
} Workspace;

void mmnet_take_workspace(const Grid *grid, Index step, Arena *arena, Workspace *workspace);
void mmnet_set_positions(const Grid *grid, Index step, Workspace *workspace);

/* Find for each tile whether its alpha is 255 everywhere (`opaque`), and whether it is neither 255 nor 0 everywhere
 * (`edges`). */
void mmnet_classify_tiles(const Grid *grid, const uint8_t *alpha, uint8_t *opaque, uint8_t *edges);

/* The rectangle of a row's tiles `column` to `end` - 1. */
INLINE Run tile_run(const Grid *grid, Index row, Index column, Index end) {
    Run run = {row * grid->tile_height, column * grid->tile_width, 0, 0};
    run.height = min_index(grid->tile_height, grid->height - run.top);
    run.width = min_index(end * grid->tile_width, grid->width) - run.left;
    return run;
}

/* The first tile after `first` whose two flags differ from those of `first`; `end` if there is none. */
INLINE Index end_of_run(const uint8_t *flags, const uint8_t *other_flags, Index first, Index end) {
    Index next = first + 1;
    while (next < end && flags[next] == flags[first] && other_flags[next] == other_flags[first]) ++next;
    return next;
}

/* Interpolate cells [rows, columns, channels] along each row: [rows, pixels, channels]. Products and sums are exact,
 * here and where rows are interpolated, for the reason that `TileBatch.interpolate` gives. */
INLINE void interpolate_rows(const float *restrict cells, Index cell_stride, Index rows, Index channels,
                             const PixelPosition *restrict positions, Index pixels, float *restrict result) {
    for (Index row = 0; row < rows; ++row, cells += cell_stride)
        for (Index x = 0; x < pixels; ++x) {
            const float *cell = cells + positions[x].cell * channels;
            for (Index c = 0; c < channels; ++c)
                *result++ = cell[c] * positions[x].first + cell[channels + c] * positions[x].second;
        }
}

#endif
