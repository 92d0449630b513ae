/* What follows the network, compiled: the bytes that guided.py, upsample.py, foreground.py and compose.py compute with
 * NumPy, for some rows of a picture, so that threads can share it.
 *
 * Everything is whole numbers, or one IEEE 754 operation at a time, in the order of those modules; multiplication and
 * addition are not to be contracted. Pictures are rows of R, G, B in bytes, without gaps unless a stride is given.
 * compiled.py says what the arguments are; what they hold was checked before. Functions give 1 where memory is short.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "floats are computed with more digits than IEEE 754 has; the package does without this file"
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

/* GCC compiles these twice, and takes the one that the processor can execute. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__)
#define FOR_THE_PROCESSOR __attribute__((target_clones("avx2", "default")))
#else
#define FOR_THE_PROCESSOR
#endif

typedef struct {
    int64_t height, width;           /* of the picture */
    int64_t tile_height, tile_width; /* of its tiles: multiples of every step */
} Grid;

/* For each cell along an axis, and one more at either end: the values it lies between, and how far along. */
typedef struct {
    const int64_t *first, *second;
    const float *fraction;
} Taps;

typedef struct {
    int64_t top, left, height, width;
} Place;

/* How many tiles beside each other are computed as one at most: what is needed stays in the processor's cache. */
enum { AT_ONCE = 8 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Tiles of a row, from one up to the next but `end`. */
static Place tiles_between(const Grid *grid, int64_t row, int64_t column, int64_t end) {
    Place place = {row * grid->tile_height, column * grid->tile_width, 0, 0};
    place.height = smaller(grid->tile_height, grid->height - place.top);
    place.width = smaller(end * grid->tile_width, grid->width) - place.left;
    return place;
}

/* Up to where tiles are of the kind of the first: as both of what says so has it. */
static int64_t end_of_kind(const uint8_t *one, const uint8_t *other, int64_t first, int64_t end) {
    int64_t next = first + 1;
    while (next < end && one[next] == one[first] && other[next] == other[first]) ++next;
    return next;
}

/* To the nearest, ties to even, for |value| < 2^22. */
INLINE float rounded(float value) {
    const float whole = 12582912.0f; /* 1.5 · 2^23: beside it, floats have no fraction */
    return (value + whole) - whole;
}

INLINE float within(float value) {
    value = value < 0 ? 0 : value;
    return value > 255 ? 255 : value;
}

/* Between the centres of which cells a pixel lies, and how far along: from the tile's first, of `step` pixels a cell,
 * where the first cell is before the tile. */
typedef struct {
    int64_t before;
    float near, far; /* the weights of that cell and of the next */
} Position;

static void positions(int64_t count, int64_t step, Position *found) {
    for (int64_t p = 0; p < count; ++p) {
        const int64_t place = 2 * p + 1 + step;
        found[p].before = place / (2 * step);
        found[p].far = (float)(place % (2 * step)) / (float)(2 * step);
        found[p].near = 1 - found[p].far;
    }
}

/* What tiles are computed in. */
typedef struct {
    Position *at;
    float *cells, *slopes, *offsets, *line, *weights;
} Room;

static int make_room(const Grid *grid, int64_t step, Room *room) {
    const size_t width = (size_t)smaller(AT_ONCE * grid->tile_width, grid->width);
    const size_t height = (size_t)smaller(grid->tile_height, grid->height), longest = width > height ? width : height;
    const size_t columns = (width - 1) / (size_t)step + 3, rows = (height - 1) / (size_t)step + 3;
    room->at = malloc(sizeof(Position) * longest);
    room->cells = malloc(sizeof(float) * 4 * columns * rows);
    room->slopes = malloc(sizeof(float) * 3 * width * rows);
    room->offsets = malloc(sizeof(float) * width * rows);
    room->line = malloc(sizeof(float) * 3 * width);
    room->weights = malloc(sizeof(float) * 3 * width);
    if (!room->at || !room->cells || !room->slopes || !room->offsets || !room->line || !room->weights) return 1;
    positions((int64_t)longest, step, room->at);
    return 0;
}

static void leave_room(Room *room) {
    free(room->at);
    free(room->cells);
    free(room->slopes);
    free(room->offsets);
    free(room->line);
    free(room->weights);
}

/* Cells [rows, columns, channels] interpolated along each row: [rows, pixels, channels]. Here and from row to row,
 * products and sums are exact, as in `Strip.enlarge`. */
INLINE void along_rows(const float *restrict cells, int64_t row_of_cells, int64_t rows, int64_t channels,
                       const Position *restrict at, int64_t pixels, float *restrict found) {
    for (int64_t row = 0; row < rows; ++row, cells += row_of_cells)
        for (int64_t x = 0; x < pixels; ++x) {
            const float *before = cells + at[x].before * channels;
            for (int64_t c = 0; c < channels; ++c)
                *found++ = before[c] * at[x].near + before[channels + c] * at[x].far;
        }
}

/* What is fitted at the network's size, at the cells around a tile (`_between`, twice): the slopes [rows, columns, 3]
 * and the offsets [rows, columns]. */
static void fitted_cells(const float *restrict fitted, int64_t side, const Taps *down, const Taps *across, int64_t top,
                         int64_t rows, int64_t left, int64_t columns, float *restrict slopes,
                         float *restrict offsets) {
    for (int64_t i = top; i < top + rows; ++i) {
        const float *above = fitted + down->first[i] * side * 4, *below = fitted + down->second[i] * side * 4;
        for (int64_t j = left; j < left + columns; ++j) {
            const int64_t a = across->first[j] * 4, b = across->second[j] * 4;
            float value[4];
            for (int64_t c = 0; c < 4; ++c) {
                const float first = rounded((below[a + c] - above[a + c]) * down->fraction[i] + above[a + c]);
                const float second = rounded((below[b + c] - above[b + c]) * down->fraction[i] + above[b + c]);
                value[c] = rounded((second - first) * across->fraction[j] + first);
            }
            *slopes++ = value[0], *slopes++ = value[1], *slopes++ = value[2];
            *offsets++ = value[3];
        }
    }
}

FOR_THE_PROCESSOR
static void guide_tiles(const float *cells, int64_t columns, int64_t rows, float slope_unit, float offset_unit,
                        const uint8_t *restrict photo, int64_t picture_width, Place place, const Room *room,
                        uint8_t *restrict share) {
    const Position *at = room->at;
    const int64_t width = place.width;
    float *restrict slopes = room->slopes, *restrict offsets = room->offsets, *restrict line = room->line;
    along_rows(cells, columns * 3, rows, 3, at, width, slopes);
    along_rows(cells + columns * rows * 3, columns, rows, 1, at, width, offsets);
    for (int64_t y = 0; y < place.height; ++y) {
        const int64_t start = (place.top + y) * picture_width + place.left;
        const float near = at[y].near, far = at[y].far;
        const uint8_t *pixels = photo + start * 3;
        const float *above = slopes + at[y].before * width * 3, *below = above + width * 3;
        for (int64_t i = 0; i < width * 3; ++i)
            line[i] = (above[i] * near + below[i] * far) * (float)pixels[i] * slope_unit;
        above = offsets + at[y].before * width, below = above + width;
        for (int64_t x = 0; x < width; ++x) {
            const float offset = (above[x] * near + below[x] * far) * offset_unit;
            share[start + x] =
                (uint8_t)(int32_t)within(rounded(((line[3 * x] + line[3 * x + 1]) + line[3 * x + 2]) + offset));
        }
    }
}

/* Where a tile's share is 255 everywhere, and where neither 0 nor 255 everywhere. */
FOR_THE_PROCESSOR
static void look(const uint8_t *share, int64_t picture_width, Place place, uint8_t *opaque, uint8_t *edge) {
    uint8_t least = 255, greatest = 0;
    for (int64_t y = 0; y < place.height; ++y) {
        const uint8_t *line = share + (place.top + y) * picture_width + place.left;
        for (int64_t x = 0; x < place.width; ++x) {
            least = line[x] < least ? line[x] : least;
            greatest = line[x] > greatest ? line[x] : greatest;
        }
    }
    *opaque = least == 255;
    *edge = least < 255 && greatest > 0;
}

/* Sums over boxes of 2 · radius + 1 pixels, a row of a picture after the other; pixels beyond it repeat its last. */
typedef void Fill(const void *of, int64_t row, int32_t *values); /* a row of what is summed: [planes, width] */
typedef struct {
    int64_t height, width, planes, radius;
    Fill *fill;
    const void *of;
    int64_t first, filled; /* the row to begin with; up to which rows of what is summed were asked for */
    int32_t *ring;         /* the last 2 · radius + 2 of these */
    int32_t *columns;      /* [planes, radius + width + radius]: sums over the rows around */
    int32_t *sums;         /* [planes, width]: sums over the box */
} Boxes;

/* To sum from a row on. */
static int make_boxes(Boxes *boxes, int64_t first) {
    const size_t count = (size_t)(boxes->planes * boxes->width), around = (size_t)(2 * boxes->radius);
    boxes->first = first;
    boxes->filled = first > boxes->radius ? first - boxes->radius : 0;
    boxes->ring = malloc(sizeof(int32_t) * count * (around + 2));
    boxes->columns = calloc(count + around * (size_t)boxes->planes, sizeof(int32_t));
    boxes->sums = malloc(sizeof(int32_t) * count);
    return !boxes->ring || !boxes->columns || !boxes->sums;
}

static void leave_boxes(Boxes *boxes) {
    free(boxes->ring);
    free(boxes->columns);
    free(boxes->sums);
}

/* A row of what is summed; rows are asked for in order, and the last few again. */
static const int32_t *row_of(Boxes *boxes, int64_t row) {
    row = row < 0 ? 0 : smaller(row, boxes->height - 1);
    int32_t *values = boxes->ring + row % (2 * boxes->radius + 2) * boxes->planes * boxes->width;
    if (row == boxes->filled) {
        boxes->fill(boxes->of, row, values);
        ++boxes->filled;
    }
    return values;
}

FOR_THE_PROCESSOR
static void change(int32_t *restrict sums, const int32_t *restrict more, const int32_t *restrict less, int64_t count) {
    for (int64_t i = 0; i < count; ++i) sums[i] += more[i] - (less ? less[i] : 0);
}

FOR_THE_PROCESSOR
static void sum_columns(const int32_t *restrict columns, int64_t width, int64_t radius, int32_t *restrict sums) {
    for (int64_t x = 0; x < width; ++x) sums[x] = columns[x];
    for (int64_t beside = 1; beside <= 2 * radius; ++beside)
        for (int64_t x = 0; x < width; ++x) sums[x] += columns[x + beside];
}

/* Of a row: from the first on, each once. */
static const int32_t *box_sums(Boxes *boxes, int64_t y) {
    const int64_t width = boxes->width, radius = boxes->radius;
    for (int64_t row = y > boxes->first ? y + radius : y - radius; row <= y + radius; ++row) {
        const int32_t *more = row_of(boxes, row), *less = y > boxes->first ? row_of(boxes, y - radius - 1) : NULL;
        for (int64_t plane = 0; plane < boxes->planes; ++plane)
            change(boxes->columns + plane * (width + 2 * radius) + radius, more + plane * width,
                   less ? less + plane * width : NULL, width);
    }
    for (int64_t plane = 0; plane < boxes->planes; ++plane) {
        int32_t *columns = boxes->columns + plane * (width + 2 * radius);
        for (int64_t x = 0; x < radius; ++x) {
            columns[x] = columns[radius];
            columns[radius + width + x] = columns[radius + width - 1];
        }
        sum_columns(columns, width, radius, boxes->sums + plane * width);
    }
    return boxes->sums;
}

/* Of three colours and alpha: each, and the products of two. */
enum { RED, GREEN, BLUE, ALPHA, RR, GG, BB, RG, RB, GB, RA, GA, BA, PRODUCTS };

typedef struct {
    const uint16_t *words;
    const uint8_t *guide;
    int64_t width;
} Guided;

FOR_THE_PROCESSOR
static void fill_products(const void *of, int64_t row, int32_t *values) {
    const Guided *picture = of;
    const int64_t width = picture->width;
    const uint16_t *words = picture->words + row * width;
    const uint8_t *guide = picture->guide + row * width * 3;
    static const uint8_t factors[][2] = {[RR] = {RED, RED},     [GG] = {GREEN, GREEN}, [BB] = {BLUE, BLUE},
                                         [RG] = {RED, GREEN},   [RB] = {RED, BLUE},    [GB] = {GREEN, BLUE},
                                         [RA] = {RED, ALPHA},   [GA] = {GREEN, ALPHA}, [BA] = {BLUE, ALPHA}};
    for (int64_t x = 0; x < width; ++x) {
        for (int64_t colour = 0; colour < 3; ++colour) values[colour * width + x] = guide[3 * x + colour];
        values[ALPHA * width + x] = (int32_t)rounded((float)words[x] / 257);
    }
    for (int64_t product = RR; product < PRODUCTS; ++product) {
        const int32_t *restrict one = values + factors[product][0] * width;
        const int32_t *restrict other = values + factors[product][1] * width;
        int32_t *restrict found = values + product * width;
        for (int64_t x = 0; x < width; ++x) found[x] = one[x] * other[x];
    }
}

/* `guided._slopes`, of the sums over a window of so many pixels; they lie `apart`. */
static void slopes_of(const int32_t *sums, int64_t apart, double pixels, double ridge, double unit, double *found) {
#define SUM(plane) ((double)sums[(plane) * apart])
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
    found[0] = rint((first * ra + second * ga + third * ba) * scale);
    found[1] = rint((second * ra + fourth * ga + fifth * ba) * scale);
    found[2] = rint((third * ra + fifth * ga + sixth * ba) * scale);
}

EXPORTED int mmnet_fit(const uint16_t *words, const uint8_t *guide, const uint8_t *where, int64_t height, int64_t width,
                       int64_t radius, double epsilon, double slope, double offset, float *fitted, int64_t first,
                       int64_t end) {
    const double pixels = (double)((2 * radius + 1) * (2 * radius + 1));
    const Guided picture = {words, guide, width};
    Boxes boxes = {.height = height, .width = width, .planes = PRODUCTS, .radius = radius, .fill = fill_products};
    boxes.of = &picture;
    const int failed = make_boxes(&boxes, first);
    for (int64_t y = first; !failed && y < end; ++y) {
        const int32_t *sums = box_sums(&boxes, y);
        for (int64_t x = 0; x < width; ++x) {
            const int64_t number = y * width + x;
            const uint8_t *colours = guide + number * 3;
            double found[4] = {0};
            if (where[number]) {
                slopes_of(sums + x, width, pixels, epsilon * pixels * pixels, slope, found);
                const double carried = (found[0] * colours[0] + found[1] * colours[1]) + found[2] * colours[2];
                found[3] = rint(words[number] / (257 / offset) - carried / (slope / offset));
            } else {
                found[3] = rounded((float)words[number] * (float)(offset / 257));
            }
            for (int c = 0; c < 4; ++c) fitted[number * 4 + c] = (float)found[c];
        }
    }
    leave_boxes(&boxes);
    return failed;
}

/* `foreground._samples`: the mean of the two by two pixels in the middle of each cell, a plane a channel. */
EXPORTED int mmnet_sample(const uint8_t *picture, int64_t channels, int64_t height, int64_t width, int64_t step,
                          int64_t rows, int64_t columns, uint8_t *samples, int64_t first, int64_t end) {
    const int64_t tall = smaller(step, height), wide = smaller(step, width);
    const int64_t last_row = height / tall - 1, last_column = width / wide - 1; /* of cells that are not cut */
    const int64_t below = (tall - 1) / 2 < tall / 2 ? width * channels : 0;
    const int64_t beside = (wide - 1) / 2 < wide / 2 ? channels : 0;
    for (int64_t row = first; row < end; ++row) {
        const uint8_t *line = picture + (smaller(row, last_row) * tall + (tall - 1) / 2) * width * channels;
        for (int64_t column = 0; column < columns; ++column) {
            const uint8_t *pixel = line + (smaller(column, last_column) * wide + (wide - 1) / 2) * channels;
            for (int64_t c = 0; c < channels; ++c, ++pixel)
                samples[(c * rows + row) * columns + column] =
                    (uint8_t)((pixel[0] + pixel[beside] + pixel[below] + pixel[below + beside] + 2) >> 2);
        }
    }
    return 0;
}

/* The colours of the person and of what is behind, and the weights of both, times and beside each other. */
enum { COLOURS = 6, WEIGHED = 8 };

typedef struct {
    int64_t width, count;
    const uint8_t *colours[2]; /* [3, height, width]: the person's, and those behind */
    const uint8_t *share;
    const uint16_t *weights; /* of each share */
} Sides;

FOR_THE_PROCESSOR
static void fill_weighed(const void *of, int64_t row, int32_t *values) {
    const Sides *sides = of;
    const int64_t width = sides->width;
    const uint8_t *share = sides->share + row * width;
    for (int64_t x = 0; x < width; ++x) {
        values[COLOURS * width + x] = sides->weights[share[x]];
        values[(COLOURS + 1) * width + x] = sides->weights[255 - share[x]];
    }
    for (int64_t plane = 0; plane < COLOURS; ++plane) {
        const uint8_t *restrict colours = sides->colours[plane / 3] + plane % 3 * sides->count + row * width;
        const int32_t *restrict weights = values + (COLOURS + plane / 3) * width;
        int32_t *restrict found = values + plane * width;
        for (int64_t x = 0; x < width; ++x) found[x] = colours[x] * weights[x];
    }
}

/* `foreground._mean` of a row: [6, width]. */
FOR_THE_PROCESSOR
static void divide(const Sides *sides, int64_t row, const int32_t *sums, float *restrict means) {
    const int64_t width = sides->width;
    for (int64_t plane = 0; plane < COLOURS; ++plane, means += width) {
        const uint8_t *restrict colours = sides->colours[plane / 3] + plane % 3 * sides->count + row * width;
        const int32_t *restrict total = sums + plane * width, *restrict weights = sums + (COLOURS + plane / 3) * width;
        for (int64_t x = 0; x < width; ++x) {
            const int32_t none = weights[x] == 0;
            means[x] = (float)(total[x] + none * colours[x]) / (float)(weights[x] + none);
        }
    }
}

/* What the next pass averages: the colours that agree better with the picture, and those behind as they were. */
FOR_THE_PROCESSOR
static void agree(const uint8_t *restrict image, const uint8_t *restrict share, const float *restrict means,
                  int64_t width, int64_t count, uint8_t *restrict front, uint8_t *restrict behind) {
    for (int64_t colour = 0; colour < 3; ++colour, means += width, image += count, front += count, behind += count) {
        const float *restrict far = means + 3 * width;
        for (int64_t x = 0; x < width; ++x) {
            const float solid = (float)share[x] / 255;
            const float lacking = solid * ((float)image[x] - (far[x] + solid * (means[x] - far[x])));
            front[x] = (uint8_t)(int32_t)within(rounded(means[x] + lacking));
            behind[x] = (uint8_t)(int32_t)rounded(far[x]);
        }
    }
}

FOR_THE_PROCESSOR
static void differ(const float *restrict means, int64_t width, float parts, float *restrict difference) {
    for (int64_t colour = 0; colour < 3; ++colour, means += width)
        for (int64_t x = 0; x < width; ++x)
            difference[3 * x + colour] = rounded((means[x] - means[3 * width + x]) * parts) * (1 / (256 * parts));
}

/* A pass of `foreground.Mixture`: its means either for the next pass, or for the difference. */
EXPORTED int mmnet_average(const uint8_t *image, const uint8_t *near, const uint8_t *far, const uint8_t *share,
                           int64_t height, int64_t width, int64_t radius, const uint16_t *weights, float parts,
                           uint8_t *front, uint8_t *behind, float *difference, int64_t row_of_difference,
                           int64_t first, int64_t end) {
    const int64_t count = height * width;
    const Sides sides = {width, count, {near, far}, share, weights};
    Boxes boxes = {.height = height, .width = width, .planes = WEIGHED, .radius = radius, .fill = fill_weighed};
    boxes.of = &sides;
    float *means = malloc(sizeof(float) * (size_t)(COLOURS * width));
    const int failed = make_boxes(&boxes, first) || !means;
    for (int64_t y = first; !failed && y < end; ++y) {
        const int64_t start = y * width;
        divide(&sides, y, box_sums(&boxes, y), means);
        if (front) agree(image + start, share + start, means, width, count, front + start, behind + start);
        if (difference) differ(means, width, parts, difference + y * row_of_difference);
    }
    leave_boxes(&boxes);
    free(means);
    return failed;
}

EXPORTED int mmnet_guide(const Grid *grid, const float *fitted, int64_t side, const Taps *down, const Taps *across,
                         int64_t step, float slope_unit, float offset_unit, const uint8_t *photo,
                         const uint8_t *crossed, const uint8_t *inside, uint8_t *share, uint8_t *opaque,
                         uint8_t *edges, int64_t first, int64_t every) {
    const int64_t tiles = (grid->width + grid->tile_width - 1) / grid->tile_width;
    Room room;
    const int failed = make_room(grid, step, &room);
    for (int64_t row = first; !failed && row * grid->tile_height < grid->height; row += every) {
        const uint8_t *crossed_here = crossed + row * tiles, *inside_here = inside + row * tiles;
        for (int64_t column = 0, end; column < tiles; column = end) {
            end = end_of_kind(crossed_here, inside_here, column, tiles);
            if (crossed_here[column]) end = smaller(end, column + AT_ONCE);
            const Place place = tiles_between(grid, row, column, end);
            if (crossed_here[column]) {
                const int64_t columns = (place.width + step - 1) / step + 2, rows = (place.height + step - 1) / step + 2;
                fitted_cells(fitted, side, down, across, place.top / step, rows, place.left / step, columns, room.cells,
                             room.cells + columns * rows * 3);
                guide_tiles(room.cells, columns, rows, slope_unit, offset_unit, photo, grid->width, place, &room, share);
            } else {
                for (int64_t y = place.top; y < place.top + place.height; ++y)
                    memset(share + y * grid->width + place.left, inside_here[column] ? 255 : 0, (size_t)place.width);
            }
            for (int64_t each = column; each < end; ++each) {
                const int64_t number = row * tiles + each;
                opaque[number] = inside[number];
                edges[number] = 0;
                if (crossed[number])
                    look(share, grid->width, tiles_between(grid, row, each, each + 1), opaque + number, edges + number);
            }
        }
    }
    leave_room(&room);
    return failed;
}

FOR_THE_PROCESSOR
static void lay_tiles(const float *cells, int64_t row_of_cells, int64_t rows, const uint8_t *restrict photo,
                      const uint8_t *restrict behind, int64_t behind_stride, const uint8_t *restrict share,
                      int64_t picture_width, Place place, const Room *room, uint8_t *restrict out) {
    const Position *at = room->at;
    const int64_t width = place.width;
    float *restrict differences = room->slopes, *restrict line = room->line, *restrict weights = room->weights;
    along_rows(cells, row_of_cells, rows, 3, at, width, differences);
    for (int64_t y = 0; y < place.height; ++y) {
        const int64_t start = (place.top + y) * picture_width + place.left;
        const uint8_t *front = photo + start * 3, *back = behind + (place.top + y) * behind_stride + place.left * 3;
        const float *above = differences + at[y].before * width * 3, *below = above + width * 3;
        for (int64_t i = 0; i < width * 3; ++i) line[i] = above[i] * at[y].near + below[i] * at[y].far;
        for (int64_t x = 0; x < width; ++x)
            weights[3 * x] = weights[3 * x + 1] = weights[3 * x + 2] = (float)share[start + x];
        for (int64_t i = 0; i < width * 3; ++i) {
            const float own = within(rounded(line[i] * (255 - weights[i])) + (float)front[i]), other = (float)back[i];
            /* The product is whole, and what is rounded at least 1/510 from a tie: the division need not be exact. */
            out[start * 3 + i] = (uint8_t)(int32_t)rounded((own - other) * weights[i] * (1.0f / 255) + other);
        }
    }
}

EXPORTED int mmnet_lay(const Grid *grid, const uint8_t *photo, const uint8_t *behind, int64_t behind_stride,
                       const uint8_t *share, const uint8_t *opaque, const uint8_t *edges, const float *difference,
                       int64_t row_of_cells, int64_t step, uint8_t *out, int64_t first, int64_t every) {
    const int64_t tiles = (grid->width + grid->tile_width - 1) / grid->tile_width;
    Room room;
    const int failed = make_room(grid, step, &room);
    for (int64_t row = first; !failed && row * grid->tile_height < grid->height; row += every) {
        const uint8_t *edges_here = edges + row * tiles, *opaque_here = opaque + row * tiles;
        for (int64_t column = 0, end; column < tiles; column = end) {
            end = end_of_kind(edges_here, opaque_here, column, tiles);
            if (edges_here[column]) end = smaller(end, column + AT_ONCE);
            const Place place = tiles_between(grid, row, column, end);
            if (edges_here[column]) {
                lay_tiles(difference + place.top / step * row_of_cells + place.left / step * 3, row_of_cells,
                          (place.height + step - 1) / step + 2, photo, behind, behind_stride, share, grid->width, place,
                          &room, out);
                continue;
            }
            for (int64_t y = place.top; y < place.top + place.height; ++y) {
                const uint8_t *from = opaque_here[column] ? photo + y * grid->width * 3 : behind + y * behind_stride;
                memcpy(out + (y * grid->width + place.left) * 3, from + place.left * 3, (size_t)place.width * 3);
            }
        }
    }
    leave_room(&room);
    return failed;
}
