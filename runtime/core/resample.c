/* Scaling: see resample.h. Rows are computed when they are asked for, so that a photo is never copied. */
#include "resample.h"

#include "kernels.h"
#include "vectors.h"

enum { FRACTION_BITS = 11, ONE = 1 << FRACTION_BITS, HALF = 1 << (2 * FRACTION_BITS - 1) };

/* Numbers after a row of RGB that are read, and have no weight. */
enum { BESIDE = 4 };

static int halvings(Index side, Index size) {
    int count = 0;
    for (; side >= 2 * size; side = (side + 1) / 2) ++count;
    return count;
}

/* A side after some halvings of `most`. */
static Index halved_side(Index side, int count, int most) {
    for (int i = 0; i < count && i < most; ++i) side = (side + 1) / 2;
    return side;
}

static Index level_width(const Resampler *r, int level) { return halved_side(r->width, level, r->across); }
static Index level_height(const Resampler *r, int level) { return halved_side(r->height, level, r->down); }
static int levels(const Resampler *r) { return r->down > r->across ? r->down : r->across; }

/* Where position `target` of `size` lies in a side that was halved (section 4.2), in 1/2048 of a pixel. */
static Index position_of(Index target, Index side, Index size, int count) {
    const int64_t last = halved_side(side, count, count) - 1;
    const int64_t numerator = (2 * (int64_t)target + 1) * side, denominator = (int64_t)size << (count + 1);
    const int64_t whole = numerator / denominator, rest = numerator - whole * denominator;
    const int64_t position = whole * ONE + rest * ONE / denominator - ONE / 2;
    return (Index)(position < 0 ? 0 : position > last * ONE ? last * ONE : position);
}

void mmnet_take_resampler(Resampler *r, Arena *arena) {
    r->down = halvings(r->height, r->out_height);
    r->across = halvings(r->width, r->out_width);
    for (int level = 1; level <= levels(r); ++level)
        for (int i = 0; i < 2; ++i) r->halved[i][level] = TAKE(arena, level_width(r, level) * r->channels, uint8_t);
    r->first = TAKE(arena, r->out_width, int32_t);
    r->second = TAKE(arena, r->out_width, int32_t);
    r->fraction = TAKE(arena, (r->channels == 3 ? 4 : 1) * r->out_width, int32_t);
    if (r->channels == 1)
        for (int i = 0; i < 2; ++i) r->lines[i] = TAKE(arena, r->out_width, int32_t);
    else
        r->lines[0] = TAKE(arena, 3 * level_width(r, r->across) + BESIDE, int32_t);
}

/* Halve two rows, which may be the same one, in both directions: sums of boxes of 2 × 2, rounded half up. */
INLINE void halve_boxes(const uint8_t *restrict a, const uint8_t *restrict b, Index pairs, Index channels,
                        uint8_t *restrict out) {
    for (Index x = 0; x < pairs; ++x)
        for (Index c = 0; c < channels; ++c) {
            const Index i = 2 * x * channels + c;
            out[x * channels + c] = (uint8_t)((a[i] + a[i + channels] + b[i] + b[i + channels] + 2) >> 2);
        }
}

#if defined(MMNET_SHUFFLES) && !defined(MMNET_NEON)
/* Four pixels, 12 bytes, as pairs of bytes to be added, and the next four in the upper half. 28 bytes are read. */
#define LOAD_PAIRS(source, pairs)                                                                                      \
    do {                                                                                                               \
        Bytes16 lower, upper;                                                                                          \
        copy_bytes(&lower, source, 16);                                                                                \
        copy_bytes(&upper, (source) + 12, 16);                                                                         \
        const Bytes32 both = JOIN_BYTES(lower, upper);                                                                 \
        pairs = (Words16)__builtin_shufflevector(both, both, 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, 0, 0, 0, 0, 16, 19, \
                                                 17, 20, 18, 21, 22, 25, 23, 26, 24, 27, 16, 16, 16, 16);              \
    } while (0)

/* Write four pixels, and two bytes beyond: six numbers in the lower half, six in the upper one. */
#define STORE_MEANS(means, out)                                                                                        \
    do {                                                                                                               \
        const Bytes32 wide = (Bytes32)(means);                                                                         \
        const Bytes32 bytes = __builtin_shufflevector(wide, wide, 0, 2, 4, 6, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, \
                                                      18, 20, 22, 24, 26, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16);     \
        const Bytes16 upper =                                                                                          \
            __builtin_shufflevector(bytes, bytes, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);     \
        copy_bytes(out, &bytes, 8);                                                                                    \
        copy_bytes((out) + 6, &upper, 8);                                                                              \
    } while (0)
#endif

/* Some pixels of the result at a time; compilers do not find these shuffles. `ahead` are two rows that will be read
 * next: processors do not foresee more than a page. */
TARGET_CLONES
static void halve_rgb(const uint8_t *restrict a, const uint8_t *restrict b, Index pairs, const uint8_t *const *ahead,
                      uint8_t *restrict out) {
    const uint8_t *first = ahead[0], *second = ahead[1];
#if defined(MMNET_NEON)
    for (; pairs >= 8; pairs -= 8, a += 48, b += 48, out += 24, first += 48, second += 48) {
        PREFETCH(first, 0);
        PREFETCH(second, 0);
        const uint8x16x3_t above = vld3q_u8(a), below = vld3q_u8(b);
        uint8x8x3_t means;
        for (int c = 0; c < 3; ++c) means.val[c] = vrshrn_n_u16(vpadalq_u8(vpaddlq_u8(above.val[c]), below.val[c]), 2);
        vst3_u8(out, means);
    }
#elif defined(MMNET_SHUFFLES)
    for (; pairs >= 5; pairs -= 4, a += 24, b += 24, out += 12, first += 24, second += 24) {
        Words16 above, below;
        PREFETCH(first, 0);
        PREFETCH(second, 0);
        LOAD_PAIRS(a, above);
        LOAD_PAIRS(b, below);
        STORE_MEANS(((above & 255) + (above >> 8) + (below & 255) + (below >> 8) + 2) >> 2, out);
    }
#endif
    (void)first, (void)second;
    halve_boxes(a, b, pairs, 3, out);
}

/* As `halve_rgb` for one row. */
TARGET_CLONES
static void halve_rgb_row(const uint8_t *restrict row, Index pairs, uint8_t *restrict out) {
#if defined(MMNET_NEON)
    for (; pairs >= 8; pairs -= 8, row += 48, out += 24) {
        const uint8x16x3_t each = vld3q_u8(row);
        uint8x8x3_t means;
        for (int c = 0; c < 3; ++c) means.val[c] = vrshrn_n_u16(vpaddlq_u8(each.val[c]), 1);
        vst3_u8(out, means);
    }
#elif defined(MMNET_SHUFFLES)
    for (; pairs >= 5; pairs -= 4, row += 24, out += 12) {
        Words16 each;
        LOAD_PAIRS(row, each);
        STORE_MEANS(((each & 255) + (each >> 8) + 1) >> 1, out);
    }
#endif
    halve_boxes(row, row, pairs, 3, out);
}

TARGET_CLONES
static void halve_grey(const uint8_t *a, const uint8_t *b, Index pairs, uint8_t *out) {
    halve_boxes(a, b, pairs, 1, out);
}

TARGET_CLONES
static void halve_vertically(const uint8_t *restrict a, const uint8_t *restrict b, Index count, uint8_t *restrict out) {
    for (Index i = 0; i < count; ++i) out[i] = (uint8_t)((a[i] + b[i] + 1) >> 1);
}

/* Halve the rows `a` and `b` of `width` pixels, across, too, if asked for. An odd width repeats its last pixel. With
 * a = b, a box of 2 × 2 is the horizontal pair: (2 · (p + q) + 2) >> 2 = (p + q + 1) >> 1. */
static void halve(const uint8_t *a, const uint8_t *b, Index width, Index channels, int across,
                  const uint8_t *const *ahead, uint8_t *out) {
    if (!across) {
        halve_vertically(a, b, width * channels, out);
        return;
    }
    if (channels == 1)
        halve_grey(a, b, width / 2, out);
    else if (a == b)
        halve_rgb_row(a, width / 2, out);
    else
        halve_rgb(a, b, width / 2, ahead, out);
    if (width % 2)
        for (Index c = 0; c < channels; ++c) {
            const Index last = (width - 1) * channels + c;
            out[width / 2 * channels + c] = (uint8_t)((a[last] + b[last] + 1) >> 1);
        }
}

enum { ROWS_AHEAD = 4 };

/* Row `row` after `level` halvings. It stays where it is until two more rows of this level were computed; `slot` tells
 * which of the level's two rows of memory it takes. */
static const uint8_t *halved_row(Resampler *r, int level, Index row, int slot) {
    if (level == 0) return r->source + row * r->stride;
    const int vertical = level <= r->down, before = level - 1;
    const uint8_t *a = halved_row(r, before, vertical ? 2 * row : row, 0), *b = a;
    if (vertical && 2 * row + 1 < level_height(r, before)) b = halved_row(r, before, 2 * row + 1, 1);
    uint8_t *out = r->halved[slot][level];
    const uint8_t *ahead[2] = {a, b};
    if (level == 1 && vertical && 2 * row + ROWS_AHEAD + 1 < r->height)
        for (Index i = 0; i < 2; ++i) ahead[i] = r->source + (2 * row + ROWS_AHEAD + i) * r->stride;
    halve(a, b, level_width(r, before), r->channels, level <= r->across, ahead, out);
    return out;
}

/* Which of the two rows that are held is replaced by `row`, and note that; -1 - i if row i of them is this one. */
static int replaced_row(Resampler *r, Index row) {
    for (int i = 0; i < 2; ++i)
        if (r->held[i] == row) return -1 - i;
    const int oldest = r->held[0] > r->held[1];
    r->held[oldest] = row;
    return oldest;
}

/* A row of the halved grey image, interpolated along the row. */
static const int32_t *interpolated_row(Resampler *r, Index row) {
    const int oldest = replaced_row(r, row);
    if (oldest < 0) return r->lines[-1 - oldest];
    const uint8_t *restrict halved = halved_row(r, levels(r), row, 0);
    int32_t *restrict line = r->lines[oldest];
    for (Index x = 0; x < r->out_width; ++x)
        line[x] = halved[r->first[x]] * (ONE - r->fraction[x]) + halved[r->second[x]] * r->fraction[x];
    return line;
}

TARGET_CLONES
static void mix_lines(const int32_t *restrict above, const int32_t *restrict below, int32_t weight, Index count,
                      uint8_t *restrict out) {
    for (Index i = 0; i < count; ++i)
        out[i] = (uint8_t)((above[i] * (ONE - weight) + below[i] * weight + HALF) >> (2 * FRACTION_BITS));
}

/* A row of the halved RGB image. */
static const uint8_t *held_row(Resampler *r, Index row) {
    const int oldest = replaced_row(r, row);
    if (oldest < 0) return r->halved_rows[-1 - oldest];
    return r->halved_rows[oldest] = halved_row(r, levels(r), row, oldest);
}

/* Interpolate between two rows. What rounds the result half up is added here, where there are fewer numbers. */
TARGET_CLONES
static void mix_rows(const uint8_t *restrict above, const uint8_t *restrict below, int32_t weight, Index count,
                     int32_t *restrict mixed) {
    for (Index i = 0; i < count; ++i) mixed[i] = above[i] * (ONE - weight) + below[i] * weight + HALF / ONE;
}

/* Interpolate `mixed` along the row. Where a pixel has no second one beside it, that has no weight. */
TARGET_CLONES
static void interpolate_rgb(const int32_t *restrict mixed, const int32_t *restrict first,
                            const int32_t *restrict fraction, Index width, uint8_t *restrict out) {
    Index x = 0;
#if defined(MMNET_SHUFFLES)
#define TWO_PIXELS(pixels, at)                                                                 \
    do {                                                                                       \
        Ints4 one, two, beside_one, beside_two;                                                \
        Ints8 weights;                                                                         \
        copy_bytes(&one, mixed + first[at], sizeof one);                                       \
        copy_bytes(&two, mixed + first[(at) + 1], sizeof two);                                 \
        copy_bytes(&beside_one, mixed + first[at] + 3, sizeof beside_one);                     \
        copy_bytes(&beside_two, mixed + first[(at) + 1] + 3, sizeof beside_two);               \
        copy_bytes(&weights, fraction + 4 * (at), sizeof weights);                             \
        const Ints8 ones = JOIN_FOURS(one, two), others = JOIN_FOURS(beside_one, beside_two);  \
        pixels = ((ones << FRACTION_BITS) + (others - ones) * weights) >> (2 * FRACTION_BITS); \
    } while (0)
    for (; x + 6 <= width; x += 4, out += 12) { /* four pixels, and four bytes that the next ones overwrite */
        Ints8 left, right;
        TWO_PIXELS(left, x);
        TWO_PIXELS(right, x + 2);
        Bytes16 bytes;
        PACK_BYTES(left, right, bytes);
        bytes = __builtin_shufflevector(bytes, bytes, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 0, 0, 0, 0);
        copy_bytes(out, &bytes, sizeof bytes);
    }
#undef TWO_PIXELS
#endif
    for (; x < width; ++x)
        for (Index c = 0; c < 3; ++c, ++out) {
            const int32_t one = mixed[first[x] + c], other = mixed[first[x] + 3 + c];
            *out = (uint8_t)((one * ONE + (other - one) * fraction[4 * x]) >> (2 * FRACTION_BITS));
        }
}

/* Compute rows where every target pixel lies on a halved one. */
static void copy_rows(Resampler *r, uint8_t *out, Index out_stride, Index begin, Index end) {
    for (Index y = begin; y < end; ++y)
        copy_bytes(out + y * out_stride, halved_row(r, levels(r), y, 0), (size_t)(r->out_width * r->channels));
}

/* Compute the rows `begin` to `end` - 1. */
static void run_rows(Resampler *r, const uint8_t *source, Index stride, uint8_t *out, Index out_stride, Index begin,
                     Index end) {
    r->source = source, r->stride = stride;
    r->held[0] = r->held[1] = -1;
    if (r->height == r->out_height << r->down && r->width == r->out_width << r->across) {
        copy_rows(r, out, out_stride, begin, end);
        return;
    }
    const Index last_column = level_width(r, r->across) - 1, last_row = level_height(r, r->down) - 1;
    for (Index x = 0; x < r->out_width; ++x) {
        const Index position = position_of(x, r->width, r->out_width, r->across), first = position / ONE;
        r->first[x] = (int32_t)(first * r->channels);
        r->second[x] = (int32_t)(min_index(first + 1, last_column) * r->channels);
        const int32_t fraction = (int32_t)(position % ONE);
        if (r->channels == 3) /* a pixel is computed as four numbers */
            for (Index c = 0; c < 4; ++c) r->fraction[4 * x + c] = fraction;
        else
            r->fraction[x] = fraction;
    }
    const Index count = 3 * (last_column + 1);
    if (r->channels == 3) set_bytes(r->lines[0] + count, 0, BESIDE * sizeof(int32_t));
    for (Index y = begin; y < end; ++y) {
        const Index position = position_of(y, r->height, r->out_height, r->down), first = position / ONE;
        const Index second = min_index(first + 1, last_row);
        const int32_t weight = (int32_t)(position % ONE);
        uint8_t *row = out + y * out_stride;
        if (r->channels == 3) {
            const uint8_t *above = held_row(r, first);
            mix_rows(above, held_row(r, second), weight, count, r->lines[0]);
            interpolate_rgb(r->lines[0], r->first, r->fraction, r->out_width, row);
        } else {
            const int32_t *above = interpolated_row(r, first);
            mix_lines(above, interpolated_row(r, second), weight, r->out_width, row);
        }
    }
}

void mmnet_run_resampler(Resampler *r, const uint8_t *source, Index stride, uint8_t *out, Index out_stride) {
    run_rows(r, source, stride, out, out_stride, 0, r->out_height);
}

size_t mmnet_kernel_resample_arena(Index height, Index width, Index channels, Index out_height, Index out_width) {
    Resampler resampler = {height, width, channels, out_height, out_width, 0};
    Arena arena = counting_arena();
    mmnet_take_resampler(&resampler, &arena);
    return counted(&arena);
}

int mmnet_kernel_resample(const uint8_t *source, Index stride, Index height, Index width, Index channels,
                          Index out_height, Index out_width, uint8_t *out, void *memory, size_t size, Index first,
                          Index end) {
    Resampler resampler = {height, width, channels, out_height, out_width, 0};
    Arena arena = open_arena(memory, size);
    mmnet_take_resampler(&resampler, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    run_rows(&resampler, source, stride, out, out_width * channels, first, end);
    return MMNET_OK;
}

static int is_resampling(int32_t height, int32_t width, int32_t channels, int32_t out_height, int32_t out_width) {
    return is_image(height, width) && is_image(out_height, out_width) && (channels == 1 || channels == 3);
}

size_t mmnet_resample_arena(int32_t height, int32_t width, int32_t channels, int32_t out_height, int32_t out_width) {
    Resampler resampler = {height, width, channels, out_height, out_width, 0};
    Arena arena = counting_arena();
    if (!is_resampling(height, width, channels, out_height, out_width)) return 0;
    mmnet_take_resampler(&resampler, &arena);
    return counted(&arena);
}

int mmnet_resample(const uint8_t *source, size_t stride, int32_t height, int32_t width, int32_t channels, uint8_t *out,
                   size_t out_stride, int32_t out_height, int32_t out_width, void *memory, size_t arena_size) {
    Resampler resampler = {height, width, channels, out_height, out_width, 0};
    const size_t most = 4 * (size_t)MMNET_MAX_SIDE;
    if (!source || !out || !memory) return MMNET_BAD_VALUE;
    if (!is_resampling(height, width, channels, out_height, out_width)) return MMNET_BAD_SIZE;
    if (stride > most || out_stride > most) return MMNET_BAD_SIZE;
    if (stride < (size_t)width * (size_t)channels || out_stride < (size_t)out_width * (size_t)channels)
        return MMNET_BAD_SIZE;
    Arena arena = open_arena(memory, arena_size);
    mmnet_take_resampler(&resampler, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_run_resampler(&resampler, source, (Index)stride, out, (Index)out_stride);
    return MMNET_OK;
}
