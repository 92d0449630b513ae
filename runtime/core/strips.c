/* Guided alpha between two rows of cells: the line is interpolated from the network's pixels to the cells, from them to
 * the pixels, and applied there. */
#include "strips.h"

#include "vectors.h"

#if defined(MMNET_SHUFFLES)
#define UNITS(shift) ((shift)*RED_UNIT), ((shift)*GREEN_UNIT), ((shift)*BLUE_UNIT), ((shift)*OFFSET_UNIT)
static const Floats8 shifts = {UNITS(ROUNDING_SHIFT), UNITS(ROUNDING_SHIFT)};
#else
static const float units[VALUES] = {RED_UNIT, GREEN_UNIT, BLUE_UNIT, OFFSET_UNIT};
#endif

/* Interpolate between two rows of lines, and round to their units. Up to LANES - 1 numbers more are written. */
INLINE void interpolate_lines(const float *restrict first, const float *restrict second, float fraction, Index count,
                              float *restrict out) {
#if defined(MMNET_SHUFFLES)
    for (Index i = 0; i < count; i += LANES) {
        Floats8 one, other;
        copy_bytes(&one, first + i, sizeof one);
        copy_bytes(&other, second + i, sizeof other);
        one = ((other - one) * fraction + one + shifts) - shifts;
        copy_bytes(out + i, &one, sizeof one);
    }
#else
    for (Index i = 0; i < count; ++i) {
        const float shift = ROUNDING_SHIFT * units[i % VALUES];
        out[i] = ((second[i] - first[i]) * fraction + first[i] + shift) - shift;
    }
#endif
}

#if defined(MMNET_SHUFFLES)
/* Two cells, of which each lies between the values of two columns. */
INLINE void interpolate_pair(const float *between, const int32_t *first, const int32_t *second, const float *fraction,
                             Floats8 *pair) {
    Floats4 one, other, two, another, weight, weights;
    copy_bytes(&one, between + first[0], sizeof one);
    copy_bytes(&two, between + first[4], sizeof two);
    copy_bytes(&other, between + second[0], sizeof other);
    copy_bytes(&another, between + second[4], sizeof another);
    copy_bytes(&weight, fraction, sizeof weight);
    copy_bytes(&weights, fraction + 4 * VALUES, sizeof weights);
    const Floats8 ones = JOIN_FOURS(one, two), others = JOIN_FOURS(other, another);
    *pair = ((others - ones) * JOIN_FOURS(weight, weights) + ones + shifts) - shifts;
}
#endif

/* Interpolate a row of lines at LANES cells: planes, `stride` apart. */
INLINE void interpolate_group(const float *restrict between, const int32_t *first, const int32_t *second,
                              const float *fraction, Index stride, float *restrict cells) {
#if defined(MMNET_SHUFFLES)
#define FIRST_VALUES(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define LAST_VALUES(a, b) __builtin_shufflevector(a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define EVEN_VALUES(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define ODD_VALUES(a, b) __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15)
    Floats8 a, b, c, d; /* cells 0 and 4, 1 and 5, ...: the halves of a vector do not mix */
    interpolate_pair(between, first, second, fraction, &a);
    interpolate_pair(between, first + 1, second + 1, fraction + VALUES, &b);
    interpolate_pair(between, first + 2, second + 2, fraction + 2 * VALUES, &c);
    interpolate_pair(between, first + 3, second + 3, fraction + 3 * VALUES, &d);
    const Floats8 near = FIRST_VALUES(a, b), far = FIRST_VALUES(c, d);
    const Floats8 near_rest = LAST_VALUES(a, b), far_rest = LAST_VALUES(c, d);
    const Floats8 red = EVEN_VALUES(near, far), green = ODD_VALUES(near, far);
    const Floats8 blue = EVEN_VALUES(near_rest, far_rest), offset = ODD_VALUES(near_rest, far_rest);
    copy_bytes(cells, &red, sizeof red);
    copy_bytes(cells + stride, &green, sizeof green);
    copy_bytes(cells + 2 * stride, &blue, sizeof blue);
    copy_bytes(cells + 3 * stride, &offset, sizeof offset);
#else
    for (Index cell = 0; cell < LANES; ++cell) {
        float values[VALUES];
        interpolate_lines(between + first[cell], between + second[cell], fraction[VALUES * cell], VALUES, values);
        for (Index v = 0; v < VALUES; ++v) cells[v * stride + cell] = values[v];
    }
#endif
}

/* Interpolate LANES + 2 cells along a row, to the LANES · step pixels of a block. Products and sums are exact, here and
 * along columns, for the reason of `TileBatch.interpolate`. */
INLINE void widen_block(const float *restrict cells, Index step, float *restrict pixels) {
#if defined(MMNET_SHUFFLES)
/* Eight pixels, of which each lies between the cells `left` and `left` + 1 of eight. */
#define WIDEN(pixels, cells, weights, a, b, c, d, e, f, g, h)                                            \
    do {                                                                                                 \
        Floats8 near;                                                                                    \
        copy_bytes(&near, cells, sizeof near);                                                           \
        const Floats8 left = __builtin_shufflevector(near, near, a, b, c, d, e, f, g, h);                \
        const Floats8 right =                                                                            \
            __builtin_shufflevector(near, near, a + 1, b + 1, c + 1, d + 1, e + 1, f + 1, g + 1, h + 1); \
        const Floats8 wide = left + (right - left) * weights;                                            \
        copy_bytes(pixels, &wide, sizeof wide);                                                          \
    } while (0)
    static const Floats8 by_2 = {3 / 4.0f, 1 / 4.0f, 3 / 4.0f, 1 / 4.0f, 3 / 4.0f, 1 / 4.0f, 3 / 4.0f, 1 / 4.0f};
    static const Floats8 by_4 = {5 / 8.0f, 7 / 8.0f, 1 / 8.0f, 3 / 8.0f, 5 / 8.0f, 7 / 8.0f, 1 / 8.0f, 3 / 8.0f};
    static const Floats8 by_8 = {9 / 16.0f, 11 / 16.0f, 13 / 16.0f, 15 / 16.0f,
                                 1 / 16.0f, 3 / 16.0f,  5 / 16.0f,  7 / 16.0f};
    if (step == 2)
        for (Index i = 0; i < 2; ++i) WIDEN(pixels + 8 * i, cells + 4 * i, by_2, 0, 1, 1, 2, 2, 3, 3, 4);
    else if (step == 4)
        for (Index i = 0; i < 4; ++i) WIDEN(pixels + 8 * i, cells + 2 * i, by_4, 0, 0, 1, 1, 1, 1, 2, 2);
    else
        for (Index i = 0; i < 8; ++i) WIDEN(pixels + 8 * i, cells + i, by_8, 0, 0, 0, 0, 1, 1, 1, 1);
#undef WIDEN
#else
    for (Index cell = 0; cell < LANES; ++cell)
        for (Index k = 0; k < step; ++k) {
            const Index right_half = 2 * k >= step, from = cell + right_half;
            const float second = (float)(2 * k + 1 + (right_half ? -step : step)) / (float)(2 * step);
            pixels[cell * step + k] = cells[from] + (cells[from + 1] - cells[from]) * second;
        }
#endif
}

INLINE void widen(const float *restrict cells, Index blocks, Index step, float *restrict pixels) {
    for (Index block = 0; block < blocks; ++block, cells += LANES, pixels += LANES * step) {
        if (step == 1)
            copy_bytes(pixels, cells + 1, LANES * sizeof(float));
        else
            widen_block(cells, step, pixels);
    }
}

/* The pixels of a block lie between LANES + 2 cells: its own group of LANES cells, and two of the next group. */
TARGET_CLONES
void mmnet_compute_cells(const Guide *guide, Index row) {
    const Axis *across = &guide->across;
    const float *above = line_row(&guide->rows, guide->down.first[row]);
    const float *below = line_row(&guide->rows, guide->down.second[row]);
    const Index width = LANES * guide->step, stride = guide->cell_stride, blocks = guide->blocks;
    float *planes = guide->pixels + row % 2 * VALUES * guide->pixel_stride;
    for (Index block = 0, end; block < blocks; block = end) {
        end = end_of_flags(guide->needed, block, blocks);
        if (!guide->needed[block]) continue;
        const Index cell = LANES * block, start = across->first[cell];
        interpolate_lines(above + start, below + start, guide->down.fraction[row],
                          across->second[LANES * end + 1] + VALUES - start, guide->between + start);
        for (Index group = cell; group <= LANES * end; group += LANES)
            interpolate_group(guide->between, across->first + group, across->second + group,
                              across->fraction + VALUES * group, stride, guide->cells + group);
        for (Index v = 0; v < VALUES; ++v)
            widen(guide->cells + v * stride + cell, end - block, guide->step,
                  planes + v * guide->pixel_stride + width * block);
    }
}

/* Whether alpha is 255 in all pixels, and whether it is above 0 in any: the bits that are set in all, and in any. */
typedef struct {
    uint64_t all, any;
} Seen;

/* Apply the line to eight columns of pixels between two rows of cells: alpha = slope · colour + offset, whole. */
INLINE void apply_line(const float *above, const float *below, Index stride, Between between, const uint8_t *pixels,
                       Index pixel_stride, Index rows, uint8_t *alpha, Index alpha_stride, Seen *seen) {
#if defined(MMNET_SHUFFLES)
#define VALUE(value, more, v)                                   \
    Floats8 value, more;                                        \
    do {                                                        \
        Floats8 upper, lower;                                   \
        copy_bytes(&upper, above + (v)*stride, sizeof upper);   \
        copy_bytes(&lower, below + (v)*stride, sizeof lower);   \
        value = upper * between.first + lower * between.second; \
        more = (lower - upper) * between.growth;                \
    } while (0)
    VALUE(red, more_red, 0);
    VALUE(green, more_green, 1);
    VALUE(blue, more_blue, 2);
    VALUE(offset, more_offset, SLOPES);
#undef VALUE
    uint64_t all = seen->all, any = seen->any;
    for (Index row = 0; row < rows; ++row, pixels += pixel_stride, alpha += alpha_stride) {
        Ints8 colours, bits;
        LOAD_PIXELS(pixels, colours);
        const Floats8 sums = ((red * __builtin_convertvector(colours & 0xFF, Floats8) +
                               green * __builtin_convertvector(colours & 0xFF00, Floats8)) +
                              blue * __builtin_convertvector(colours & 0xFF0000, Floats8)) +
                             offset + ROUNDING_SHIFT; /* the last bits of these floats are whole numbers */
        copy_bytes(&bits, &sums, sizeof bits);
        bits -= ROUNDING_BITS;
        uint64_t eight;
        PACK_WORD(bits, eight);
        copy_bytes(alpha, &eight, sizeof eight);
        all &= eight, any |= eight;
        red += more_red, green += more_green, blue += more_blue, offset += more_offset;
    }
    seen->all = all, seen->any = any;
#else
    for (Index x = 0; x < LANES; ++x)
        for (Index row = 0; row < rows; ++row) {
            const float weight = between.second + (float)row * between.growth;
            float values[VALUES];
            for (Index v = 0; v < VALUES; ++v)
                values[v] = above[v * stride + x] * (1 - weight) + below[v * stride + x] * weight;
            const uint8_t *colour = pixels + row * pixel_stride + 3 * x;
            const float red = values[0] * (float)colour[0], green = values[1] * (float)(colour[1] * 256);
            const float blue = values[2] * (float)(colour[2] * 65536);
            const float whole = round_to_even(((red + green) + blue) + values[SLOPES]);
            const uint8_t byte = (uint8_t)(int32_t)clamp_to_byte(whole);
            alpha[row * alpha_stride + x] = byte;
            seen->all &= byte * (~(uint64_t)0 / 255);
            seen->any |= byte;
        }
#endif
}

/* Apply the line to fewer than eight columns, which end at the right edge of the photo. */
static void apply_at_edge(const float *above, const float *below, Index stride, Between between, const uint8_t *pixels,
                          Index pixel_stride, Index rows, Index width, uint8_t *alpha, Index alpha_stride, Seen *seen) {
    uint8_t colours[MAX_LINE_STEP][3 * LANES] = {{0}}, alphas[MAX_LINE_STEP][LANES];
    Seen unused = {0, 0};
    for (Index row = 0; row < rows; ++row) copy_bytes(colours[row], pixels + row * pixel_stride, (size_t)(3 * width));
    apply_line(above, below, stride, between, colours[0], 3 * LANES, rows, alphas[0], LANES, &unused);
    for (Index row = 0; row < rows; ++row)
        for (Index x = 0; x < width; ++x) {
            alpha[row * alpha_stride + x] = alphas[row][x];
            seen->all &= alphas[row][x] * (~(uint64_t)0 / 255);
            seen->any |= alphas[row][x];
        }
}

/* Bring rows of pixels, and of alpha, into the cache: blocks are too few for a processor to foresee the next row. */
INLINE void prefetch(const uint8_t *pixels, const uint8_t *alpha, Index stride, Index width, Index rows) {
    enum { CACHE_LINE = 64 };
    for (Index row = 0; row < rows; ++row, pixels += 3 * stride, alpha += stride) {
        for (Index i = 0; i < 3 * width; i += CACHE_LINE) PREFETCH(pixels + i, 0);
        for (Index i = 0; i < width; i += CACHE_LINE) PREFETCH(alpha + i, 1);
    }
}

enum { ROWS_AHEAD = 4 };

/* Apply the line to some blocks of a strip. */
INLINE void apply_blocks(const Guide *guide, const uint8_t *photo, Strip strip, Index first, Index end,
                         uint8_t *alpha) {
    const Index block = LANES * guide->step, stride = guide->grid.stride, plane = guide->pixel_stride;
    const Index right = min_index(end * block, guide->grid.width), tile_width = guide->grid.tile_width;
    const float *planes = guide->pixels;
    const float *above = planes + strip.cells % 2 * VALUES * plane;
    const float *below = planes + (strip.cells + 1) % 2 * VALUES * plane;
    Index x = first * block;
    const Index ahead = min_index(strip.rows, guide->grid.height - strip.top - ROWS_AHEAD);
    const Index from = (strip.top + ROWS_AHEAD) * stride + x;
    if (ahead > 0) prefetch(photo + 3 * from, alpha + from, stride, right - x, ahead);
    for (Index tile = x / tile_width; x < right; ++tile) {
        const Index tile_end = min_index((tile + 1) * tile_width, right);
        Seen seen = {~(uint64_t)0, 0};
        for (; x + LANES <= tile_end; x += LANES)
            apply_line(above + x, below + x, plane, strip.between, photo + 3 * (strip.top * stride + x), 3 * stride,
                       strip.rows, alpha + strip.top * stride + x, stride, &seen);
        if (x < tile_end)
            apply_at_edge(above + x, below + x, plane, strip.between, photo + 3 * (strip.top * stride + x), 3 * stride,
                          strip.rows, tile_end - x, alpha + strip.top * stride + x, stride, &seen);
        x = tile_end;
        guide->all[tile] &= seen.all == ~(uint64_t)0 ? 255 : 0;
        guide->any[tile] |= seen.any ? 255 : 0;
    }
}

/* Write the alpha of some blocks of a strip that depend on no undecided pixel of the network. */
INLINE void fill_blocks(const Guide *guide, Strip strip, Index first, Index end, uint8_t *alpha) {
    const Index block = LANES * guide->step, left = first * block, right = min_index(end * block, guide->grid.width);
    const Index column = guide->across.first[LANES * first + 1] / VALUES, tile_width = guide->grid.tile_width;
    const uint16_t *decided = alpha_row(&guide->rows, guide->down.first[strip.cells]);
    const uint8_t value = decided[column] == OPAQUE ? 255 : 0;
    for (Index y = strip.top; y < strip.top + strip.rows; ++y)
        set_bytes(alpha + y * guide->grid.stride + left, value, (size_t)(right - left));
    const Index tile = left / tile_width, tiles = divide_up(right, tile_width) - tile;
    uint8_t *restrict all = guide->all + tile, *restrict any = guide->any + tile;
    for (Index i = 0; i < tiles; ++i) all[i] &= value;
    for (Index i = 0; i < tiles; ++i) any[i] |= value;
}

TARGET_CLONES
void mmnet_compute_strip(const Guide *guide, const uint8_t *photo, Strip strip, uint8_t *alpha) {
    const Flags *flags = guide->now;
    for (Index block = 0, end; block < guide->blocks; block = end) {
        end = end_of_flags(flags, block, guide->blocks);
        if (flags[block])
            apply_blocks(guide, photo, strip, block, end, alpha);
        else
            fill_blocks(guide, strip, block, end, alpha);
    }
}
