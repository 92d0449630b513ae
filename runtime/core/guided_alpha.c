/* Guided alpha: the fitted line, applied to the pixels of a photo. */
#include "tiles.h"

/* A cell, or a pixel, has three slopes and an offset. They lie in planes: many pixels are computed at once. */
enum { SLOPES = 3, VALUES = 4 };

/* Columns of the network that are interpolated at a time. */
enum { MAX_COLUMNS = 64 };

/* The line fitted at the network's size, [rows, side, VALUES], and where the cells of the photo lie in it. */
typedef struct {
    const float *values;
    Index side;
    const Taps *down, *across;
    Index step;
} Line;

INLINE void interpolate_between(const float *restrict first, const float *restrict second, float fraction, Index count,
                                float *restrict out) {
    for (Index i = 0; i < count; ++i) out[i] = round_to_even((second[i] - first[i]) * fraction + first[i]);
}

/* Interpolate the line to a row of cells (`reference._between`, along both axes): planes [VALUES, columns]. The values
 * of a cell come side by side first, because they are computed together. */
INLINE void interpolate_line(const Line *line, Index row, Index left, Index columns, float *restrict interleaved,
                             float *restrict cells) {
    const Index above = line->down->first[row] * line->side, below = line->down->second[row] * line->side;
    const Index *firsts = line->across->first + left, *seconds = line->across->second + left;
    const float *fractions = line->across->fraction + left;
    float between[MAX_COLUMNS * VALUES];
    for (Index j = 0, next; j < columns; j = next) {
        /* The next cells, as many as depend on so few columns. */
        const Index base = firsts[j];
        for (next = j + 1; next < columns && seconds[next] - base < MAX_COLUMNS;) ++next;
        interpolate_between(line->values + (above + base) * VALUES, line->values + (below + base) * VALUES,
                            line->down->fraction[row], (seconds[next - 1] - base + 1) * VALUES, between);
        for (Index cell = j; cell < next; ++cell)
            interpolate_between(between + (firsts[cell] - base) * VALUES, between + (seconds[cell] - base) * VALUES,
                                fractions[cell], VALUES, interleaved + cell * VALUES);
    }
    for (Index cell = 0; cell < columns; ++cell)
        for (Index v = 0; v < VALUES; ++v) cells[v * columns + cell] = interleaved[cell * VALUES + v];
}

/* Interpolate some cells along a row: pixels [width]. Up to WIDEN_MARGIN pixels before the first and after the last are
 * written, too. Products and sums are exact, here and along columns, for the reason of `TileBatch.interpolate`. */
INLINE void widen_by(const float *restrict cells, Index width, Index step, float *restrict pixels) {
    const Index count = divide_up(width + step / 2, step);
    for (Index cell = 0; cell < count; ++cell)
        for (Index k = 0; k < step; ++k) {
            const float second = (float)(2 * k + 1) / (float)(2 * step);
            pixels[cell * step + k - step / 2] = cells[cell] * (1 - second) + cells[cell + 1] * second;
        }
}

INLINE void widen(const float *restrict cells, Index width, Index step, float *restrict pixels) {
    if (step == 1)
        copy_bytes(pixels, cells + 1, (size_t)width * sizeof(float));
    else if (step == 2)
        widen_by(cells, width, 2, pixels);
    else if (step == 4)
        widen_by(cells, width, 4, pixels);
    else if (step == 8)
        widen_by(cells, width, 8, pixels);
    else
        widen_by(cells, width, step, pixels);
}

/* Compute alpha = slope · colour + offset at the pixels of some tiles. Two rows of cells are held, widened to pixels,
 * so that they stay in the processor's first cache: row r in slot r % 2. */
TARGET_CLONES
static void guided_alpha_tiles(const Line *line, float slope_unit, float offset_unit, const uint8_t *restrict photo,
                               Index stride, Run tiles, const Workspace *workspace, uint8_t *restrict alpha) {
    const Index width = tiles.width, columns = divide_up(width, line->step) + 2, plane = workspace->stride;
    Index held = -1;
    for (Index y = 0; y < tiles.height; ++y) {
        const PixelPosition position = workspace->positions[y];
        for (Index row = max_index(held + 1, position.cell); row <= position.cell + 1; held = row++) {
            interpolate_line(line, tiles.top / line->step + row, tiles.left / line->step, columns,
                             workspace->cells + VALUES * columns, workspace->cells);
            for (Index v = 0; v < VALUES; ++v)
                widen(workspace->cells + v * columns, width, line->step,
                      workspace->colours + (row % 2 * VALUES + v) * plane);
        }
        const float first = position.first, second = position.second;
        const Index start = (tiles.top + y) * stride + tiles.left;
        const uint8_t *restrict pixels = photo + start * 3;
        const float *restrict above = workspace->colours + position.cell % 2 * VALUES * plane;
        const float *restrict below = workspace->colours + (position.cell + 1) % 2 * VALUES * plane;
        float *restrict sums = workspace->line;
#define VALUE(v) (above[(v) * plane + x] * first + below[(v) * plane + x] * second)
        for (Index x = 0; x < width; ++x) {
            const float red = VALUE(0) * (float)pixels[3 * x] * slope_unit;
            const float green = VALUE(1) * (float)pixels[3 * x + 1] * slope_unit;
            const float blue = VALUE(2) * (float)pixels[3 * x + 2] * slope_unit;
            sums[x] = round_to_even(((red + green) + blue) + VALUE(SLOPES) * offset_unit);
        }
#undef VALUE
        for (Index x = 0; x < width; ++x) alpha[start + x] = (uint8_t)(int32_t)clamp_to_byte(sums[x]);
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
    const Line line = {fitted, side, down, across, step};
    for (Index row = first; row * grid->tile_height < grid->height; row += every) {
        const Index flags = row * grid->tile_stride;
        const uint8_t *crossed_here = crossed + flags, *inside_here = inside + flags;
        for (Index column = 0, end; column < tiles; column = end) {
            end = end_of_run(crossed_here, inside_here, column, tiles);
            if (crossed_here[column]) end = min_index(end, column + MAX_RUN);
            const Run run = tile_run(grid, row, column, end);
            if (crossed_here[column]) {
                guided_alpha_tiles(&line, slope_unit, offset_unit, photo, grid->stride, run, &workspace, alpha);
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
