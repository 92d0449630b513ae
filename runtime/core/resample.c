/* Scaling: see resample.h. Rows are computed when they are asked for, so that a photo is never copied. */
#include "resample.h"

#include "kernels.h"

enum { FRACTION_BITS = 11, ONE = 1 << FRACTION_BITS };

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
    for (int i = 0; i < 2; ++i) r->lines[i] = TAKE(arena, r->out_width * r->channels, int32_t);
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

enum { BLOCK = 64 }; /* pixels of a halved row that are computed in planes at a time */

/* As `halve_boxes` for BLOCK pixels of three channels. Compilers vectorise it one plane at a time. */
INLINE void halve_block(const uint8_t *restrict a, const uint8_t *restrict b, uint8_t *restrict out) {
    uint16_t sums[3][2 * BLOCK];
    uint8_t halved[3][BLOCK];
    for (Index i = 0; i < 2 * BLOCK; ++i) {
        sums[0][i] = (uint16_t)(a[3 * i] + b[3 * i]);
        sums[1][i] = (uint16_t)(a[3 * i + 1] + b[3 * i + 1]);
        sums[2][i] = (uint16_t)(a[3 * i + 2] + b[3 * i + 2]);
    }
    for (Index c = 0; c < 3; ++c)
        for (Index i = 0; i < BLOCK; ++i)
            halved[c][i] = (uint8_t)((uint16_t)(sums[c][2 * i] + sums[c][2 * i + 1] + 2) >> 2);
    for (Index i = 0; i < BLOCK; ++i) {
        out[3 * i] = halved[0][i];
        out[3 * i + 1] = halved[1][i];
        out[3 * i + 2] = halved[2][i];
    }
}

TARGET_CLONES
static void halve_rgb(const uint8_t *a, const uint8_t *b, Index pairs, uint8_t *out) {
    for (; pairs >= BLOCK; pairs -= BLOCK, a += 6 * BLOCK, b += 6 * BLOCK, out += 3 * BLOCK) halve_block(a, b, out);
    halve_boxes(a, b, pairs, 3, out);
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

INLINE void interpolate_pixels(const Resampler *r, const uint8_t *restrict row, Index channels,
                               int32_t *restrict line) {
    for (Index x = 0; x < r->out_width; ++x) {
        const int32_t weight = r->fraction[x];
        const uint8_t *first = row + r->first[x], *second = row + r->second[x];
        for (Index c = 0; c < channels; ++c)
            line[x * channels + c] = first[c] * (ONE - weight) + second[c] * weight;
    }
}

/* A row of the halved image, interpolated along the row. The two latest ones are kept. */
static const int32_t *interpolated_row(Resampler *r, Index row) {
    for (int i = 0; i < 2; ++i)
        if (r->held[i] == row) return r->lines[i];
    const int oldest = r->held[0] > r->held[1];
    const uint8_t *halved = halved_row(r, levels(r), row, 0);
    r->held[oldest] = row;
    if (r->channels == 3)
        interpolate_pixels(r, halved, 3, r->lines[oldest]);
    else
        interpolate_pixels(r, halved, 1, r->lines[oldest]);
    return r->lines[oldest];
}

TARGET_CLONES
static void mix_rows(const int32_t *restrict above, const int32_t *restrict below, int32_t weight, Index count,
                     uint8_t *restrict out) {
    for (Index i = 0; i < count; ++i)
        out[i] = (uint8_t)((above[i] * (ONE - weight) + below[i] * weight + (1 << (2 * FRACTION_BITS - 1))) >>
                           (2 * FRACTION_BITS));
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
    for (Index y = begin; y < end; ++y) {
        const Index position = position_of(y, r->height, r->out_height, r->down), first = position / ONE;
        const int32_t *above = interpolated_row(r, first);
        const int32_t *below = interpolated_row(r, min_index(first + 1, last_row));
        mix_rows(above, below, (int32_t)(position % ONE), r->out_width * r->channels, out + y * out_stride);
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
