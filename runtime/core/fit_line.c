/* The guided filter at the network's size: a line is fitted at each pixel where alpha changes. */
#include "kernels.h"

/* A window has 2 · RADIUS + 1 rows and columns. Lines are fitted at BLOCK pixels of a row at a time: those that are not
 * needed cost less than finding the others, because the loops have a fixed length. */
enum { RADIUS = 2, WINDOW = 2 * RADIUS + 1, BLOCK = 16 };

/* Columns whose sums a block needs, rounded up to what vectors hold. */
enum { COLUMNS = (BLOCK + 2 * RADIUS + 7) / 8 * 8 };

/* The planes that a line is fitted from: three colours, alpha, and the products of two of them. */
enum { RED, GREEN, BLUE, ALPHA, PLANES, RR = PLANES, GG, BB, RG, RB, GB, RA, GA, BA, SUMS };

typedef struct {
    const uint16_t *alpha; /* 65535 = the foreground */
    const uint8_t *guide;
    Index height, width;
    Index stride;  /* of a plane's row: RADIUS, width, RADIUS and COLUMNS numbers */
    Index filled;  /* the number of rows filled so far, from the first one that is needed on */
    int32_t *ring; /* the last WINDOW rows filled, [PLANES, stride] each */
} Guided;

/* Write one row as planes. Beyond the image its edge is repeated. */
TARGET_CLONES
static void fill_planes(const Guided *image, Index row, int32_t *restrict planes) {
    const Index width = image->width, stride = image->stride;
    const uint16_t *alpha = image->alpha + row * width;
    const uint8_t *guide = image->guide + row * width * 3;
    for (Index x = 0; x < width; ++x) {
        for (Index colour = 0; colour < 3; ++colour) planes[colour * stride + RADIUS + x] = guide[3 * x + colour];
        planes[ALPHA * stride + RADIUS + x] = (int32_t)round_to_even((float)alpha[x] / 257);
    }
    for (Index plane = 0; plane < PLANES; ++plane) {
        int32_t *values = planes + plane * stride;
        for (Index x = 0; x < RADIUS; ++x) values[x] = values[RADIUS];
        for (Index x = 0; x < RADIUS; ++x) values[RADIUS + width + x] = values[RADIUS + width - 1];
    }
}

/* Find the rows of a window around row `y`. Rows have to be asked for in their order. */
static void find_rows(Guided *image, Index y, const int32_t **rows) {
    const Index last = min_index(y + RADIUS, image->height - 1), count = PLANES * image->stride;
    if (image->filled < y - RADIUS) image->filled = y - RADIUS;
    for (; image->filled <= last; ++image->filled)
        fill_planes(image, image->filled, image->ring + image->filled % WINDOW * count);
    for (Index i = 0; i < WINDOW; ++i) {
        const Index row = min_index(max_index(y + i - RADIUS, 0), image->height - 1);
        rows[i] = image->ring + row % WINDOW * count;
    }
}

/* The sums over the windows of a block: first along all columns, because a processor waits where it reads what it has
 * just written, at other places. */
INLINE void sum_windows(const int32_t *const *rows, Index stride, Index left, int32_t (*restrict sums)[BLOCK]) {
    static const uint8_t factors[][2] = {[RR] = {RED, RED},     [GG] = {GREEN, GREEN}, [BB] = {BLUE, BLUE},
                                         [RG] = {RED, GREEN},   [RB] = {RED, BLUE},    [GB] = {GREEN, BLUE},
                                         [RA] = {RED, ALPHA},   [GA] = {GREEN, ALPHA}, [BA] = {BLUE, ALPHA}};
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
            sums[sum][x] = columns[sum][x] + columns[sum][x + 1] + columns[sum][x + 2] + columns[sum][x + 3] +
                           columns[sum][x + 4];
}

/* The slopes of a block (`reference._slopes`), from the sums over its windows. Covariances are whole, below 2^26. */
INLINE void fit_slopes(int32_t (*restrict sums)[BLOCK], double ridge, double unit, double (*restrict slopes)[BLOCK]) {
    double covariances[SUMS - PLANES][BLOCK];
#define FILL(product, one, other)                                                                 \
    for (Index x = 0; x < BLOCK; ++x)                                                             \
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

/* The numbers that a line is kept in. */
typedef struct {
    double ridge, slope_unit, alpha_per_offset, slopes_per_offset;
} Units;

/* Fit the lines of a block, from column `left` on: slopes, and the offset with which the line holds at the pixel. */
TARGET_CLONES
static void fit_block(const Guided *image, const int32_t *const *rows, Index y, Index left, const Units *units,
                      float (*restrict lines)[BLOCK]) {
    int32_t sums[SUMS][BLOCK];
    double slopes[3][BLOCK], alpha[BLOCK];
    sum_windows(rows, image->stride, left, sums);
    fit_slopes(sums, units->ridge, units->slope_unit, slopes);
    const Index count = min_index(BLOCK, image->width - left);
    for (Index x = 0; x < BLOCK; ++x) alpha[x] = 0;
    for (Index x = 0; x < count; ++x) alpha[x] = image->alpha[y * image->width + left + x];
    const int32_t *red = rows[RADIUS] + left + RADIUS, *green = red + image->stride, *blue = green + image->stride;
    for (Index x = 0; x < BLOCK; ++x) {
        const double explained = (slopes[0][x] * red[x] + slopes[1][x] * green[x]) + slopes[2][x] * blue[x];
        const double offset = alpha[x] / units->alpha_per_offset - explained / units->slopes_per_offset;
        lines[3][x] = (float)round_double(offset);
    }
    for (Index c = 0; c < 3; ++c)
        for (Index x = 0; x < BLOCK; ++x) lines[c][x] = (float)slopes[c][x];
}

/* The line that keeps alpha as it is: slopes of 0, and alpha as the offset. */
TARGET_CLONES
static void keep_alpha(const uint16_t *restrict alpha, Index width, float scale, float *restrict fitted) {
    for (Index x = 0; x < width; ++x) {
        fitted[4 * x] = fitted[4 * x + 1] = fitted[4 * x + 2] = 0;
        fitted[4 * x + 3] = round_to_even((float)alpha[x] * scale);
    }
}

/* The first pixel from `x` on at which a line is fitted; `width` if there is none. */
static Index next_where(const uint8_t *where, Index x, Index width) {
    for (uint64_t eight; x + 8 <= width; x += 8) {
        copy_bytes(&eight, where + x, sizeof eight);
        if (eight) break;
    }
    while (x < width && !where[x]) ++x;
    return x;
}

static void take_planes(Guided *image, Arena *arena) {
    image->stride = image->width + 2 * RADIUS + COLUMNS;
    image->ring = TAKE(arena, WINDOW * PLANES * image->stride, int32_t);
}

size_t mmnet_kernel_fit_line_arena(Index height, Index width) {
    Guided image = {.height = height, .width = width};
    Arena arena = counting_arena();
    take_planes(&image, &arena);
    return counted(&arena);
}

int mmnet_kernel_fit_line(const uint16_t *alpha, const uint8_t *guide, const uint8_t *where, Index height, Index width,
                          double epsilon, double slope_unit, double offset_unit, float *fitted, void *memory,
                          size_t size, Index first, Index end) {
    const double pixels = WINDOW * WINDOW;
    const Units units = {epsilon * pixels * pixels, slope_unit, 257 / offset_unit, slope_unit / offset_unit};
    Guided image = {.alpha = alpha, .guide = guide, .height = height, .width = width};
    Arena arena = open_arena(memory, size);
    take_planes(&image, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    set_bytes(image.ring, 0, (size_t)(WINDOW * PLANES * image.stride) * sizeof(int32_t));
    for (Index y = first; y < end; ++y) {
        const uint8_t *here = where + y * width;
        const int32_t *rows[WINDOW];
        float *out = fitted + y * width * 4;
        keep_alpha(alpha + y * width, width, (float)(offset_unit / 257), out);
        Index left = next_where(here, 0, width);
        if (left < width) find_rows(&image, y, rows);
        for (; left < width; left = next_where(here, left + BLOCK, width)) {
            float lines[4][BLOCK];
            fit_block(&image, rows, y, left, &units, lines);
            for (Index x = left; x < width && x < left + BLOCK; ++x)
                if (here[x])
                    for (Index c = 0; c < 4; ++c) out[4 * x + c] = lines[c][x - left];
        }
    }
    return MMNET_OK;
}
