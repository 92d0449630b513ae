/* Temporal smoothing of the model's alphas (preprocessing.md, section 10). */
#include "motion.h"
#include "resample.h"

enum {
    HEAD = 64, /* bytes of a state before its arrays; the first says whether there is a frame before */
    BOX = 5,   /* side of the box over which the residual is summed, in pixels of the grey frame */
    RESIDUAL_ONE = SUBPIXELS * BOX * BOX, /* a residual of one grey level */
    CUT = 12 * RESIDUAL_ONE,
    ONE = 256, /* the weight 1 */
    POSITION_BITS = 6,
    POSITION_ONE = 1 << POSITION_BITS,
    WORD = 65535,
};

/* The weights of four neighbours for a place k/16 behind the second of them, in 1/128: cubic convolution. */
static const int16_t CUBIC[SUBPIXELS][4] = {
    {0, 128, 0, 0}, {-5, 127, 7, -1}, {-9, 124, 15, -2}, {-12, 119, 24, -3},
    {-13, 113, 34, -6}, {-14, 105, 44, -7}, {-14, 96, 55, -9}, {-13, 86, 65, -10},
    {-12, 76, 76, -12}, {-10, 65, 86, -13}, {-9, 55, 96, -14}, {-7, 44, 105, -14},
    {-6, 34, 113, -13}, {-3, 24, 119, -12}, {-2, 15, 124, -9}, {-1, 7, 127, -5},
};

/* Where the pixels along a side lie between `from` values, in 1/64. */
typedef struct {
    Index from, to;
    int32_t *first, *fraction;
} Enlargement;

typedef struct {
    Index size;
    Resampler grey, blocks;
    Level levels[LEVELS];
    Enlargement motion_to_grey, motion_to_model, weight_to_model;
    uint8_t *luma, *frame;            /* [size, size] and [GREY_SIDE, GREY_SIDE] */
    uint8_t *alpha, *person;          /* [size, size] and [BLOCKS, BLOCKS] */
    uint16_t *words, *earlier;        /* [size, size]: the new alpha, and the smoothed one before */
    int32_t *change, *weight, *columns; /* [GREY_SIDE, GREY_SIDE] */
    int32_t *right, *down, *row_weight; /* [size] */
} Smoothing;

static void take_enlargement(Enlargement *taps, Index from, Index to, Arena *arena) {
    taps->from = from;
    taps->to = to;
    taps->first = TAKE(arena, to, int32_t);
    taps->fraction = TAKE(arena, to, int32_t);
}

static void take_smoothing(int32_t size, Arena *arena, Smoothing *smoothing) {
    const Index pixels = (Index)size * size;
    smoothing->size = size;
    smoothing->grey = (Resampler){size, size, 1, GREY_SIDE, GREY_SIDE, 0};
    smoothing->blocks = (Resampler){size, size, 1, BLOCKS, BLOCKS, 0};
    mmnet_take_resampler(&smoothing->grey, arena);
    mmnet_take_resampler(&smoothing->blocks, arena);
    mmnet_take_levels(smoothing->levels, arena);
    take_enlargement(&smoothing->motion_to_grey, BLOCKS, GREY_SIDE, arena);
    take_enlargement(&smoothing->motion_to_model, BLOCKS, size, arena);
    take_enlargement(&smoothing->weight_to_model, GREY_SIDE, size, arena);
    smoothing->luma = TAKE(arena, pixels, uint8_t);
    smoothing->frame = TAKE(arena, GREY_PIXELS, uint8_t);
    smoothing->alpha = TAKE(arena, pixels, uint8_t);
    smoothing->person = TAKE(arena, BLOCKS * BLOCKS, uint8_t);
    smoothing->words = TAKE(arena, pixels, uint16_t);
    smoothing->earlier = TAKE(arena, pixels, uint16_t);
    smoothing->change = TAKE(arena, GREY_PIXELS, int32_t);
    smoothing->weight = TAKE(arena, GREY_PIXELS, int32_t);
    smoothing->columns = TAKE(arena, GREY_PIXELS, int32_t);
    smoothing->right = TAKE(arena, size, int32_t);
    smoothing->down = TAKE(arena, size, int32_t);
    smoothing->row_weight = TAKE(arena, size, int32_t);
}

static int is_model_side(int32_t size) { return size >= 1 && size <= MMNET_MAX_MODEL_SIDE; }

size_t mmnet_smooth_state(int32_t size) {
    return is_model_side(size) ? HEAD + GREY_PIXELS + 2 * (size_t)size * (size_t)size : 0;
}

size_t mmnet_smooth_arena(int32_t size) {
    Arena arena = counting_arena();
    Smoothing smoothing;
    if (!is_model_side(size)) return 0;
    take_smoothing(size, &arena, &smoothing);
    return counted(&arena);
}

static int32_t position(Index from, Index to, Index at) {
    const Index place = (2 * at + 1) * from * POSITION_ONE / (2 * to) - POSITION_ONE / 2;
    return (int32_t)min_index(max_index(place, 0), (from - 1) * POSITION_ONE);
}

static void set_positions(const Enlargement *taps) {
    for (Index i = 0; i < taps->to; ++i) {
        const int32_t place = position(taps->from, taps->to, i);
        taps->first[i] = place >> POSITION_BITS;
        taps->fraction[i] = place & (POSITION_ONE - 1);
    }
}

/* One row of [from, from] values that are enlarged to [to, to]. */
static void enlarge_row(const Enlargement *taps, const int32_t *values, Index row, int32_t *out) {
    int32_t line[GREY_SIDE + 1];
    const int32_t place = position(taps->from, taps->to, row), weight = place & (POSITION_ONE - 1);
    const int32_t *first = values + (place >> POSITION_BITS) * taps->from;
    const int32_t *second = weight ? first + taps->from : first; /* the last row has no next one */
    for (Index x = 0; x < taps->from; ++x) line[x] = first[x] * (POSITION_ONE - weight) + second[x] * weight;
    line[taps->from] = 0; /* the same along the row */
    for (Index x = 0; x < taps->to; ++x) {
        const int32_t *pair = line + taps->first[x], across = taps->fraction[x];
        out[x] = (pair[0] * (POSITION_ONE - across) + pair[1] * across + 2048) >> (2 * POSITION_BITS);
    }
}

static int32_t clamp(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

/* The difference between the frame and the frame before that is moved: 1/16 grey level. `outside` becomes ONE where the
 * motion comes from outside of the frame, and 0 elsewhere. */
static void compare_frames(const Smoothing *smoothing, const uint8_t *before, const Motion *motion,
                           int32_t *difference, int32_t *outside) {
    enum { LAST = SUBPIXELS * (GREY_SIDE - 1), HALF = SUBPIXELS / 2 };
    int32_t right[GREY_SIDE], down[GREY_SIDE];
    for (int32_t y = 0; y < GREY_SIDE; ++y) {
        enlarge_row(&smoothing->motion_to_grey, motion->x, y, right);
        enlarge_row(&smoothing->motion_to_grey, motion->y, y, down);
        for (int32_t x = 0; x < GREY_SIDE; ++x) {
            int32_t from_x = SUBPIXELS * x + right[x], from_y = SUBPIXELS * y + down[x];
            const int is_outside = from_x < -HALF || from_y < -HALF || from_x > LAST + HALF || from_y > LAST + HALF;
            from_x = clamp(from_x, 0, LAST), from_y = clamp(from_y, 0, LAST);
            const int32_t fx = from_x & 15, fy = from_y & 15;
            const uint8_t *first = before + (from_y >> 4) * GREY_SIDE + (from_x >> 4);
            const Index next = fx ? 1 : 0, below = fy ? GREY_SIDE : 0;
            const int32_t above = first[0] * (SUBPIXELS - fx) + first[next] * fx;
            const int32_t under = first[below] * (SUBPIXELS - fx) + first[below + next] * fx;
            const int32_t moved = (above * (SUBPIXELS - fy) + under * fy) >> 4;
            difference[y * GREY_SIDE + x] = SUBPIXELS * smoothing->frame[y * GREY_SIDE + x] - moved;
            outside[y * GREY_SIDE + x] = is_outside ? ONE : 0;
        }
    }
}

/* Replace values by their sums over boxes of BOX × BOX; beyond an edge, the edge is repeated. */
static void sum_boxes(int32_t *values, int32_t *columns) {
    for (Index y = 0; y < GREY_SIDE; ++y)
        for (Index x = 0; x < GREY_SIDE; ++x) {
            int32_t sum = 0;
            for (Index i = y - BOX / 2; i <= y + BOX / 2; ++i)
                sum += values[min_index(max_index(i, 0), GREY_SIDE - 1) * GREY_SIDE + x];
            columns[y * GREY_SIDE + x] = sum;
        }
    for (Index y = 0; y < GREY_SIDE; ++y)
        for (Index x = 0; x < GREY_SIDE; ++x) {
            int32_t sum = 0;
            for (Index i = x - BOX / 2; i <= x + BOX / 2; ++i)
                sum += columns[y * GREY_SIDE + min_index(max_index(i, 0), GREY_SIDE - 1)];
            values[y * GREY_SIDE + x] = sum;
        }
}

/* Compute the weight of the new alpha, 0 … ONE, at the size of the grey frame. Return whether both frames are of one
 * scene. */
static int weigh(const Smoothing *smoothing, const uint8_t *before, const Motion *motion, int32_t least,
                 int32_t tolerance) {
    int32_t *residual = smoothing->change, *weight = smoothing->weight;
    compare_frames(smoothing, before, motion, residual, weight);
    const int32_t brighter = mmnet_median(residual);
    for (Index i = 0; i < GREY_PIXELS; ++i) {
        const int32_t value = residual[i] - brighter;
        residual[i] = value < 0 ? -value : value;
    }
    sum_boxes(residual, smoothing->columns);
    const int32_t noise = mmnet_median(residual);
    if (noise > CUT) return 0;
    for (Index i = 0; i < GREY_PIXELS; ++i) {
        const int32_t value = least + divide_down((residual[i] - noise) * (ONE - least), tolerance);
        weight[i] = weight[i] ? ONE : clamp(value, least, ONE);
    }
    return 1;
}

/* The smoothed alpha before at a place in 1/16 pixel, with cubic interpolation. */
static int32_t earlier_at(const uint16_t *earlier, int32_t size, int32_t x, int32_t y) {
    const int16_t *across = CUBIC[x & 15], *along = CUBIC[y & 15];
    int32_t sum = 8192, columns[4];
    for (int32_t i = 0; i < 4; ++i) columns[i] = clamp((x >> 4) - 1 + i, 0, size - 1);
    for (int32_t i = 0; i < 4; ++i) {
        const uint16_t *row = earlier + (Index)clamp((y >> 4) - 1 + i, 0, size - 1) * size;
        sum += along[i] * (across[0] * row[columns[0]] + across[1] * row[columns[1]] + across[2] * row[columns[2]] +
                           across[3] * row[columns[3]]);
    }
    return clamp(sum >> 14, 0, WORD);
}

/* Replace the new alpha by its mean with the smoothed alpha before. */
static void blend(const Smoothing *smoothing, const Motion *motion) {
    const int32_t size = (int32_t)smoothing->size;
    for (int32_t y = 0; y < size; ++y) {
        uint16_t *alpha = smoothing->words + (Index)y * size;
        enlarge_row(&smoothing->motion_to_model, motion->x, y, smoothing->right);
        enlarge_row(&smoothing->motion_to_model, motion->y, y, smoothing->down);
        enlarge_row(&smoothing->weight_to_model, smoothing->weight, y, smoothing->row_weight);
        for (int32_t x = 0; x < size; ++x) {
            const int32_t from_x = SUBPIXELS * x + ((smoothing->right[x] * size) >> 7);
            const int32_t from_y = SUBPIXELS * y + ((smoothing->down[x] * size) >> 7);
            const int32_t earlier = earlier_at(smoothing->earlier, size, from_x, from_y);
            alpha[x] = (uint16_t)(earlier + ((smoothing->row_weight[x] * (alpha[x] - earlier) + ONE / 2) >> 8));
        }
    }
}

/* Smooth `words` with the frame before, in `state`. */
static void smooth_with(const uint8_t *state, int32_t least, int32_t tolerance, Smoothing *smoothing) {
    const Index pixels = smoothing->size * smoothing->size;
    const uint8_t *before = state + HEAD;
    int32_t person[BLOCKS * BLOCKS];
    Motion motion;
    copy_bytes(smoothing->earlier, before + GREY_PIXELS, 2 * (size_t)pixels);
    set_positions(&smoothing->motion_to_grey);
    set_positions(&smoothing->motion_to_model);
    set_positions(&smoothing->weight_to_model);
    mmnet_find_motion(smoothing->frame, before, smoothing->levels, smoothing->change, &motion);
    for (Index i = 0; i < pixels; ++i) smoothing->alpha[i] = (uint8_t)((smoothing->words[i] + 128) / 257);
    mmnet_run_resampler(&smoothing->blocks, smoothing->alpha, smoothing->size, smoothing->person, BLOCKS);
    for (Index i = 0; i < BLOCKS * BLOCKS; ++i)
        person[i] = smoothing->person[i] * smoothing->person[i] / 16 + 1;
    mmnet_average_motion(person, &motion);
    if (weigh(smoothing, before, &motion, least, tolerance)) blend(smoothing, &motion);
}

/* Open the arena and compute the grey frame; the alpha is still to be set. */
static int begin(const void *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least,
                 int32_t tolerance, const void *alpha, void *memory, size_t arena_size, Smoothing *smoothing) {
    if (!state || !input || !alpha || !memory || least < 1 || least > ONE || tolerance < 1) return MMNET_BAD_VALUE;
    if (!is_model_side(size) || state_size < mmnet_smooth_state(size)) return MMNET_BAD_SIZE;
    Arena arena = open_arena(memory, arena_size);
    take_smoothing(size, &arena, smoothing);
    if (arena.failed) return MMNET_SMALL_ARENA;
    for (Index i = 0; i < (Index)size * size; ++i, input += 3)
        smoothing->luma[i] = (uint8_t)((77 * input[0] + 150 * input[1] + 29 * input[2] + 128) >> 8);
    mmnet_run_resampler(&smoothing->grey, smoothing->luma, size, smoothing->frame, GREY_SIDE);
    return MMNET_OK;
}

/* Smooth the alpha, and keep it and the frame. */
static void finish(uint8_t *state, int32_t least, int32_t tolerance, Smoothing *smoothing) {
    if (*state) smooth_with(state, least, tolerance, smoothing);
    *state = 1;
    copy_bytes(state + HEAD, smoothing->frame, GREY_PIXELS);
    copy_bytes(state + HEAD + GREY_PIXELS, smoothing->words, 2 * (size_t)smoothing->size * (size_t)smoothing->size);
}

int mmnet_smooth(void *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least, int32_t tolerance,
                 uint8_t *alpha, void *memory, size_t arena_size) {
    Smoothing smoothing;
    const int status = begin(state, state_size, input, size, least, tolerance, alpha, memory, arena_size, &smoothing);
    if (status != MMNET_OK) return status;
    const Index pixels = (Index)size * size;
    for (Index i = 0; i < pixels; ++i) smoothing.words[i] = (uint16_t)(257 * alpha[i]);
    finish(state, least, tolerance, &smoothing);
    for (Index i = 0; i < pixels; ++i) alpha[i] = (uint8_t)((smoothing.words[i] + 128) / 257);
    return MMNET_OK;
}

int mmnet_smooth_words(void *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least,
                       int32_t tolerance, uint16_t *alpha, void *memory, size_t arena_size) {
    Smoothing smoothing;
    const int status = begin(state, state_size, input, size, least, tolerance, alpha, memory, arena_size, &smoothing);
    if (status != MMNET_OK) return status;
    const size_t bytes = 2 * (size_t)size * (size_t)size;
    copy_bytes(smoothing.words, alpha, bytes);
    finish(state, least, tolerance, &smoothing);
    copy_bytes(alpha, smoothing.words, bytes);
    return MMNET_OK;
}
