/* The computations after the network at the photo's size, compiled. They give the same bytes as reference.py, which
 * computes with NumPy and OpenCV. Each function works on some rows of an image, so that threads can divide the rows.
 *
 * All arithmetic is on whole numbers, or one IEEE 754 operation at a time in the order of reference.py. The compiler
 * must not contract a multiplication and an addition into one operation. Images are rows of R, G, B in bytes, without
 * gaps between rows unless a stride is given. compiled.py documents the arguments and checks what they hold. Functions
 * return 0, or 1 where memory is short.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "this compiler computes floats with more digits than IEEE 754 has; the package works without this file"
#endif

#if defined(_WIN32)
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* GCC compiles functions with this attribute twice, and the loader takes the version that the processor can execute. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define TARGET_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define TARGET_CLONES
#endif

typedef struct {
    int64_t height, width;           /* of the image, in pixels */
    int64_t tile_height, tile_width; /* of a tile, in pixels: multiples of every cell step */
} Grid;

/* For each cell along an axis, and one more cell at either end: the two values that its centre lies between, and the
 * weight of the second. `Taps` in Python. */
typedef struct {
    const int64_t *first, *second;
    const float *fraction;
} Taps;

typedef struct {
    int64_t top, left, height, width;
} Rectangle;

/* Adjacent tiles computed in one call, at most: their intermediate values stay in the processor's cache. */
enum { MAX_RUN = 8 };

static int64_t min_i64(int64_t a, int64_t b) { return a < b ? a : b; }

/* The rectangle of a row's tiles `column` to `end` - 1. */
static Rectangle tile_run(const Grid *grid, int64_t row, int64_t column, int64_t end) {
    Rectangle run = {row * grid->tile_height, column * grid->tile_width, 0, 0};
    run.height = min_i64(grid->tile_height, grid->height - run.top);
    run.width = min_i64(end * grid->tile_width, grid->width) - run.left;
    return run;
}

/* The first tile after `first` whose two flags differ from those of `first`; `end` if there is none. */
static int64_t end_of_run(const uint8_t *flags, const uint8_t *other_flags, int64_t first, int64_t end) {
    int64_t next = first + 1;
    while (next < end && flags[next] == flags[first] && other_flags[next] == other_flags[first]) ++next;
    return next;
}

/* The nearest whole number, ties to even, for |value| < 2^22. */
INLINE float round_to_even(float value) {
    const float shift = 12582912.0f; /* 1.5 · 2^23: floats of this size have no fraction */
    return (value + shift) - shift;
}

INLINE float clamp_to_byte(float value) {
    value = value < 0 ? 0 : value;
    return value > 255 ? 255 : value;
}

/* Where a pixel of a tile lies between the centres of two cells. Cells are counted from the one before the tile. */
typedef struct {
    int64_t cell;        /* the first of the two cells */
    float first, second; /* their weights */
} PixelPosition;

static void set_pixel_positions(int64_t count, int64_t step, PixelPosition *positions) {
    for (int64_t p = 0; p < count; ++p) {
        const int64_t offset = 2 * p + 1 + step;
        positions[p].cell = offset / (2 * step);
        positions[p].second = (float)(offset % (2 * step)) / (float)(2 * step);
        positions[p].first = 1 - positions[p].second;
    }
}

/* The memory in which tiles are computed. */
typedef struct {
    PixelPosition *positions;
    float *cells, *colours, *offsets, *line, *weights;
} Workspace;

static int allocate_workspace(const Grid *grid, int64_t step, Workspace *workspace) {
    const size_t width = (size_t)min_i64(MAX_RUN * grid->tile_width, grid->width);
    const size_t height = (size_t)min_i64(grid->tile_height, grid->height), longest = width > height ? width : height;
    const size_t columns = (width - 1) / (size_t)step + 3, rows = (height - 1) / (size_t)step + 3;
    workspace->positions = malloc(sizeof(PixelPosition) * longest);
    workspace->cells = malloc(sizeof(float) * 4 * columns * rows);
    workspace->colours = malloc(sizeof(float) * 3 * width * rows);
    workspace->offsets = malloc(sizeof(float) * width * rows);
    workspace->line = malloc(sizeof(float) * 3 * width);
    workspace->weights = malloc(sizeof(float) * 3 * width);
    if (!workspace->positions || !workspace->cells || !workspace->colours || !workspace->offsets || !workspace->line ||
        !workspace->weights)
        return 1;
    set_pixel_positions((int64_t)longest, step, workspace->positions);
    return 0;
}

static void free_workspace(Workspace *workspace) {
    free(workspace->positions);
    free(workspace->cells);
    free(workspace->colours);
    free(workspace->offsets);
    free(workspace->line);
    free(workspace->weights);
}

/* Interpolate cells [rows, columns, channels] along each row: [rows, pixels, channels]. Products and sums are exact,
 * here and where rows are interpolated, for the reason that `TileBatch.interpolate` gives. */
INLINE void interpolate_rows(const float *restrict cells, int64_t cell_stride, int64_t rows, int64_t channels,
                             const PixelPosition *restrict positions, int64_t pixels, float *restrict result) {
    for (int64_t row = 0; row < rows; ++row, cells += cell_stride)
        for (int64_t x = 0; x < pixels; ++x) {
            const float *cell = cells + positions[x].cell * channels;
            for (int64_t c = 0; c < channels; ++c)
                *result++ = cell[c] * positions[x].first + cell[channels + c] * positions[x].second;
        }
}

/* Interpolate the line fitted at the network's size to the cells around some tiles (`reference._between`, along both
 * axes): slopes [rows, columns, 3] and offsets [rows, columns]. */
static void interpolate_line(const float *restrict fitted, int64_t side, const Taps *down, const Taps *across,
                             int64_t top, int64_t rows, int64_t left, int64_t columns, float *restrict slopes,
                             float *restrict offsets) {
    for (int64_t i = top; i < top + rows; ++i) {
        const float *above = fitted + down->first[i] * side * 4, *below = fitted + down->second[i] * side * 4;
        for (int64_t j = left; j < left + columns; ++j) {
            const int64_t a = across->first[j] * 4, b = across->second[j] * 4;
            float value[4];
            for (int64_t c = 0; c < 4; ++c) {
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
static void guided_alpha_tiles(const float *cells, int64_t columns, int64_t rows, float slope_unit, float offset_unit,
                               const uint8_t *restrict photo, int64_t image_width, Rectangle tiles,
                               const Workspace *workspace, uint8_t *restrict alpha) {
    const PixelPosition *positions = workspace->positions;
    const int64_t width = tiles.width;
    float *restrict slopes = workspace->colours, *restrict offsets = workspace->offsets;
    float *restrict line = workspace->line;
    interpolate_rows(cells, columns * 3, rows, 3, positions, width, slopes);
    interpolate_rows(cells + columns * rows * 3, columns, rows, 1, positions, width, offsets);
    for (int64_t y = 0; y < tiles.height; ++y) {
        const int64_t start = (tiles.top + y) * image_width + tiles.left;
        const float first = positions[y].first, second = positions[y].second;
        const uint8_t *pixels = photo + start * 3;
        const float *above = slopes + positions[y].cell * width * 3, *below = above + width * 3;
        for (int64_t i = 0; i < width * 3; ++i)
            line[i] = (above[i] * first + below[i] * second) * (float)pixels[i] * slope_unit;
        above = offsets + positions[y].cell * width, below = above + width;
        for (int64_t x = 0; x < width; ++x) {
            const float offset = (above[x] * first + below[x] * second) * offset_unit;
            const float sum = ((line[3 * x] + line[3 * x + 1]) + line[3 * x + 2]) + offset;
            alpha[start + x] = (uint8_t)(int32_t)clamp_to_byte(round_to_even(sum));
        }
    }
}

/* Find whether the alpha of a tile is 255 everywhere (`opaque`), and whether it is neither 255 nor 0 everywhere
 * (`edge`). */
TARGET_CLONES
static void classify_tile(const uint8_t *alpha, int64_t image_width, Rectangle tile, uint8_t *opaque, uint8_t *edge) {
    uint8_t least = 255, greatest = 0;
    for (int64_t y = 0; y < tile.height; ++y) {
        const uint8_t *line = alpha + (tile.top + y) * image_width + tile.left;
        for (int64_t x = 0; x < tile.width; ++x) {
            least = line[x] < least ? line[x] : least;
            greatest = line[x] > greatest ? line[x] : greatest;
        }
    }
    *opaque = least == 255;
    *edge = least < 255 && greatest > 0;
}

/* A box filter: sums over boxes of 2 · radius + 1 pixels, computed for one row of an image after the other. Beyond the
 * image its edge is repeated. */
typedef void FillRow(const void *source, int64_t row, int32_t *values); /* one row to be summed: [planes, width] */
typedef struct {
    int64_t height, width, planes, radius;
    FillRow *fill;
    const void *source;
    int64_t first, filled; /* the first row wanted; the number of rows filled so far */
    int32_t *ring;         /* the last 2 · radius + 2 rows filled */
    int32_t *columns;      /* [planes, radius + width + radius]: sums along columns */
    int32_t *sums;         /* [planes, width]: sums over boxes */
} BoxFilter;

static int begin_box_filter(BoxFilter *filter, int64_t first) {
    const size_t count = (size_t)(filter->planes * filter->width), around = (size_t)(2 * filter->radius);
    filter->first = first;
    filter->filled = first > filter->radius ? first - filter->radius : 0;
    filter->ring = malloc(sizeof(int32_t) * count * (around + 2));
    filter->columns = calloc(count + around * (size_t)filter->planes, sizeof(int32_t));
    filter->sums = malloc(sizeof(int32_t) * count);
    return !filter->ring || !filter->columns || !filter->sums;
}

static void free_box_filter(BoxFilter *filter) {
    free(filter->ring);
    free(filter->columns);
    free(filter->sums);
}

/* A row to be summed. Rows must be requested in order; the last 2 · radius + 2 rows can be requested again. */
static const int32_t *source_row(BoxFilter *filter, int64_t row) {
    row = row < 0 ? 0 : min_i64(row, filter->height - 1);
    int32_t *values = filter->ring + row % (2 * filter->radius + 2) * filter->planes * filter->width;
    if (row == filter->filled) {
        filter->fill(filter->source, row, values);
        ++filter->filled;
    }
    return values;
}

TARGET_CLONES
static void update_sums(int32_t *restrict sums, const int32_t *restrict added, const int32_t *restrict removed,
                        int64_t count) {
    for (int64_t i = 0; i < count; ++i) sums[i] += added[i] - (removed ? removed[i] : 0);
}

TARGET_CLONES
static void sum_columns(const int32_t *restrict columns, int64_t width, int64_t radius, int32_t *restrict sums) {
    for (int64_t x = 0; x < width; ++x) sums[x] = columns[x];
    for (int64_t beside = 1; beside <= 2 * radius; ++beside)
        for (int64_t x = 0; x < width; ++x) sums[x] += columns[x + beside];
}

/* The box sums of row `y`: [planes, width]. Call it once for each row, in order from the first on. */
static const int32_t *box_sums(BoxFilter *filter, int64_t y) {
    const int64_t width = filter->width, radius = filter->radius;
    const int is_first = y <= filter->first;
    for (int64_t row = is_first ? y - radius : y + radius; row <= y + radius; ++row) {
        const int32_t *added = source_row(filter, row), *removed = is_first ? NULL : source_row(filter, y - radius - 1);
        for (int64_t plane = 0; plane < filter->planes; ++plane)
            update_sums(filter->columns + plane * (width + 2 * radius) + radius, added + plane * width,
                        removed ? removed + plane * width : NULL, width);
    }
    for (int64_t plane = 0; plane < filter->planes; ++plane) {
        int32_t *columns = filter->columns + plane * (width + 2 * radius);
        for (int64_t x = 0; x < radius; ++x) {
            columns[x] = columns[radius];
            columns[radius + width + x] = columns[radius + width - 1];
        }
        sum_columns(columns, width, radius, filter->sums + plane * width);
    }
    return filter->sums;
}

/* The planes that a line is fitted from: three colours, alpha, and the products of two of them. */
enum { RED, GREEN, BLUE, ALPHA, RR, GG, BB, RG, RB, GB, RA, GA, BA, PRODUCTS };

typedef struct {
    const uint16_t *alpha; /* 65535 = the foreground */
    const uint8_t *guide;
    int64_t width;
} GuidedImage;

TARGET_CLONES
static void fill_products(const void *source, int64_t row, int32_t *values) {
    const GuidedImage *image = source;
    const int64_t width = image->width;
    const uint16_t *alpha = image->alpha + row * width;
    const uint8_t *guide = image->guide + row * width * 3;
    static const uint8_t factors[][2] = {[RR] = {RED, RED},     [GG] = {GREEN, GREEN}, [BB] = {BLUE, BLUE},
                                         [RG] = {RED, GREEN},   [RB] = {RED, BLUE},    [GB] = {GREEN, BLUE},
                                         [RA] = {RED, ALPHA},   [GA] = {GREEN, ALPHA}, [BA] = {BLUE, ALPHA}};
    for (int64_t x = 0; x < width; ++x) {
        for (int64_t colour = 0; colour < 3; ++colour) values[colour * width + x] = guide[3 * x + colour];
        values[ALPHA * width + x] = (int32_t)round_to_even((float)alpha[x] / 257);
    }
    for (int64_t product = RR; product < PRODUCTS; ++product) {
        const int32_t *restrict one = values + factors[product][0] * width;
        const int32_t *restrict other = values + factors[product][1] * width;
        int32_t *restrict result = values + product * width;
        for (int64_t x = 0; x < width; ++x) result[x] = one[x] * other[x];
    }
}

/* The three slopes at a pixel (`reference._slopes`), from the sums over its window of so many pixels. The sums of two
 * planes lie `stride` numbers apart. */
static void fit_slopes(const int32_t *sums, int64_t stride, double pixels, double ridge, double unit, double *slopes) {
#define SUM(plane) ((double)sums[(plane) * stride])
#define COVARIANCE(product, one, other) (SUM(product) * pixels - SUM(one) * SUM(other))
    const double rr = COVARIANCE(RR, RED, RED) + ridge, gg = COVARIANCE(GG, GREEN, GREEN) + ridge,
                 bb = COVARIANCE(BB, BLUE, BLUE) + ridge, rg = COVARIANCE(RG, RED, GREEN),
                 rb = COVARIANCE(RB, RED, BLUE), gb = COVARIANCE(GB, GREEN, BLUE), ra = COVARIANCE(RA, RED, ALPHA),
                 ga = COVARIANCE(GA, GREEN, ALPHA), ba = COVARIANCE(BA, BLUE, ALPHA);
#undef COVARIANCE
#undef SUM
    const double first = gg * bb - gb * gb, second = rb * gb - rg * bb, third = rg * gb - rb * gg;
    const double fourth = rr * bb - rb * rb, fifth = rg * rb - rr * gb, sixth = rr * gg - rg * rg;
    const double scale = unit / (rr * first + rg * second + rb * third);
    slopes[0] = rint((first * ra + second * ga + third * ba) * scale);
    slopes[1] = rint((second * ra + fourth * ga + fifth * ba) * scale);
    slopes[2] = rint((third * ra + fifth * ga + sixth * ba) * scale);
}

/* `reference.fit_line` for rows `first` to `end` - 1. */
EXPORTED int mmnet_fit_line(const uint16_t *alpha, const uint8_t *guide, const uint8_t *where, int64_t height,
                            int64_t width, int64_t radius, double epsilon, double slope_unit, double offset_unit,
                            float *fitted, int64_t first, int64_t end) {
    const double pixels = (double)((2 * radius + 1) * (2 * radius + 1));
    const GuidedImage image = {alpha, guide, width};
    BoxFilter filter = {.height = height, .width = width, .planes = PRODUCTS, .radius = radius, .fill = fill_products};
    filter.source = &image;
    const int failed = begin_box_filter(&filter, first);
    for (int64_t y = first; !failed && y < end; ++y) {
        const int32_t *sums = box_sums(&filter, y);
        for (int64_t x = 0; x < width; ++x) {
            const int64_t pixel = y * width + x;
            const uint8_t *colours = guide + pixel * 3;
            double line[4] = {0};
            if (where[pixel]) {
                fit_slopes(sums + x, width, pixels, epsilon * pixels * pixels, slope_unit, line);
                const double explained = (line[0] * colours[0] + line[1] * colours[1]) + line[2] * colours[2];
                line[3] = rint(alpha[pixel] / (257 / offset_unit) - explained / (slope_unit / offset_unit));
            } else {
                line[3] = round_to_even((float)alpha[pixel] * (float)(offset_unit / 257));
            }
            for (int c = 0; c < 4; ++c) fitted[pixel * 4 + c] = (float)line[c];
        }
    }
    free_box_filter(&filter);
    return failed;
}

/* `reference._samples` for rows `first` to `end` - 1: the mean of the two by two pixels in the middle of each cell, as
 * one plane per channel. */
EXPORTED int mmnet_sample_cells(const uint8_t *image, int64_t channels, int64_t height, int64_t width, int64_t step,
                                int64_t rows, int64_t columns, uint8_t *samples, int64_t first, int64_t end) {
    const int64_t cell_height = min_i64(step, height), cell_width = min_i64(step, width);
    const int64_t last_row = height / cell_height - 1, last_column = width / cell_width - 1; /* of whole cells */
    const int64_t below = (cell_height - 1) / 2 < cell_height / 2 ? width * channels : 0;
    const int64_t beside = (cell_width - 1) / 2 < cell_width / 2 ? channels : 0;
    for (int64_t row = first; row < end; ++row) {
        const int64_t y = min_i64(row, last_row) * cell_height + (cell_height - 1) / 2;
        const uint8_t *line = image + y * width * channels;
        for (int64_t column = 0; column < columns; ++column) {
            const int64_t x = min_i64(column, last_column) * cell_width + (cell_width - 1) / 2;
            const uint8_t *pixel = line + x * channels;
            for (int64_t c = 0; c < channels; ++c, ++pixel)
                samples[(c * rows + row) * columns + column] =
                    (uint8_t)((pixel[0] + pixel[beside] + pixel[below] + pixel[below + beside] + 2) >> 2);
        }
    }
    return 0;
}

/* The planes that colours are averaged from: three weighted colours of the foreground, three of the background, and the
 * two weights. */
enum { COLOURS = 6, WEIGHTED_PLANES = 8 };

typedef struct {
    int64_t width, count;      /* pixels in a row, and in all */
    const uint8_t *colours[2]; /* [3, height, width] each: the foreground's and the background's */
    const uint8_t *alpha;
    const uint16_t *weights; /* the weight of each value of alpha */
} ColourSources;

TARGET_CLONES
static void fill_weighted_colours(const void *source, int64_t row, int32_t *values) {
    const ColourSources *sources = source;
    const int64_t width = sources->width;
    const uint8_t *alpha = sources->alpha + row * width;
    for (int64_t x = 0; x < width; ++x) {
        values[COLOURS * width + x] = sources->weights[alpha[x]];
        values[(COLOURS + 1) * width + x] = sources->weights[255 - alpha[x]];
    }
    for (int64_t plane = 0; plane < COLOURS; ++plane) {
        const uint8_t *restrict colours = sources->colours[plane / 3] + plane % 3 * sources->count + row * width;
        const int32_t *restrict weights = values + (COLOURS + plane / 3) * width;
        int32_t *restrict weighted = values + plane * width;
        for (int64_t x = 0; x < width; ++x) weighted[x] = colours[x] * weights[x];
    }
}

/* The mean colours of a row (`reference._mean`), [6, width]. Where nothing has weight, a pixel keeps its own colour. */
TARGET_CLONES
static void divide_sums(const ColourSources *sources, int64_t row, const int32_t *sums, float *restrict means) {
    const int64_t width = sources->width;
    for (int64_t plane = 0; plane < COLOURS; ++plane, means += width) {
        const uint8_t *restrict colours = sources->colours[plane / 3] + plane % 3 * sources->count + row * width;
        const int32_t *restrict total = sums + plane * width, *restrict weights = sums + (COLOURS + plane / 3) * width;
        for (int64_t x = 0; x < width; ++x) {
            const int32_t empty = weights[x] == 0;
            means[x] = (float)(total[x] + empty * colours[x]) / (float)(weights[x] + empty);
        }
    }
}

/* The colours that the next pass averages: foreground colours that agree better with the image, and the background's
 * means as they are. */
TARGET_CLONES
static void refine_colours(const uint8_t *restrict image, const uint8_t *restrict alpha, const float *restrict means,
                           int64_t width, int64_t count, uint8_t *restrict foreground, uint8_t *restrict background) {
    for (int64_t colour = 0; colour < 3; ++colour) {
        const float *restrict background_means = means + 3 * width;
        for (int64_t x = 0; x < width; ++x) {
            const float opacity = (float)alpha[x] / 255;
            const float mixed = background_means[x] + opacity * (means[x] - background_means[x]);
            const float residual = opacity * ((float)image[x] - mixed);
            foreground[x] = (uint8_t)(int32_t)clamp_to_byte(round_to_even(means[x] + residual));
            background[x] = (uint8_t)(int32_t)round_to_even(background_means[x]);
        }
        means += width, image += count, foreground += count, background += count;
    }
}

TARGET_CLONES
static void subtract_means(const float *restrict means, int64_t width, float parts, float *restrict difference) {
    for (int64_t colour = 0; colour < 3; ++colour, means += width)
        for (int64_t x = 0; x < width; ++x)
            difference[3 * x + colour] = round_to_even((means[x] - means[3 * width + x]) * parts) * (1 / (256 * parts));
}

/* One pass of `reference.colour_difference` for rows `first` to `end` - 1. Its means go into the colours that the next
 * pass averages (`next_foreground`, `next_background`), or into `difference`; the other is NULL. */
EXPORTED int mmnet_average_colours(const uint8_t *image, const uint8_t *foreground, const uint8_t *background,
                                   const uint8_t *alpha, int64_t height, int64_t width, int64_t radius,
                                   const uint16_t *weights, float parts, uint8_t *next_foreground,
                                   uint8_t *next_background, float *difference, int64_t difference_stride,
                                   int64_t first, int64_t end) {
    const int64_t count = height * width;
    const ColourSources sources = {width, count, {foreground, background}, alpha, weights};
    BoxFilter filter = {.height = height, .width = width, .planes = WEIGHTED_PLANES, .radius = radius};
    filter.fill = fill_weighted_colours;
    filter.source = &sources;
    float *means = malloc(sizeof(float) * (size_t)(COLOURS * width));
    const int failed = begin_box_filter(&filter, first) || !means;
    for (int64_t y = first; !failed && y < end; ++y) {
        const int64_t start = y * width;
        divide_sums(&sources, y, box_sums(&filter, y), means);
        if (next_foreground)
            refine_colours(image + start, alpha + start, means, width, count, next_foreground + start,
                           next_background + start);
        if (difference) subtract_means(means, width, parts, difference + y * difference_stride);
    }
    free_box_filter(&filter);
    free(means);
    return failed;
}

/* `reference.guided_alpha` for every `every`-th row of tiles from `first` on. */
EXPORTED int mmnet_guided_alpha(const Grid *grid, const float *fitted, int64_t side, const Taps *down,
                                const Taps *across, int64_t step, float slope_unit, float offset_unit,
                                const uint8_t *photo, const uint8_t *crossed, const uint8_t *inside, uint8_t *alpha,
                                uint8_t *opaque, uint8_t *edges, int64_t first, int64_t every) {
    const int64_t tiles = (grid->width + grid->tile_width - 1) / grid->tile_width;
    Workspace workspace;
    const int failed = allocate_workspace(grid, step, &workspace);
    for (int64_t row = first; !failed && row * grid->tile_height < grid->height; row += every) {
        const uint8_t *crossed_here = crossed + row * tiles, *inside_here = inside + row * tiles;
        for (int64_t column = 0, end; column < tiles; column = end) {
            end = end_of_run(crossed_here, inside_here, column, tiles);
            if (crossed_here[column]) end = min_i64(end, column + MAX_RUN);
            const Rectangle run = tile_run(grid, row, column, end);
            if (crossed_here[column]) {
                const int64_t columns = (run.width + step - 1) / step + 2, rows = (run.height + step - 1) / step + 2;
                interpolate_line(fitted, side, down, across, run.top / step, rows, run.left / step, columns,
                                 workspace.cells, workspace.cells + columns * rows * 3);
                guided_alpha_tiles(workspace.cells, columns, rows, slope_unit, offset_unit, photo, grid->width, run,
                                   &workspace, alpha);
            } else {
                for (int64_t y = run.top; y < run.top + run.height; ++y)
                    memset(alpha + y * grid->width + run.left, inside_here[column] ? 255 : 0, (size_t)run.width);
            }
            for (int64_t each = column; each < end; ++each) {
                const int64_t tile = row * tiles + each;
                opaque[tile] = inside[tile];
                edges[tile] = 0;
                if (crossed[tile])
                    classify_tile(alpha, grid->width, tile_run(grid, row, each, each + 1), opaque + tile, edges + tile);
            }
        }
    }
    free_workspace(&workspace);
    return failed;
}

/* Composite the pixels of some tiles that the edge crosses. */
TARGET_CLONES
static void composite_tiles(const float *cells, int64_t cell_stride, int64_t rows, const uint8_t *restrict photo,
                            const uint8_t *restrict background, int64_t background_stride,
                            const uint8_t *restrict alpha, int64_t image_width, Rectangle tiles,
                            const Workspace *workspace, uint8_t *restrict out) {
    const PixelPosition *positions = workspace->positions;
    const int64_t width = tiles.width;
    float *restrict differences = workspace->colours, *restrict line = workspace->line;
    float *restrict weights = workspace->weights;
    interpolate_rows(cells, cell_stride, rows, 3, positions, width, differences);
    for (int64_t y = 0; y < tiles.height; ++y) {
        const int64_t start = (tiles.top + y) * image_width + tiles.left;
        const uint8_t *pixels = photo + start * 3;
        const uint8_t *behind = background + (tiles.top + y) * background_stride + tiles.left * 3;
        const float *above = differences + positions[y].cell * width * 3, *below = above + width * 3;
        for (int64_t i = 0; i < width * 3; ++i)
            line[i] = above[i] * positions[y].first + below[i] * positions[y].second;
        for (int64_t x = 0; x < width; ++x)
            weights[3 * x] = weights[3 * x + 1] = weights[3 * x + 2] = (float)alpha[start + x];
        for (int64_t i = 0; i < width * 3; ++i) {
            const float foreground = clamp_to_byte(round_to_even(line[i] * (255 - weights[i])) + (float)pixels[i]);
            const float other = (float)behind[i];
            /* The product is whole, and the value to be rounded is at least 1/510 away from a tie: the multiplication
             * with 1/255 need not be exact. */
            const float mixed = (foreground - other) * weights[i] * (1.0f / 255) + other;
            out[start * 3 + i] = (uint8_t)(int32_t)round_to_even(mixed);
        }
    }
}

/* `reference.composite` for every `every`-th row of tiles from `first` on. */
EXPORTED int mmnet_composite(const Grid *grid, const uint8_t *photo, const uint8_t *background,
                             int64_t background_stride, const uint8_t *alpha, const uint8_t *opaque,
                             const uint8_t *edges, const float *difference, int64_t cell_stride, int64_t step,
                             uint8_t *out, int64_t first, int64_t every) {
    const int64_t tiles = (grid->width + grid->tile_width - 1) / grid->tile_width;
    Workspace workspace;
    const int failed = allocate_workspace(grid, step, &workspace);
    for (int64_t row = first; !failed && row * grid->tile_height < grid->height; row += every) {
        const uint8_t *edges_here = edges + row * tiles, *opaque_here = opaque + row * tiles;
        for (int64_t column = 0, end; column < tiles; column = end) {
            end = end_of_run(edges_here, opaque_here, column, tiles);
            if (edges_here[column]) end = min_i64(end, column + MAX_RUN);
            const Rectangle run = tile_run(grid, row, column, end);
            if (edges_here[column]) {
                composite_tiles(difference + run.top / step * cell_stride + run.left / step * 3, cell_stride,
                                (run.height + step - 1) / step + 2, photo, background, background_stride, alpha,
                                grid->width, run, &workspace, out);
                continue;
            }
            for (int64_t y = run.top; y < run.top + run.height; ++y) {
                const uint8_t *source = photo + y * grid->width * 3;
                if (!opaque_here[column]) source = background + y * background_stride;
                memcpy(out + (y * grid->width + run.left) * 3, source + run.left * 3, (size_t)run.width * 3);
            }
        }
    }
    free_workspace(&workspace);
    return failed;
}
