/* The guided filter at the network's size, row by row: a line is fitted at each pixel where alpha changes. */
#include "guided.h"
#include "vectors.h"

/* A window has 2 · RADIUS + 1 rows and columns. Lines are fitted at BLOCK pixels of a row at a time: those that are not
 * needed cost less than finding the others, because the loops have a fixed length. */
enum { RADIUS = 2, WINDOW = 2 * RADIUS + 1, BLOCK = 16 };

/* Columns whose sums a block needs, rounded up to what vectors hold. */
enum { COLUMNS = (BLOCK + 2 * RADIUS + 7) / 8 * 8 };

/* The planes that a line is fitted from: three colours, alpha, and the products of two of them. */
enum { RED, GREEN, BLUE, ALPHA, PLANES, RR = PLANES, GG, BB, RG, RB, GB, RA, GA, BA, SUMS };

enum { OPAQUE = 65535, BYTE = 257, CERTAIN = 2 }; /* alpha within CERTAIN bytes of 0 or 1 is taken for 0 or 1 */

/* Contrast below this, in squared grey levels, is taken for noise; and the units of lines, as doubles. */
static const double epsilon = 64, slopes_per_one = 4096, offsets_per_byte = 16;

void mmnet_take_line_rows(LineRows *rows, Arena *arena) {
    const Index width = rows->image.width;
    rows->line_stride = VALUES * width + BESIDE_LINES;
    rows->plane_stride = width + 2 * RADIUS + COLUMNS;
    rows->alpha = TAKE(arena, rows->held * width, uint16_t);
    rows->changes = TAKE(arena, rows->held * width, uint8_t);
    rows->undecided = TAKE(arena, rows->held * width, uint8_t);
    rows->lines = TAKE(arena, rows->held * rows->line_stride, float);
    rows->planes = TAKE(arena, WINDOW * PLANES * rows->plane_stride, int32_t);
    rows->sums = TAKE(arena, 3 * (width + 2), uint16_t);
    rows->blurred = TAKE(arena, 3 * (width + 7), uint8_t);
    rows->decided = rows->compared = rows->planar = 0;
    if (arena->failed || !arena->memory) return;
    set_bytes(rows->blurred, 0, (size_t)(3 * (width + 7)));
    set_bytes(rows->planes, 0, (size_t)(WINDOW * PLANES * rows->plane_stride) * sizeof(int32_t));
    for (Index row = 0; row < rows->held; ++row)
        set_bytes(rows->lines + (row + 1) * rows->line_stride - BESIDE_LINES, 0, BESIDE_LINES * sizeof(float));
}

TARGET_CLONES
static void decide_floats(const float *restrict alpha, Index width, uint16_t *restrict decided) {
    const float low = (float)(CERTAIN / 255.0), high = (float)(1 - CERTAIN / 255.0);
    for (Index x = 0; x < width; ++x) {
        const float rounded = round_to_even(alpha[x] * OPAQUE);
        const float value = alpha[x] <= low ? 0 : alpha[x] >= high ? OPAQUE : rounded;
        decided[x] = (uint16_t)(int32_t)value;
    }
}

TARGET_CLONES
static void decide_bytes(const uint8_t *restrict alpha, Index width, uint16_t *restrict decided) {
    for (Index x = 0; x < width; ++x) {
        const uint16_t value = alpha[x];
        decided[x] = (uint16_t)(BYTE * (value <= CERTAIN ? 0 : value >= 255 - CERTAIN ? 255 : value));
    }
}

/* Decide the alpha of the rows before `end`: what is nearly 0 or 1 is taken for 0 or 1. */
static void decide_rows(LineRows *rows, Index end) {
    const Inferred *image = &rows->image;
    for (; rows->decided < min_index(end, image->height); ++rows->decided) {
        const Index row = rows->decided, start = row * image->alpha_stride;
        uint16_t *decided = rows->alpha + row % rows->held * image->width;
        if (image->floats)
            decide_floats(image->floats + start, image->width, decided);
        else
            decide_bytes(image->bytes + start, image->width, decided);
    }
}

/* Find where a row of alpha is not that of all four neighbours. Beyond the image there is nothing to differ. */
TARGET_CLONES
static void compare_row(const uint16_t *restrict alpha, const uint16_t *restrict above, const uint16_t *restrict below,
                        Index width, uint8_t *restrict changes, uint8_t *restrict undecided) {
    for (Index x = 0; x < width; ++x) changes[x] = (alpha[x] != above[x]) | (alpha[x] != below[x]);
    for (Index x = 1; x < width; ++x) changes[x] |= alpha[x] != alpha[x - 1];
    for (Index x = 0; x < width - 1; ++x) changes[x] |= alpha[x] != alpha[x + 1];
    for (Index x = 0; x < width; ++x) undecided[x] = changes[x] | ((alpha[x] != 0) & (alpha[x] != OPAQUE));
}

void mmnet_compare_rows(LineRows *rows, Index first, Index end) {
    const Index width = rows->image.width, last = rows->image.height - 1;
    rows->decided = max_index(rows->decided, first - RADIUS);
    rows->compared = max_index(rows->compared, first);
    decide_rows(rows, end + 1);
    for (; rows->compared < end; ++rows->compared) {
        const Index row = rows->compared, slot = row % rows->held * width;
        compare_row(alpha_row(rows, row), alpha_row(rows, max_index(row - 1, 0)),
                    alpha_row(rows, min_index(row + 1, last)), width, rows->changes + slot, rows->undecided + slot);
    }
}

/* Blur a row of the input by the binomial 1 2 1 along both axes, rounded half up: `blurred`, and three bytes beyond.
 * `sums` begins with the pixel before the row. */
INLINE void blur_row(const uint8_t *restrict above, const uint8_t *restrict row, const uint8_t *restrict below,
                     Index width, uint16_t *restrict sums, uint8_t *restrict blurred) {
    const Index beside = min_index(1, width - 1); /* beyond an edge the image is reflected */
    for (Index i = 0; i < 3 * width; ++i) sums[3 + i] = (uint16_t)(above[i] + 2 * row[i] + below[i]);
    for (Index c = 0; c < 3; ++c) {
        sums[c] = sums[3 + 3 * beside + c];
        sums[3 * (width + 1) + c] = sums[3 + 3 * (width - 1 - beside) + c];
    }
    for (Index i = 0; i < 3 * width; ++i)
        blurred[i] = (uint8_t)((uint16_t)(sums[i] + 2 * sums[i + 3] + sums[i + 6] + 8) >> 4);
}

/* Write the pixels of a row as planes of its colours. Up to 7 pixels beyond are read and written. */
INLINE void split_colours(const uint8_t *restrict pixels, Index width, Index stride, int32_t *restrict planes) {
#if defined(MMNET_SHUFFLES)
    for (Index x = 0; x < width; x += 8) {
        Ints8 colours;
        LOAD_PIXELS(pixels + 3 * x, colours);
        const Ints8 red = colours & 255, green = (colours >> 8) & 255, blue = (colours >> 16) & 255;
        copy_bytes(planes + x, &red, sizeof red);
        copy_bytes(planes + stride + x, &green, sizeof green);
        copy_bytes(planes + 2 * stride + x, &blue, sizeof blue);
    }
#else
    for (Index x = 0; x < width; ++x)
        for (Index c = 0; c < 3; ++c) planes[c * stride + x] = pixels[3 * x + c];
#endif
}

/* Write one row as planes. Beyond the image its edge is repeated. */
TARGET_CLONES
static void fill_planes(const LineRows *rows, Index row, int32_t *restrict planes) {
    const Inferred *image = &rows->image;
    const Index width = image->width, stride = rows->plane_stride, last = image->height - 1;
    const Index above = row > 0 ? row - 1 : min_index(1, last), below = row < last ? row + 1 : max_index(last - 1, 0);
    const uint16_t *restrict alpha = alpha_row(rows, row);
    const uint8_t *input = image->input;
    blur_row(input + above * image->input_stride, input + row * image->input_stride,
             input + below * image->input_stride, width, rows->sums, rows->blurred);
    split_colours(rows->blurred, width, stride, planes + RADIUS);
    int32_t *restrict alphas = planes + ALPHA * stride + RADIUS;
    for (Index x = 0; x < width; ++x) alphas[x] = (int32_t)round_to_even((float)alpha[x] / BYTE);
    for (Index plane = 0; plane < PLANES; ++plane) {
        int32_t *values = planes + plane * stride;
        for (Index x = 0; x < RADIUS; ++x) values[x] = values[RADIUS];
        for (Index x = 0; x < RADIUS; ++x) values[RADIUS + width + x] = values[RADIUS + width - 1];
    }
}

/* Find the rows of a window around row `y`. Rows have to be asked for in their order. */
static void find_rows(LineRows *rows, Index y, const int32_t **window) {
    const Index last = rows->image.height - 1, end = min_index(y + RADIUS, last) + 1;
    const Index count = PLANES * rows->plane_stride;
    decide_rows(rows, end);
    rows->planar = max_index(rows->planar, y - RADIUS);
    for (; rows->planar < end; ++rows->planar)
        fill_planes(rows, rows->planar, rows->planes + rows->planar % WINDOW * count);
    for (Index i = 0; i < WINDOW; ++i) {
        const Index row = min_index(max_index(y + i - RADIUS, 0), last);
        window[i] = rows->planes + row % WINDOW * count;
    }
}

/* The sums over the windows of a block: first along all columns, because a processor waits where it reads what it has
 * just written, at other places. */
INLINE void sum_windows(const int32_t *const *rows, Index stride, Index left, int32_t (*restrict sums)[BLOCK]) {
    static const uint8_t factors[][2] = {
        [RR] = {RED, RED},    [GG] = {GREEN, GREEN}, [BB] = {BLUE, BLUE},   [RG] = {RED, GREEN}, [RB] = {RED, BLUE},
        [GB] = {GREEN, BLUE}, [RA] = {RED, ALPHA},   [GA] = {GREEN, ALPHA}, [BA] = {BLUE, ALPHA}};
    int32_t columns[SUMS][COLUMNS];
#define ONE(i) rows[i][one + x]
#define PRODUCT(i) (rows[i][one + x] * rows[i][other + x])
    for (Index sum = 0; sum < PLANES; ++sum) {
        const Index one = sum * stride + left;
        for (Index x = 0; x < COLUMNS; ++x) columns[sum][x] = ONE(0) + ONE(1) + ONE(2) + ONE(3) + ONE(4);
    }
    for (Index sum = PLANES; sum < SUMS; ++sum) {
        const Index one = factors[sum][0] * stride + left, other = factors[sum][1] * stride + left;
        for (Index x = 0; x < COLUMNS; ++x)
            columns[sum][x] = PRODUCT(0) + PRODUCT(1) + PRODUCT(2) + PRODUCT(3) + PRODUCT(4);
    }
#undef ONE
#undef PRODUCT
    for (Index sum = 0; sum < SUMS; ++sum)
        for (Index x = 0; x < BLOCK; ++x)
            sums[sum][x] =
                columns[sum][x] + columns[sum][x + 1] + columns[sum][x + 2] + columns[sum][x + 3] + columns[sum][x + 4];
}

/* The slopes of a block (`reference._slopes`), from the sums over its windows. Covariances are whole, below 2^26. */
INLINE void fit_slopes(int32_t (*restrict sums)[BLOCK], double ridge, double unit, double (*restrict slopes)[BLOCK]) {
    double covariances[SUMS - PLANES][BLOCK];
#define FILL(product, one, other)     \
    for (Index x = 0; x < BLOCK; ++x) \
    covariances[product - PLANES][x] = sums[product][x] * (WINDOW * WINDOW) - sums[one][x] * sums[other][x]
    FILL(RR, RED, RED);
    FILL(GG, GREEN, GREEN);
    FILL(BB, BLUE, BLUE);
    FILL(RG, RED, GREEN);
    FILL(RB, RED, BLUE);
    FILL(GB, GREEN, BLUE);
    FILL(RA, RED, ALPHA);
    FILL(GA, GREEN, ALPHA);
    FILL(BA, BLUE, ALPHA);
#undef FILL
#define COVARIANCE(product) covariances[product - PLANES][x]
    for (Index x = 0; x < BLOCK; ++x) {
        const double rr = COVARIANCE(RR) + ridge, gg = COVARIANCE(GG) + ridge, bb = COVARIANCE(BB) + ridge;
        const double rg = COVARIANCE(RG), rb = COVARIANCE(RB), gb = COVARIANCE(GB);
        const double ra = COVARIANCE(RA), ga = COVARIANCE(GA), ba = COVARIANCE(BA);
        const double first = gg * bb - gb * gb, second = rb * gb - rg * bb, third = rg * gb - rb * gg;
        const double fourth = rr * bb - rb * rb, fifth = rg * rb - rr * gb, sixth = rr * gg - rg * rg;
        const double scale = unit / (rr * first + rg * second + rb * third);
        slopes[0][x] = round_double((first * ra + second * ga + third * ba) * scale);
        slopes[1][x] = round_double((second * ra + fourth * ga + fifth * ba) * scale);
        slopes[2][x] = round_double((third * ra + fifth * ga + sixth * ba) * scale);
    }
#undef COVARIANCE
}

/* Fit the lines of a block, from column `left` on: slopes, and the offset with which the line holds at the pixel. */
TARGET_CLONES
static void fit_block(const LineRows *lines, const int32_t *const *window, const uint16_t *restrict decided, Index left,
                      float (*restrict fitted)[VALUES]) {
    const double ridge = epsilon * (WINDOW * WINDOW) * (WINDOW * WINDOW);
    const Index stride = lines->plane_stride, count = min_index(BLOCK, lines->image.width - left);
    int32_t sums[SUMS][BLOCK];
    double slopes[SLOPES][BLOCK], alpha[BLOCK];
    float values[VALUES][BLOCK];
    sum_windows(window, stride, left, sums);
    fit_slopes(sums, ridge, slopes_per_one, slopes);
    for (Index x = 0; x < BLOCK; ++x) alpha[x] = 0;
    for (Index x = 0; x < count; ++x) alpha[x] = decided[left + x];
    const int32_t *red = window[RADIUS] + left + RADIUS, *green = red + stride, *blue = green + stride;
    for (Index x = 0; x < BLOCK; ++x) {
        const double explained = (slopes[0][x] * red[x] + slopes[1][x] * green[x]) + slopes[2][x] * blue[x];
        const double offset = alpha[x] / (BYTE / offsets_per_byte) - explained / (slopes_per_one / offsets_per_byte);
        values[SLOPES][x] = (float)round_double(offset);
    }
    for (Index c = 0; c < SLOPES; ++c)
        for (Index x = 0; x < BLOCK; ++x) values[c][x] = (float)slopes[c][x];
    for (Index x = 0; x < BLOCK; ++x) {
        fitted[x][0] = values[0][x] * RED_UNIT;
        fitted[x][1] = values[1][x] * GREEN_UNIT;
        fitted[x][2] = values[2][x] * BLUE_UNIT;
        fitted[x][3] = values[3][x] * OFFSET_UNIT;
    }
}

/* The line that keeps alpha as it is: slopes of 0, and alpha as the offset. */
TARGET_CLONES
static void write_alpha(const uint16_t *restrict alpha, Index width, float *restrict fitted) {
    for (Index x = 0; x < width; ++x) {
        fitted[VALUES * x] = fitted[VALUES * x + 1] = fitted[VALUES * x + 2] = 0;
        fitted[VALUES * x + 3] = round_to_even((float)alpha[x] * (float)(offsets_per_byte / BYTE)) * OFFSET_UNIT;
    }
}

/* The first pixel from `x` on at which alpha changes; `width` if there is none. */
static Index next_change(const uint8_t *changes, Index x, Index width) {
    for (uint64_t eight; x + 8 <= width; x += 8) {
        copy_bytes(&eight, changes + x, sizeof eight);
        if (eight) break;
    }
    while (x < width && !changes[x]) ++x;
    return x;
}

void mmnet_keep_alpha(LineRows *rows, Index row, Index first, Index end) {
    float *lines = rows->lines + row % rows->held * rows->line_stride;
    write_alpha(alpha_row(rows, row) + first, end - first, lines + VALUES * first);
}

void mmnet_fit_row(LineRows *rows, Index row) {
    const Index width = rows->image.width;
    const uint8_t *changes = rows->changes + row % rows->held * width;
    float *lines = rows->lines + row % rows->held * rows->line_stride;
    const int32_t *window[WINDOW];
    Index left = next_change(changes, 0, width);
    if (left < width) find_rows(rows, row, window);
    for (; left < width; left = next_change(changes, left + BLOCK, width)) {
        float fitted[BLOCK][VALUES];
        fit_block(rows, window, alpha_row(rows, row), left, fitted);
        for (Index x = left; x < width && x < left + BLOCK; ++x)
            if (changes[x]) copy_bytes(lines + VALUES * x, fitted[x - left], sizeof fitted[0]);
    }
}
