/* Guided alpha: the line is fitted at the network's size, interpolated to the cells of a photo, from them to its
 * pixels, and applied there: one strip after the other, so that all of it stays in the processor's cache. */
#include "strips.h"

enum { FRACTION = 256 };

static void take_axis(Axis *axis, Index values, Index pixels, Index step, Index each, Arena *arena) {
    axis->values = values, axis->pixels = pixels, axis->cells = divide_up(pixels, step);
    axis->first = TAKE(arena, axis->cells + 2 + CELLS_BESIDE, int32_t);
    axis->second = TAKE(arena, axis->cells + 2 + CELLS_BESIDE, int32_t);
    axis->fraction = TAKE(arena, each * (axis->cells + 2 + CELLS_BESIDE), float);
}

/* The rows of cells that a row of tiles depends on, counted from the one before the tiles. */
static Index first_cells(Index step) { return (step + 1) / (2 * step); }
static Index last_cells(Index step, Index height) { return (2 * height - 1 + step) / (2 * step) + 1; }

static void take_guide(Guide *guide, Arena *arena) {
    const Index rows = guide->rows.image.height, columns = guide->rows.image.width;
    const Index height = guide->grid.height, width = guide->grid.width;
    Index step = 1;
    while (step < MAX_LINE_STEP && height >= 2 * step * rows && width >= 2 * step * columns) step *= 2;
    guide->step = step;
    guide->blocks = divide_up(width, LANES * step), guide->tiles = divide_up(width, guide->grid.tile_width);
    take_axis(&guide->down, rows, height, step, 1, arena);
    take_axis(&guide->across, columns, width, step, VALUES, arena);
    const Index cells = last_cells(step, min_index(guide->grid.tile_height, height));
    guide->span = step * rows / height + 3;
    guide->rows.held = min_index(cells * step * rows / height + 3 + guide->span, rows) + ROWS_AROUND;
    mmnet_take_line_rows(&guide->rows, arena);
    guide->flags = TAKE(arena, guide->rows.held * guide->blocks, Flags);
    guide->now = TAKE(arena, guide->blocks, Flags);
    guide->next = TAKE(arena, guide->blocks, Flags);
    guide->needed = TAKE(arena, guide->blocks, Flags);
    guide->low = TAKE(arena, columns, int32_t);
    guide->high = TAKE(arena, columns, int32_t);
    guide->cell_stride = LANES * (guide->blocks + 1) + LANES;
    guide->pixel_stride = LANES * step * guide->blocks;
    guide->between = TAKE(arena, guide->rows.line_stride, float);
    guide->cells = TAKE(arena, VALUES * guide->cell_stride, float);
    guide->pixels = TAKE(arena, 2 * VALUES * guide->pixel_stride, float);
    guide->all = TAKE(arena, guide->tiles, uint8_t);
    guide->any = TAKE(arena, guide->tiles, uint8_t);
}

/* `cells.cell_taps`: where the centres of cells lie between the network's values. A position is a quotient; from cell
 * to cell, its numerator grows by as much. */
static void set_axis(Axis *axis, Index step, Index each) {
    const int64_t denominator = 2 * (int64_t)axis->pixels, growth = 2 * (int64_t)step * axis->values * FRACTION;
    const int64_t last = axis->values - 1, more = growth / denominator, more_rest = growth % denominator;
    int64_t quotient = growth / 2 / denominator, rest = growth / 2 % denominator;
    const Index count = axis->cells;
    for (Index cell = 0; cell < count; ++cell) {
        int64_t position = quotient - FRACTION / 2;
        position = position < 0 ? 0 : position > last * FRACTION ? last * FRACTION : position;
        const int64_t first = position / FRACTION, second = first < last ? first + 1 : last;
        axis->first[1 + cell] = (int32_t)(first * each), axis->second[1 + cell] = (int32_t)(second * each);
        for (Index i = 0; i < each; ++i)
            axis->fraction[(1 + cell) * each + i] = (float)(position % FRACTION) / FRACTION;
        quotient += more, rest += more_rest;
        if (rest >= denominator) ++quotient, rest -= denominator;
    }
    for (Index i = -1; i < CELLS_BESIDE + 1; ++i) { /* the cell before the first, and those after the last */
        const Index to = i < 0 ? 0 : count + 1 + i, from = i < 0 ? 1 : count;
        axis->first[to] = axis->first[from], axis->second[to] = axis->second[from];
        copy_bytes(axis->fraction + to * each, axis->fraction + from * each, (size_t)each * sizeof(float));
    }
}

/* Find the blocks that depend on each column of the network. */
static void set_blocks(Guide *guide) {
    const int32_t *first = guide->across.first, *second = guide->across.second;
    Index low = 0, high = 0;
    for (Index column = 0; column < guide->across.values; ++column) {
        while (low < guide->blocks && second[LANES * low + LANES + 1] < column * VALUES) ++low;
        while (high + 1 < guide->blocks && first[LANES * (high + 1)] <= column * VALUES) ++high;
        guide->low[column] = (int32_t)low, guide->high[column] = (int32_t)high;
    }
}

/* Find the blocks that depend on an undecided pixel of the network's rows `first` to `end` - 1. */
static void flag_rows(Guide *guide, Index first, Index end) {
    const Index width = guide->rows.image.width;
    mmnet_compare_rows(&guide->rows, first, end);
    for (guide->flagged = max_index(guide->flagged, first); guide->flagged < end; ++guide->flagged) {
        const Flags *undecided = undecided_row(&guide->rows, guide->flagged);
        Flags *flags = guide->flags + guide->flagged % guide->rows.held * guide->blocks;
        set_bytes(flags, 0, (size_t)guide->blocks);
        for (Index x = 0, next; x < width; x = next) {
            next = end_of_flags(undecided, x, width);
            const Index low = guide->low[x], high = guide->high[next - 1];
            if (undecided[x] && low <= high) set_bytes(flags + low, 1, (size_t)(high + 1 - low));
        }
    }
}

/* Add flags to others. */
INLINE void or_flags(const Flags *one, const Flags *other, Index count, Flags *out) {
    for (Index i = 0; i < count; ++i) out[i] = one[i] | other[i];
}

/* Find the blocks to compute between the rows of cells `row` and `row` + 1: whether there is any. */
static int flag_strip(const Guide *guide, Index row, Flags *flags) {
    const Index first = guide->down.first[row], end = guide->down.second[row + 1] + 1, blocks = guide->blocks;
    Flags any = 0;
    copy_bytes(flags, guide->flags + first % guide->rows.held * blocks, (size_t)blocks);
    for (Index y = first + 1; y < end; ++y)
        or_flags(flags, guide->flags + y % guide->rows.held * blocks, blocks, flags);
    for (Index block = 0; block < blocks; ++block) any |= flags[block];
    return any;
}

/* Fit the lines of the rows `first` to `end` - 1, as far as blocks read them: those that depend on an undecided pixel
 * of a row nearby, which has flags. */
static void fit_rows(Guide *guide, Index first, Index end) {
    const Index blocks = guide->blocks;
    Flags *read = guide->needed;
    for (guide->fitted = max_index(guide->fitted, first); guide->fitted < end; ++guide->fitted) {
        const Index row = guide->fitted, last = min_index(row + guide->span, guide->flagged);
        set_bytes(read, 0, (size_t)blocks);
        for (Index y = max_index(row - guide->span + 1, first); y < last; ++y)
            or_flags(read, guide->flags + y % guide->rows.held * blocks, blocks, read);
        for (Index block = 0, next; block < blocks; block = next) {
            next = end_of_flags(read, block, blocks);
            const int32_t *firsts = guide->across.first + LANES * block;
            const int32_t *seconds = guide->across.second + LANES * next + 1;
            if (read[block]) mmnet_keep_alpha(&guide->rows, row, *firsts / VALUES, *seconds / VALUES + 1);
        }
        mmnet_fit_row(&guide->rows, row);
    }
}

/* Compute a row of tiles. Row of cells r is in slot r % 2. */
static void compute_tiles(Guide *guide, const uint8_t *photo, Index tiles, uint8_t *alpha) {
    const Index step = guide->step, top = tiles * guide->grid.tile_height, cells = top / step;
    const Index bottom = min_index(top + guide->grid.tile_height, guide->grid.height);
    const Index first = cells + first_cells(step), last = cells + last_cells(step, bottom - top);
    const Index first_row = guide->down.first[first], end_row = guide->down.second[last] + 1;
    flag_rows(guide, first_row, min_index(end_row + guide->span, guide->rows.image.height));
    fit_rows(guide, first_row, end_row);
    set_bytes(guide->all, 255, (size_t)guide->tiles);
    set_bytes(guide->any, 0, (size_t)guide->tiles);
    int some = flag_strip(guide, first, guide->now);
    if (some) copy_bytes(guide->needed, guide->now, (size_t)guide->blocks), mmnet_compute_cells(guide, first);
    Strip strip = {.top = top, .between.growth = 1.0f / (float)step};
    for (Index row = first; row < last; ++row) {
        int more = 0;
        if (row + 1 < last)
            more = flag_strip(guide, row + 1, guide->next);
        else
            set_bytes(guide->next, 0, (size_t)guide->blocks);
        if (some || more) {
            or_flags(guide->now, guide->next, guide->blocks, guide->needed);
            mmnet_compute_cells(guide, row + 1);
        }
        /* Pixel y lies at (2 y + 1 - step) / (2 step) cells. */
        strip.cells = row;
        strip.rows = min_index(step * (row + 1) - (step + 1) / 2, bottom) - strip.top;
        strip.between.second = (float)(2 * (strip.top - row * step) + 1 + step) / (float)(2 * step);
        strip.between.first = 1 - strip.between.second;
        mmnet_compute_strip(guide, photo, strip, alpha);
        strip.top += strip.rows;
        Flags *const flags = guide->now;
        guide->now = guide->next, guide->next = flags, some = more;
    }
}

size_t mmnet_guide_arena(Index rows, Index columns, const Grid *grid) {
    Guide guide = {.grid = *grid, .rows.image = {.height = rows, .width = columns}};
    Arena arena = counting_arena();
    take_guide(&guide, &arena);
    return counted(&arena);
}

int mmnet_guide(const Inferred *image, const Grid *grid, const uint8_t *photo, uint8_t *alpha, uint8_t *opaque,
                uint8_t *edges, void *memory, size_t size, Index first, Index every) {
    Guide guide = {.grid = *grid, .rows.image = *image};
    Arena arena = open_arena(memory, size);
    take_guide(&guide, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    set_axis(&guide.down, guide.step, 1);
    set_axis(&guide.across, guide.step, VALUES);
    set_blocks(&guide);
    for (Index row = first; row * grid->tile_height < grid->height; row += every) {
        compute_tiles(&guide, photo, row, alpha);
        const Index flags = row * grid->tile_stride;
        for (Index tile = 0; opaque && tile < guide.tiles; ++tile) opaque[flags + tile] = guide.all[tile] == 255;
        for (Index tile = 0; edges && tile < guide.tiles; ++tile)
            edges[flags + tile] = guide.all[tile] != 255 && guide.any[tile];
    }
    return MMNET_OK;
}

size_t mmnet_kernel_guided_alpha_arena(const Grid *grid, Index rows, Index columns) {
    return mmnet_guide_arena(rows, columns, grid);
}

int mmnet_kernel_guided_alpha(const Grid *grid, const float *alpha, const uint8_t *input, Index rows, Index columns,
                              const uint8_t *photo, uint8_t *out, uint8_t *opaque, uint8_t *edges, void *memory,
                              size_t size, Index first, Index every) {
    const Inferred image = {rows, columns, alpha, NULL, columns, input, 3 * columns};
    return mmnet_guide(&image, grid, photo, out, opaque, edges, memory, size, first, every);
}
