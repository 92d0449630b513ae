/* Guided alpha: the fitted line, applied to the pixels of a photo. */
#include "tiles.h"

/* Interpolate the line fitted at the network's size to the cells around some tiles (`reference._between`, along both
 * axes): slopes [rows, columns, 3] and offsets [rows, columns]. */
static void interpolate_line(const float *restrict fitted, Index side, const Taps *down, const Taps *across, Index top,
                             Index rows, Index left, Index columns, float *restrict slopes, float *restrict offsets) {
    for (Index i = top; i < top + rows; ++i) {
        const float *above = fitted + down->first[i] * side * 4, *below = fitted + down->second[i] * side * 4;
        for (Index j = left; j < left + columns; ++j) {
            const Index a = across->first[j] * 4, b = across->second[j] * 4;
            float value[4];
            for (Index c = 0; c < 4; ++c) {
                const float first = round_to_even((below[a + c] - above[a + c]) * down->fraction[i] + above[a + c]);
                const float second = round_to_even((below[b + c] - above[b + c]) * down->fraction[i] + above[b + c]);
                value[c] = round_to_even((second - first) * across->fraction[j] + first);
            }
            *slopes++ = value[0], *slopes++ = value[1], *slopes++ = value[2];
            *offsets++ = value[3];
        }
    }
}

/* Compute alpha = slope · colour + offset at the pixels of some tiles. */
TARGET_CLONES
static void guided_alpha_tiles(const float *cells, Index columns, Index rows, float slope_unit, float offset_unit,
                               const uint8_t *restrict photo, Index stride, Run tiles, const Workspace *workspace,
                               uint8_t *restrict alpha) {
    const PixelPosition *positions = workspace->positions;
    const Index width = tiles.width;
    float *restrict slopes = workspace->colours, *restrict offsets = workspace->offsets;
    float *restrict line = workspace->line;
    interpolate_rows(cells, columns * 3, rows, 3, positions, width, slopes);
    interpolate_rows(cells + columns * rows * 3, columns, rows, 1, positions, width, offsets);
    for (Index y = 0; y < tiles.height; ++y) {
        const Index start = (tiles.top + y) * stride + tiles.left;
        const float first = positions[y].first, second = positions[y].second;
        const uint8_t *pixels = photo + start * 3;
        const float *above = slopes + positions[y].cell * width * 3, *below = above + width * 3;
        for (Index i = 0; i < width * 3; ++i)
            line[i] = (above[i] * first + below[i] * second) * (float)pixels[i] * slope_unit;
        above = offsets + positions[y].cell * width, below = above + width;
        for (Index x = 0; x < width; ++x) {
            const float offset = (above[x] * first + below[x] * second) * offset_unit;
            const float sum = ((line[3 * x] + line[3 * x + 1]) + line[3 * x + 2]) + offset;
            alpha[start + x] = (uint8_t)(int32_t)clamp_to_byte(round_to_even(sum));
        }
    }
}

int mmnet_kernel_guided_alpha(const Grid *grid, const float *fitted, Index side, const Taps *down, const Taps *across,
                              Index step, float slope_unit, float offset_unit, const uint8_t *photo,
                              const uint8_t *crossed, const uint8_t *inside, uint8_t *alpha, uint8_t *opaque,
                              uint8_t *edges, void *memory, size_t size, Index first, Index every) {
    const Index tiles = divide_up(grid->width, grid->tile_width);
    Arena arena = open_arena(memory, size);
    Workspace workspace;
    mmnet_take_workspace(grid, step, &arena, &workspace);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_set_positions(grid, step, &workspace);
    for (Index row = first; row * grid->tile_height < grid->height; row += every) {
        const Index flags = row * grid->tile_stride;
        const uint8_t *crossed_here = crossed + flags, *inside_here = inside + flags;
        for (Index column = 0, end; column < tiles; column = end) {
            end = end_of_run(crossed_here, inside_here, column, tiles);
            if (crossed_here[column]) end = min_index(end, column + MAX_RUN);
            const Run run = tile_run(grid, row, column, end);
            if (crossed_here[column]) {
                const Index columns = divide_up(run.width, step) + 2, rows = divide_up(run.height, step) + 2;
                interpolate_line(fitted, side, down, across, run.top / step, rows, run.left / step, columns,
                                 workspace.cells, workspace.cells + columns * rows * 3);
                guided_alpha_tiles(workspace.cells, columns, rows, slope_unit, offset_unit, photo, grid->stride, run,
                                   &workspace, alpha);
            } else {
                for (Index y = run.top; y < run.top + run.height; ++y)
                    set_bytes(alpha + y * grid->stride + run.left, inside_here[column] ? 255 : 0, (size_t)run.width);
            }
            for (Index each = column; each < end; ++each) {
                opaque[flags + each] = inside_here[each];
                edges[flags + each] = 0;
                if (crossed_here[each])
                    mmnet_classify_tile(alpha, grid->stride, tile_run(grid, row, each, each + 1),
                                        opaque + flags + each, edges + flags + each);
            }
        }
    }
    return MMNET_OK;
}
