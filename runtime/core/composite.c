/* Compositing, and the foreground alone, by tiles. */
#include "tiles.h"

/* The part of the foreground that the photo lacks at the pixels of some tiles, for alpha 0: [rows, width, 3]. */
INLINE void interpolate_differences(const float *cells, Index cell_stride, Index rows, Run tiles,
                                    const Workspace *workspace) {
    interpolate_rows(cells, cell_stride, rows, 3, workspace->positions, tiles.width, workspace->colours);
}

/* The difference at the pixels of one row of some tiles: `line`. */
INLINE void interpolate_columns(const Workspace *workspace, Index y, Index width) {
    const PixelPosition position = workspace->positions[y];
    const float *restrict above = workspace->colours + position.cell * width * 3, *restrict below = above + width * 3;
    float *restrict line = workspace->line;
    for (Index i = 0; i < width * 3; ++i) line[i] = above[i] * position.first + below[i] * position.second;
}

INLINE void repeat_alpha(const uint8_t *restrict alpha, Index width, float *restrict weights) {
    for (Index x = 0; x < width; ++x) weights[3 * x] = weights[3 * x + 1] = weights[3 * x + 2] = (float)alpha[x];
}

/* Composite the pixels of some tiles that the edge crosses. */
TARGET_CLONES
static void composite_tiles(const float *cells, Index cell_stride, Index rows, const uint8_t *restrict photo,
                            const uint8_t *restrict background, Index background_stride, const uint8_t *restrict alpha,
                            Index stride, Run tiles, const Workspace *workspace, uint8_t *restrict out) {
    const Index width = tiles.width;
    const float *restrict line = workspace->line, *restrict weights = workspace->weights;
    interpolate_differences(cells, cell_stride, rows, tiles, workspace);
    for (Index y = 0; y < tiles.height; ++y) {
        const Index start = (tiles.top + y) * stride + tiles.left;
        const uint8_t *pixels = photo + start * 3;
        const uint8_t *behind = background + (tiles.top + y) * background_stride + tiles.left * 3;
        interpolate_columns(workspace, y, width);
        repeat_alpha(alpha + start, width, workspace->weights);
        for (Index i = 0; i < width * 3; ++i) {
            const float foreground = clamp_to_byte(round_to_even(line[i] * (255 - weights[i])) + (float)pixels[i]);
            const float other = (float)behind[i];
            /* The product is whole, and the value to be rounded is at least 1/510 away from a tie: the multiplication
             * with 1/255 need not be exact. */
            const float mixed = (foreground - other) * weights[i] * (1.0f / 255) + other;
            out[start * 3 + i] = (uint8_t)(int32_t)round_to_even(mixed);
        }
    }
}

/* Compute the foreground of some tiles that the edge crosses: the photo's own bytes where alpha is 0. */
TARGET_CLONES
static void foreground_tiles(const float *cells, Index cell_stride, Index rows, const uint8_t *restrict photo,
                             const uint8_t *restrict alpha, Index stride, Run tiles, const Workspace *workspace,
                             uint8_t *restrict out) {
    const Index width = tiles.width;
    const float *restrict line = workspace->line, *restrict weights = workspace->weights;
    interpolate_differences(cells, cell_stride, rows, tiles, workspace);
    for (Index y = 0; y < tiles.height; ++y) {
        const Index start = (tiles.top + y) * stride + tiles.left;
        const uint8_t *pixels = photo + start * 3;
        interpolate_columns(workspace, y, width);
        repeat_alpha(alpha + start, width, workspace->weights);
        for (Index i = 0; i < width * 3; ++i) {
            const float missing = weights[i] > 0 ? 255 - weights[i] : 0;
            const float foreground = clamp_to_byte(round_to_even(line[i] * missing) + (float)pixels[i]);
            out[start * 3 + i] = (uint8_t)(int32_t)foreground;
        }
    }
}

/* Copy the pixels of some tiles that the edge does not cross. */
static void copy_tiles(const uint8_t *source, Index source_stride, Index stride, Run tiles, uint8_t *out) {
    for (Index y = tiles.top; y < tiles.top + tiles.height; ++y)
        copy_bytes(out + (y * stride + tiles.left) * 3, source + y * source_stride + tiles.left * 3,
                   (size_t)tiles.width * 3);
}

int mmnet_kernel_composite(const Grid *grid, const uint8_t *photo, const uint8_t *background, Index background_stride,
                           const uint8_t *alpha, const uint8_t *opaque, const uint8_t *edges, const float *difference,
                           Index cell_stride, Index step, uint8_t *out, void *memory, size_t size, Index first,
                           Index every) {
    const Index tiles = divide_up(grid->width, grid->tile_width);
    Arena arena = open_arena(memory, size);
    Workspace workspace;
    mmnet_take_workspace(grid, step, &arena, &workspace);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_set_positions(grid, step, &workspace);
    if (!difference) { /* cells that are all 0, and the same for every row */
        const Index columns = (min_index(MAX_RUN * grid->tile_width, grid->width) - 1) / step + 3;
        set_bytes(workspace.cells, 0, (size_t)(3 * columns) * sizeof(float));
    }
    for (Index row = first; row * grid->tile_height < grid->height; row += every) {
        const uint8_t *edges_here = edges + row * grid->tile_stride, *opaque_here = opaque + row * grid->tile_stride;
        for (Index column = 0, end; column < tiles; column = end) {
            end = end_of_run(edges_here, opaque_here, column, tiles);
            if (edges_here[column]) end = min_index(end, column + MAX_RUN);
            const Run run = tile_run(grid, row, column, end);
            const Index rows = divide_up(run.height, step) + 2;
            const float *cells = workspace.cells;
            if (difference) cells = difference + run.top / step * cell_stride + run.left / step * 3;
            if (!edges_here[column]) {
                const int own = opaque_here[column] || !background;
                copy_tiles(own ? photo : background, own ? grid->stride * 3 : background_stride, grid->stride, run,
                           out);
            } else if (background) {
                composite_tiles(cells, difference ? cell_stride : 0, rows, photo, background, background_stride, alpha,
                                grid->stride, run, &workspace, out);
            } else {
                foreground_tiles(cells, difference ? cell_stride : 0, rows, photo, alpha, grid->stride, run, &workspace,
                                 out);
            }
        }
    }
    return MMNET_OK;
}
