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
    float units[VALUES];
} Line;

INLINE void interpolate_between(const float *restrict first, const float *restrict second, float fraction, Index count,
                                float *restrict out) {
    for (Index i = 0; i < count; ++i) out[i] = round_to_even((second[i] - first[i]) * fraction + first[i]);
}

/* Interpolate the values of a cell, and bring them to their units. */
INLINE void interpolate_cell(const float *first, const float *second, float fraction, const float *units, float *out) {
#if defined(__GNUC__)
    typedef float Four __attribute__((vector_size(16)));
    Four one, other, unit;
    copy_bytes(&one, first, sizeof one);
    copy_bytes(&other, second, sizeof other);
    copy_bytes(&unit, units, sizeof unit);
    one = ((other - one) * fraction + one + ROUNDING_SHIFT - ROUNDING_SHIFT) * unit;
    copy_bytes(out, &one, sizeof one);
#else
    interpolate_between(first, second, fraction, VALUES, out);
    for (Index v = 0; v < VALUES; ++v) out[v] *= units[v];
#endif
}

/* Find where the cells of tiles lie in the line, in `places`: each cell's first and second column, counted from the
 * first one of its group, and the end of the group. A group is the next cells, as many as depend on MAX_COLUMNS. */
static void place_cells(const Line *line, Index left, Index columns, int32_t *const *places) {
    const Index *firsts = line->across->first + left, *seconds = line->across->second + left;
    for (Index j = 0, next; j < columns; j = next) {
        const Index base = firsts[j];
        for (next = j + 1; next < columns && seconds[next] - base < MAX_COLUMNS;) ++next;
        for (Index cell = j; cell < next; ++cell) {
            places[0][cell] = (int32_t)(firsts[cell] - base) * VALUES;
            places[1][cell] = (int32_t)(seconds[cell] - base) * VALUES;
            places[2][cell] = (int32_t)next;
        }
    }
}

/* Interpolate the line to a row of cells (`reference._between`, along both axes): planes [VALUES, columns]. The values
 * of a cell come side by side first, because they are computed together. Units are powers of two: what they multiply
 * stays exact, so they are applied here, where there are fewer values than pixels. */
INLINE void interpolate_line(const Line *line, Index row, Index left, Index columns, int32_t *const *places,
                             float *restrict interleaved, float *restrict cells) {
    const Index above = line->down->first[row] * line->side, below = line->down->second[row] * line->side;
    const Index *firsts = line->across->first + left;
    const float *fractions = line->across->fraction + left;
    float between[MAX_COLUMNS * VALUES];
    for (Index j = 0, next; j < columns; j = next) {
        next = places[2][j];
        interpolate_between(line->values + (above + firsts[j]) * VALUES, line->values + (below + firsts[j]) * VALUES,
                            line->down->fraction[row], places[1][next - 1] + VALUES, between);
        for (Index cell = j; cell < next; ++cell)
            interpolate_cell(between + places[0][cell], between + places[1][cell], fractions[cell], line->units,
                             interleaved + cell * VALUES);
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

#if defined(MMNET_SHUFFLES)
typedef uint8_t Bytes16 __attribute__((vector_size(16)));
typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef int32_t Ints8 __attribute__((vector_size(32)));
typedef float Floats8 __attribute__((vector_size(32)));
#endif

/* Apply the line to a row of pixels: alpha = slope · colour + offset, whole. It lies between two rows of cells. */
INLINE void apply_line(const float *restrict above, const float *restrict below, Index plane, PixelPosition position,
                       const uint8_t *restrict pixels, Index width, float *restrict alpha) {
    const float first = position.first, second = position.second;
    Index x = 0;
#if defined(MMNET_SHUFFLES)
#define VALUE(value, v)                                            \
    do {                                                           \
        Floats8 upper, lower;                                      \
        copy_bytes(&upper, above + (v) * plane + x, sizeof upper); \
        copy_bytes(&lower, below + (v) * plane + x, sizeof lower); \
        value = upper * first + lower * second;                    \
    } while (0)
    for (; x + 8 <= width; x += 8) { /* compilers take twice as many instructions to tell the colours apart */
        Bytes16 left, right;
        Floats8 red, green, blue, offset;
        copy_bytes(&left, pixels + 3 * x, sizeof left);
        copy_bytes(&right, pixels + 3 * x + 8, sizeof right);
        const Bytes32 both = __builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                                     16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
        const Ints8 colours = (Ints8)__builtin_shufflevector(
            both, both, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0, /* four pixels, from byte 0 on */
            20, 21, 22, 16, 23, 24, 25, 16, 26, 27, 28, 16, 29, 30, 31, 16); /* and four, from byte 12 on */
        VALUE(red, 0);
        VALUE(green, 1);
        VALUE(blue, 2);
        VALUE(offset, SLOPES);
        red *= __builtin_convertvector(colours & 255, Floats8);
        green *= __builtin_convertvector((colours >> 8) & 255, Floats8);
        blue *= __builtin_convertvector((colours >> 16) & 255, Floats8);
        const Floats8 sums = ((red + green) + blue) + offset;
        const Floats8 whole = (sums + ROUNDING_SHIFT) - ROUNDING_SHIFT;
        copy_bytes(alpha + x, &whole, sizeof whole);
    }
#undef VALUE
#endif
#define VALUE(v) (above[(v) * plane + x] * first + below[(v) * plane + x] * second)
    for (; x < width; ++x) {
        const float red = VALUE(0) * (float)pixels[3 * x], green = VALUE(1) * (float)pixels[3 * x + 1];
        const float blue = VALUE(2) * (float)pixels[3 * x + 2];
        alpha[x] = round_to_even(((red + green) + blue) + VALUE(SLOPES));
    }
#undef VALUE
}

/* Bring a row of pixels, and of alpha, into the cache: a run is too narrow for a processor to foresee the next row. */
INLINE void prefetch_row(const uint8_t *pixels, const uint8_t *alpha, Index width) {
    enum { CACHE_LINE = 64 };
    for (Index i = 0; i < 3 * width; i += CACHE_LINE) PREFETCH(pixels + i, 0);
    for (Index i = 0; i < width; i += CACHE_LINE) PREFETCH(alpha + i, 1);
}

enum { ROWS_AHEAD = 4 };

/* Compute alpha at the pixels of some tiles. Two rows of cells are held, widened to pixels, so that they stay in the
 * processor's first cache: row r in slot r % 2. */
TARGET_CLONES
static void guided_alpha_tiles(const Line *line, const uint8_t *restrict photo, Index stride, Run tiles,
                               const Workspace *workspace, uint8_t *restrict alpha) {
    const Index width = tiles.width, columns = divide_up(width, line->step) + 2, plane = workspace->stride;
    const Index left = tiles.left / line->step, top = tiles.top / line->step;
    Index held = -1;
    place_cells(line, left, columns, workspace->places);
    for (Index y = 0; y < tiles.height; ++y) {
        const PixelPosition position = workspace->positions[y];
        const Index start = (tiles.top + y) * stride + tiles.left;
        if (y + ROWS_AHEAD < tiles.height) {
            const Index ahead = start + ROWS_AHEAD * stride;
            prefetch_row(photo + ahead * 3, alpha + ahead, width);
        }
        for (Index row = max_index(held + 1, position.cell); row <= position.cell + 1; held = row++) {
            interpolate_line(line, top + row, left, columns, workspace->places, workspace->cells + VALUES * columns,
                             workspace->cells);
            for (Index v = 0; v < VALUES; ++v)
                widen(workspace->cells + v * columns, width, line->step,
                      workspace->colours + (row % 2 * VALUES + v) * plane);
        }
        const float *above = workspace->colours + position.cell % 2 * VALUES * plane;
        const float *below = workspace->colours + (position.cell + 1) % 2 * VALUES * plane;
        float *restrict sums = workspace->line;
        apply_line(above, below, plane, position, photo + start * 3, width, sums);
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
    const Line line = {fitted, side, down, across, step, {slope_unit, slope_unit, slope_unit, offset_unit}};
    for (Index row = first; row * grid->tile_height < grid->height; row += every) {
        const Index flags = row * grid->tile_stride;
        const uint8_t *crossed_here = crossed + flags, *inside_here = inside + flags;
        for (Index column = 0, end; column < tiles; column = end) {
            end = end_of_run(crossed_here, inside_here, column, tiles);
            if (crossed_here[column]) end = min_index(end, column + MAX_RUN);
            const Run run = tile_run(grid, row, column, end);
            if (crossed_here[column]) {
                guided_alpha_tiles(&line, photo, grid->stride, run, &workspace, alpha);
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
