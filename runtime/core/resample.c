/* Scaling: see resample.h. Rows are computed when they are asked for, so that a photo is never copied. */
#include "resample.h"

#include "kernels.h"

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
    r->fraction = TAKE(arena, r->out_width, int32_t);
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

#if defined(MMNET_SHUFFLES)
typedef uint8_t Bytes16 __attribute__((vector_size(16)));
typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef uint16_t Words16 __attribute__((vector_size(32)));

/* Four pixels, 12 bytes, as pairs of bytes to be added, and the next four in the upper half. 28 bytes are read. */
#define LOAD_PAIRS(source, pairs)                                                                                      \
    do {                                                                                                               \
        Bytes16 lower, upper;                                                                                          \
        copy_bytes(&lower, source, 16);                                                                                \
        copy_bytes(&upper, (source) + 12, 16);                                                                         \
        const Bytes32 both = __builtin_shufflevector(lower, upper, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,   \
                                                     15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,   \
                                                     31);                                                              \
        pairs = (Words16)__builtin_shufflevector(both, both, 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, 0, 0, 0, 0, 16, 19, \
                                                 17, 20, 18, 21, 22, 25, 23, 26, 24, 27, 16, 16, 16, 16);              \
    } while (0)

/* Write four pixels, and two bytes beyond: six numbers in the lower half, six in the upper one. */
#define STORE_MEANS(means, out)                                                                                        \
    do {                                                                                                               \
        const Bytes32 wide = (Bytes32)(means);                                                                         \
        const Bytes32 bytes = __builtin_shufflevector(wide, wide, 0, 2, 4, 6, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, \
                                                      18, 20, 22, 24, 26, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16);     \
        const Bytes16 upper = __builtin_shufflevector(bytes, bytes, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,    \
                                                      28, 29, 30, 31);                                                 \
        copy_bytes(out, &bytes, 8);                                                                                    \
        copy_bytes((out) + 6, &upper, 8);                                                                              \
    } while (0)
#endif

/* Four pixels of the result at a time; compilers do not find these shuffles. */
TARGET_CLONES
static void halve_rgb(const uint8_t *restrict a, const uint8_t *restrict b, Index pairs, uint8_t *restrict out) {
#if defined(MMNET_SHUFFLES)
    for (; pairs >= 5; pairs -= 4, a += 24, b += 24, out += 12) {
        Words16 above, below;
        LOAD_PAIRS(a, above);
        LOAD_PAIRS(b, below);
        STORE_MEANS(((above & 255) + (above >> 8) + (below & 255) + (below >> 8) + 2) >> 2, out);
    }
#endif
    halve_boxes(a, b, pairs, 3, out);
}

/* As `halve_rgb` for one row. */
TARGET_CLONES
static void halve_rgb_row(const uint8_t *restrict row, Index pairs, uint8_t *restrict out) {
#if defined(MMNET_SHUFFLES)
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
static void halve(const uint8_t *a, const uint8_t *b, Index width, Index channels, int across, uint8_t *out) {
    if (!across) {
        halve_vertically(a, b, width * channels, out);
        return;
    }
    if (channels == 3 && a == b)
        halve_rgb_row(a, width / 2, out);
    else
        (channels == 3 ? halve_rgb : halve_grey)(a, b, width / 2, out);
    if (width % 2)
        for (Index c = 0; c < channels; ++c) {
            const Index last = (width - 1) * channels + c;
            out[width / 2 * channels + c] = (uint8_t)((a[last] + b[last] + 1) >> 1);
        }
}

/* Row `row` after `level` halvings. It stays where it is until two more rows of this level were computed; `slot` tells
 * which of the level's two rows of memory it takes. */
static const uint8_t *halved_row(Resampler *r, int level, Index row, int slot) {
    if (level == 0) return r->source + row * r->stride;
    const int vertical = level <= r->down, before = level - 1;
    const uint8_t *a = halved_row(r, before, vertical ? 2 * row : row, 0), *b = a;
    if (vertical && 2 * row + 1 < level_height(r, before)) b = halved_row(r, before, 2 * row + 1, 1);
    uint8_t *out = r->halved[slot][level];
    halve(a, b, level_width(r, before), r->channels, level <= r->across, out);
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

TARGET_CLONES
static void mix_rows(const uint8_t *restrict above, const uint8_t *restrict below, int32_t weight, Index count,
                     int32_t *restrict mixed) {
    for (Index i = 0; i < count; ++i) mixed[i] = above[i] * (ONE - weight) + below[i] * weight;
}

/* Interpolate between two pixels, each in four numbers, of which the last has no meaning. */
INLINE void interpolate_pixel(const int32_t *first, int32_t weight, int32_t *out) {
#if defined(__GNUC__)
    typedef int32_t Four __attribute__((vector_size(16)));
    Four one, other;
    copy_bytes(&one, first, sizeof one);
    copy_bytes(&other, first + 3, sizeof other);
    one = (one * ONE + (other - one) * weight + HALF) >> (2 * FRACTION_BITS);
    copy_bytes(out, &one, sizeof one);
#else
    for (int c = 0; c < 4; ++c)
        out[c] = (first[c] * ONE + (first[c + 3] - first[c]) * weight + HALF) >> (2 * FRACTION_BITS);
#endif
}

enum { BLOCK = 64 }; /* pixels that are interpolated at a time */

/* Interpolate `mixed` along the row. Where a pixel has no second one beside it, that has no weight. */
TARGET_CLONES
static void interpolate_rgb(const Resampler *r, const int32_t *restrict mixed, uint8_t *restrict out) {
    int32_t pixels[4 * BLOCK];
    uint8_t bytes[4 * BLOCK];
    for (Index left = 0, count; left < r->out_width; left += count) {
        count = min_index(BLOCK, r->out_width - left);
        for (Index x = 0; x < count; ++x)
            interpolate_pixel(mixed + r->first[left + x], r->fraction[left + x], pixels + 4 * x);
        for (Index i = 0; i < 4 * count; ++i) bytes[i] = (uint8_t)pixels[i];
        uint8_t *to = out + 3 * left;
        for (Index x = 0; x < count - 1; ++x) copy_bytes(to + 3 * x, bytes + 4 * x, 4); /* the next overwrites one */
        copy_bytes(to + 3 * (count - 1), bytes + 4 * (count - 1), 3);
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
        r->fraction[x] = (int32_t)(position % ONE);
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
            interpolate_rgb(r, r->lines[0], row);
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
