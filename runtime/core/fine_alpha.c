/* The alpha of the profile `fine`: `upsample_placed` of Python with guided upsampling. */
#include "tiles.h"

/* The numbers of parameters.py, upsampling.py, cells.py and tiles.py. */
enum { TILE_HEIGHT = 64, TILE_WIDTH = 16, CERTAIN = 2, MAX_LINE_STEP = 8, FRACTION = 256 };
enum { OPAQUE = 65535, BYTE = 257 };
static const double epsilon = 64, slope_unit = 4096, offset_unit = 16;

/* The buffers, for a network's alpha of rows × columns and a photo of height × width that it fills. */
typedef struct {
    Index rows, columns, height, width, step, tile_rows, tile_columns;
    uint16_t *alpha;
    uint8_t *input, *guide, *changes;
    int32_t *counts; /* [rows + 1, columns + 1]: undecided pixels above and to the left */
    float *fitted;
    Index *firsts[2], *seconds[2]; /* taps down and across */
    float *fractions[2];
    uint8_t *crossed, *inside, *opaque, *edges;
    void *memory; /* of the kernels */
    size_t size;
} Buffers;

static int is_enlarged(const mmnet_placement *placement) {
    return placement->seen.height > placement->filled.height || placement->seen.width > placement->filled.width;
}

static Grid grid_of(const Buffers *b, Index stride) {
    const Grid grid = {b->height, b->width, stride, TILE_HEIGHT, TILE_WIDTH, b->tile_columns};
    return grid;
}

static void set_sizes(const mmnet_placement *placement, Buffers *b) {
    b->rows = placement->filled.height, b->columns = placement->filled.width;
    b->height = placement->seen.height, b->width = placement->seen.width;
    b->tile_rows = divide_up(b->height, TILE_HEIGHT), b->tile_columns = divide_up(b->width, TILE_WIDTH);
    b->step = 1;
    while (b->step < MAX_LINE_STEP && b->height >= 2 * b->step * b->rows && b->width >= 2 * b->step * b->columns)
        b->step *= 2;
}

static void take_buffers(const mmnet_placement *placement, Arena *arena, Buffers *b) {
    set_sizes(placement, b);
    const Index pixels = b->rows * b->columns, tiles = b->tile_rows * b->tile_columns;
    b->alpha = TAKE(arena, pixels, uint16_t);
    if (!is_enlarged(placement)) return;
    b->input = TAKE(arena, 3 * pixels, uint8_t);
    b->guide = TAKE(arena, 3 * pixels, uint8_t);
    b->changes = TAKE(arena, pixels, uint8_t);
    b->counts = TAKE(arena, (b->rows + 1) * (b->columns + 1), int32_t);
    b->fitted = TAKE(arena, 4 * pixels, float);
    for (int axis = 0; axis < 2; ++axis) {
        const Index count = divide_up(axis ? b->width : b->height, b->step) + 2;
        b->firsts[axis] = TAKE(arena, count, Index);
        b->seconds[axis] = TAKE(arena, count, Index);
        b->fractions[axis] = TAKE(arena, count, float);
    }
    b->crossed = TAKE(arena, tiles, uint8_t);
    b->inside = TAKE(arena, tiles, uint8_t);
    b->opaque = TAKE(arena, tiles, uint8_t);
    b->edges = TAKE(arena, tiles, uint8_t);
    const Grid grid = grid_of(b, b->width);
    const size_t fit = mmnet_kernel_fit_line_arena(b->rows, b->columns);
    const size_t tiles_size = mmnet_kernel_tiles_arena(&grid, b->step);
    b->size = fit > tiles_size ? fit : tiles_size;
    b->memory = take(arena, (Index)b->size, 1);
}

size_t mmnet_fine_alpha_arena(int32_t size, const mmnet_placement *placement) {
    Arena arena = counting_arena();
    Buffers buffers;
    if (size < 1 || size > MMNET_MAX_MODEL_SIDE || !has_sizes(placement)) return 0;
    if (placement->filled.height > size || placement->filled.width > size) return 0;
    take_buffers(placement, &arena, &buffers);
    return counted(&arena);
}

/* Blur the model's input by the binomial 1 2 1 along both axes, rounded half up. Beyond an edge it is reflected. */
static void blur_guide(const Buffers *b) {
    const Index rows = b->rows, columns = b->columns;
    for (Index y = 0; y < rows; ++y) {
        const Index up = y > 0 ? y - 1 : min_index(1, rows - 1), down = y + 1 < rows ? y + 1 : max_index(rows - 2, 0);
        const Index stride = 3 * columns;
        const uint8_t *lines[3] = {b->input + up * stride, b->input + y * stride, b->input + down * stride};
        uint8_t *out = b->guide + y * columns * 3;
        for (Index x = 0; x < columns; ++x) {
            const Index left = 3 * (x > 0 ? x - 1 : min_index(1, columns - 1));
            const Index right = 3 * (x + 1 < columns ? x + 1 : max_index(columns - 2, 0));
            for (Index c = 0; c < 3; ++c) {
                int total = 8;
                for (int i = 0; i < 3; ++i)
                    total += (i == 1 ? 2 : 1) * (lines[i][left + c] + 2 * lines[i][3 * x + c] + lines[i][right + c]);
                out[3 * x + c] = (uint8_t)(total >> 4);
            }
        }
    }
}

/* Find where alpha, a row of it, is not that of all four neighbours. Beyond the image there is nothing to differ. */
TARGET_CLONES
static void find_changes(const uint16_t *restrict alpha, const uint16_t *restrict above, const uint16_t *restrict below,
                         Index columns, uint8_t *restrict changes, uint8_t *restrict undecided) {
    for (Index x = 0; x < columns; ++x) changes[x] = (alpha[x] != above[x]) | (alpha[x] != below[x]);
    for (Index x = 1; x < columns; ++x) changes[x] |= alpha[x] != alpha[x - 1];
    for (Index x = 0; x < columns - 1; ++x) changes[x] |= alpha[x] != alpha[x + 1];
    for (Index x = 0; x < columns; ++x)
        undecided[x] = changes[x] | ((alpha[x] != 0) & (alpha[x] != OPAQUE));
}

/* Find where alpha changes, and count the undecided pixels. */
static void find_and_count(const uint16_t *alpha, Index rows, Index columns, uint8_t *changes, int32_t *counts) {
    enum { BLOCK = 256 };
    set_bytes(counts, 0, (size_t)(columns + 1) * sizeof(int32_t));
    for (Index y = 0; y < rows; ++y) {
        const uint16_t *line = alpha + y * columns;
        const uint16_t *above = y > 0 ? line - columns : line, *below = y + 1 < rows ? line + columns : line;
        const int32_t *counts_above = counts + y * (columns + 1);
        int32_t *counts_here = counts + (y + 1) * (columns + 1), total = 0;
        counts_here[0] = 0;
        for (Index left = 0; left < columns; left += BLOCK) {
            const Index end = min_index(left + BLOCK, columns);
            uint8_t undecided[BLOCK];
            find_changes(line + left, above + left, below + left, end - left, changes + y * columns + left, undecided);
            if (left > 0 && line[left] != line[left - 1])
                changes[y * columns + left] = undecided[0] = 1;
            if (end < columns && line[end] != line[end - 1])
                changes[y * columns + end - 1] = undecided[end - 1 - left] = 1;
            for (Index x = left; x < end; ++x) {
                total += undecided[x - left];
                counts_here[x + 1] = counts_above[x + 1] + total;
            }
        }
    }
}

TARGET_CLONES
static void decide_row(const float *restrict alpha, Index columns, float low, float high, uint16_t *restrict decided) {
    for (Index x = 0; x < columns; ++x) {
        const float rounded = round_to_even(alpha[x] * OPAQUE);
        const float value = alpha[x] <= low ? 0 : alpha[x] >= high ? OPAQUE : rounded;
        decided[x] = (uint16_t)(int32_t)value;
    }
}

int mmnet_kernel_decide(const float *alpha, Index height, Index width, float low, float high, uint16_t *decided,
                        uint8_t *changes, int32_t *counts, void *memory, size_t size, Index first, Index end) {
    (void)memory, (void)size, (void)first, (void)end;
    for (Index y = 0; y < height; ++y) decide_row(alpha + y * width, width, low, high, decided + y * width);
    find_and_count(decided, height, width, changes, counts);
    return MMNET_OK;
}

/* `cells.cell_taps`: where the centres of cells lie between the network's values, along an axis. */
static void set_taps(int64_t values, int64_t pixels, Index step, Index *firsts, Index *seconds, float *fractions) {
    const Index count = divide_up((Index)pixels, step);
    const int64_t last = values - 1;
    for (Index i = 0; i < count + 2; ++i) {
        const Index cell = min_index(max_index(i - 1, 0), count - 1);
        const int64_t centre = (2 * (int64_t)cell + 1) * step;
        int64_t position = centre * values * FRACTION / (2 * pixels) - FRACTION / 2;
        position = position < 0 ? 0 : position > last * FRACTION ? last * FRACTION : position;
        firsts[i] = (Index)(position / FRACTION);
        seconds[i] = min_index(firsts[i] + 1, (Index)last);
        fractions[i] = (float)(position % FRACTION) / FRACTION;
    }
}

/* `upsampling._reach`: which of the network's values a tile depends on, along an axis. */
static void reach(int64_t values, int64_t pixels, Index step, Index tile, Index length, Index *first, Index *end) {
    const int64_t start = (int64_t)tile * length - step, stop = start + length + 2 * step;
    const int64_t low = start * values / pixels - 1, high = stop * values / pixels + 2;
    *first = (Index)(low < 0 || start < 0 ? 0 : low > values - 1 ? values - 1 : low);
    *end = (Index)(high > values ? values : high < 1 ? 1 : high);
}

/* Find the tiles that have to be computed (`crossed`), and the other tiles in which alpha is 255 (`inside`). */
static void find_tiles(const Buffers *b) {
    for (Index row = 0; row < b->tile_rows; ++row)
        for (Index column = 0; column < b->tile_columns; ++column) {
            Index top, bottom, left, right;
            reach(b->rows, b->height, b->step, row, TILE_HEIGHT, &top, &bottom);
            reach(b->columns, b->width, b->step, column, TILE_WIDTH, &left, &right);
            const int32_t *above = b->counts + top * (b->columns + 1), *below = b->counts + bottom * (b->columns + 1);
            const int crossed = below[right] - below[left] > above[right] - above[left];
            const Index tile = row * b->tile_columns + column;
            b->crossed[tile] = (uint8_t)crossed;
            b->inside[tile] = !crossed && b->alpha[top * b->columns + left] == OPAQUE;
        }
}

/* Read the part of the model's alpha and input that the photo fills. */
static void read_filled(const uint8_t *model_alpha, const uint8_t *input, int32_t size, const mmnet_rectangle *filled,
                        int enlarged, const Buffers *b) {
    for (Index y = 0; y < b->rows; ++y) {
        const Index start = (filled->top + y) * size + filled->left;
        for (Index x = 0; x < b->columns; ++x) {
            const uint8_t value = model_alpha[start + x];
            const uint8_t decided = value <= CERTAIN ? 0 : value >= 255 - CERTAIN ? 255 : value;
            b->alpha[y * b->columns + x] = (uint16_t)(BYTE * (enlarged ? decided : value));
        }
        if (enlarged) copy_bytes(b->input + y * b->columns * 3, input + start * 3, (size_t)b->columns * 3);
    }
}

/* `upsampling.resize_alpha`, in bytes: OpenCV's INTER_LINEAR_EXACT of 16 bits, with weights in 1/65536. */
static void resize_exactly(const Buffers *b, uint8_t *alpha, Index stride) {
    const double scale_y = (double)b->rows / (double)b->height, scale_x = (double)b->columns / (double)b->width;
    for (Index y = 0; y < b->height; ++y) {
        const double at_y = scale_y * ((double)y + 0.5) - 0.5;
        const Index row = at_y < 0 ? 0 : min_index((Index)at_y, b->rows - 1);
        const int inside_y = at_y >= 0 && row < b->rows - 1;
        const uint64_t below = inside_y ? (uint64_t)round_double((at_y - (double)row) * 65536) : 0;
        const uint16_t *lines[2] = {b->alpha + row * b->columns, b->alpha + (row + inside_y) * b->columns};
        for (Index x = 0; x < b->width; ++x) {
            const double at_x = scale_x * ((double)x + 0.5) - 0.5;
            const Index column = at_x < 0 ? 0 : min_index((Index)at_x, b->columns - 1);
            const int inside_x = at_x >= 0 && column < b->columns - 1;
            const uint64_t right = inside_x ? (uint64_t)round_double((at_x - (double)column) * 65536) : 0;
            uint64_t total = (uint64_t)1 << 31;
            for (int i = 0; i < 2; ++i) {
                const uint64_t between = lines[i][column] * (65536 - right) + lines[i][column + inside_x] * right;
                total += between * (i ? below : 65536 - below);
            }
            const float value = (float)(total >> 32) / (float)OPAQUE;
            alpha[y * stride + x] = (uint8_t)(int32_t)round_to_even(value * 255);
        }
    }
}

/* Compute the guided alpha of the part of the photo that the network saw. */
static int guide(const Buffers *b, const uint8_t *photo, Index stride, uint8_t *alpha) {
    blur_guide(b);
    find_and_count(b->alpha, b->rows, b->columns, b->changes, b->counts);
    int status = mmnet_kernel_fit_line(b->alpha, b->guide, b->changes, b->rows, b->columns, epsilon, slope_unit,
                                       offset_unit, b->fitted, b->memory, b->size, 0, b->rows);
    if (status != MMNET_OK) return status;
    set_taps(b->rows, b->height, b->step, b->firsts[0], b->seconds[0], b->fractions[0]);
    set_taps(b->columns, b->width, b->step, b->firsts[1], b->seconds[1], b->fractions[1]);
    find_tiles(b);
    const Taps down = {b->firsts[0], b->seconds[0], b->fractions[0]};
    const Taps across = {b->firsts[1], b->seconds[1], b->fractions[1]};
    const Grid grid = grid_of(b, stride);
    return mmnet_kernel_guided_alpha(&grid, b->fitted, b->columns, &down, &across, b->step, (float)(1 / slope_unit),
                                     (float)(1 / offset_unit), photo, b->crossed, b->inside, alpha, b->opaque, b->edges,
                                     b->memory, b->size, 0, 1);
}

int mmnet_fine_alpha(const uint8_t *model_alpha, const uint8_t *input, int32_t size, const mmnet_placement *placement,
                     const uint8_t *image, int32_t height, int32_t width, uint8_t *alpha, void *memory,
                     size_t arena_size) {
    if (!model_alpha || !input || !placement || !image || !alpha || !memory) return MMNET_BAD_VALUE;
    if (size < 1 || size > MMNET_MAX_MODEL_SIDE || !is_image(height, width)) return MMNET_BAD_SIZE;
    if (!is_placement(placement, height, width, size)) return MMNET_BAD_SIZE;
    Arena arena = open_arena(memory, arena_size);
    Buffers buffers;
    take_buffers(placement, &arena, &buffers);
    if (arena.failed) return MMNET_SMALL_ARENA;
    const mmnet_rectangle *seen = &placement->seen;
    const int enlarged = is_enlarged(placement);
    const Index start = (Index)seen->top * width + seen->left;
    if (seen->height < height || seen->width < width) set_bytes(alpha, 0, (size_t)height * (size_t)width);
    read_filled(model_alpha, input, size, &placement->filled, enlarged, &buffers);
    if (enlarged) return guide(&buffers, image + start * 3, width, alpha + start);
    resize_exactly(&buffers, alpha + start, width);
    return MMNET_OK;
}
