/* Tiles: see tiles.h. */
#include "tiles.h"

int mmnet_kernels_version(void) { return MMNET_KERNELS_VERSION; }

void mmnet_take_workspace(const Grid *grid, Index step, Arena *arena, Workspace *workspace) {
    const Index width = min_index(MAX_RUN * grid->tile_width, grid->width);
    const Index height = min_index(grid->tile_height, grid->height);
    const Index columns = (width - 1) / step + 3, rows = (height - 1) / step + 3;
    workspace->positions = TAKE(arena, max_index(width, height), PixelPosition);
    workspace->cells = TAKE(arena, 3 * columns, float);
    workspace->colours = TAKE(arena, 3 * width * rows, float);
    workspace->line = TAKE(arena, 3 * width, float);
    workspace->weights = TAKE(arena, 3 * width, float);
}

void mmnet_set_positions(const Grid *grid, Index step, Workspace *workspace) {
    const Index width = min_index(MAX_RUN * grid->tile_width, grid->width);
    const Index count = max_index(width, min_index(grid->tile_height, grid->height));
    for (Index p = 0; p < count; ++p) {
        const Index offset = 2 * p + 1 + step;
        PixelPosition *position = workspace->positions + p;
        position->cell = offset / (2 * step);
        position->second = (float)(offset % (2 * step)) / (float)(2 * step);
        position->first = 1 - position->second;
    }
}

size_t mmnet_kernel_tiles_arena(const Grid *grid, Index step) {
    Arena arena = counting_arena();
    Workspace workspace;
    mmnet_take_workspace(grid, step, &arena, &workspace);
    return counted(&arena);
}

/* Find whether the alpha of a tile is 255 everywhere (`opaque`), and whether it is neither 255 nor 0 everywhere
 * (`edge`). */
static void classify_tile(const uint8_t *alpha, Index stride, Run tile, uint8_t *opaque, uint8_t *edge) {
    uint64_t ones = ~(uint64_t)0, any = 0; /* the bits that are set everywhere, and those that are set anywhere */
    for (Index y = 0; y < tile.height; ++y) {
        const uint8_t *line = alpha + (tile.top + y) * stride + tile.left;
        Index x = 0;
        for (uint64_t eight; x + 8 <= tile.width; x += 8) {
            copy_bytes(&eight, line + x, sizeof eight);
            ones &= eight;
            any |= eight;
        }
        for (; x < tile.width; ++x) {
            ones &= line[x] * (~(uint64_t)0 / 255);
            any |= line[x];
        }
    }
    *opaque = ones == ~(uint64_t)0;
    *edge = !*opaque && any;
}

void mmnet_classify_tiles(const Grid *grid, const uint8_t *alpha, uint8_t *opaque, uint8_t *edges) {
    const Index rows = divide_up(grid->height, grid->tile_height), columns = divide_up(grid->width, grid->tile_width);
    for (Index row = 0; row < rows; ++row)
        for (Index column = 0; column < columns; ++column) {
            const Index tile = row * grid->tile_stride + column;
            classify_tile(alpha, grid->stride, tile_run(grid, row, column, column + 1), opaque + tile, edges + tile);
        }
}
