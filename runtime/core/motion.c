/* The motion between two frames: see motion.h. */
#include "motion.h"

enum {
    WINDOW = 16, /* pixels per side that are compared for a block */
    MARGIN = (WINDOW - BLOCK) / 2,
    EDGE = 24,          /* pixels that are repeated beyond an edge: no motion and window reach further */
    RANGE = 3,          /* pixels of the smallest frames that are searched in every direction */
    PENALTY = 8,        /* sum of differences that a pixel further away must save */
    STILL_PARTS = 3,    /* a motion must make the difference smaller than 3/4 of what it is without motion */
    SAMPLES = GREY_SIDE / 4,
};

/* A block that is searched: its window in the frame, and the same place in the frame before. */
typedef struct {
    const int16_t *frame, *before;
    Index stride;
} Window;

typedef struct {
    int32_t x, y, cost;
} Candidate;

static Index framed_side(Index side) { return side + 2 * EDGE; }

void mmnet_take_levels(Level *levels, Arena *arena) {
    for (Index i = 0; i < LEVELS; ++i) {
        const Index side = GREY_SIDE >> i, framed = framed_side(side);
        levels[i].side = side;
        levels[i].frame = TAKE(arena, side * side, int16_t);
        levels[i].before = TAKE(arena, side * side, int16_t);
        levels[i].framed_frame = TAKE(arena, framed * framed, int16_t);
        levels[i].framed_before = TAKE(arena, framed * framed, int16_t);
    }
}

int32_t mmnet_median(const int32_t *values) {
    int32_t samples[SAMPLES * SAMPLES], low = INT32_MAX, high = INT32_MIN;
    for (Index y = 0; y < SAMPLES; ++y)
        for (Index x = 0; x < SAMPLES; ++x) {
            const int32_t value = values[4 * (y * GREY_SIDE + x)];
            samples[y * SAMPLES + x] = value;
            low = value < low ? value : low;
            high = value > high ? value : high;
        }
    while (low < high) { /* the median is in low … high */
        const int32_t middle = low + (high - low) / 2;
        int32_t count = 0;
        for (Index i = 0; i < SAMPLES * SAMPLES; ++i) count += samples[i] <= middle;
        if (2 * count >= SAMPLES * SAMPLES)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void halve(const int16_t *source, Index side, int16_t *out) {
    for (Index y = 0; y < side; y += 2)
        for (Index x = 0; x < side; x += 2) {
            const int16_t *box = source + y * side + x;
            out[y / 2 * (side / 2) + x / 2] = (int16_t)((box[0] + box[1] + box[side] + box[side + 1] + 2) >> 2);
        }
}

static void repeat_edges(const int16_t *source, Index side, int16_t *out) {
    const Index framed = framed_side(side);
    for (Index y = 0; y < framed; ++y) {
        const int16_t *row = source + min_index(max_index(y - EDGE, 0), side - 1) * side;
        for (Index x = 0; x < framed; ++x) out[y * framed + x] = row[min_index(max_index(x - EDGE, 0), side - 1)];
    }
}

/* The sum of the differences between a window and the one that is a whole number of pixels away. */
TARGET_CLONES
static int32_t difference(const int16_t *frame, const int16_t *before, Index stride) {
    int32_t sum = 0;
    for (Index y = 0; y < WINDOW; ++y, frame += stride, before += stride)
        for (Index x = 0; x < WINDOW; ++x) {
            const int32_t value = frame[x] - before[x];
            sum += value < 0 ? -value : value;
        }
    return sum;
}

/* The same for a window that also is `right` / 16 and `down` / 16 pixels away. */
TARGET_CLONES
static int32_t difference_between(const int16_t *frame, const int16_t *before, Index stride, int32_t right,
                                  int32_t down) {
    int32_t sum = 0;
    for (Index y = 0; y < WINDOW; ++y, frame += stride, before += stride) {
        const int16_t *below = before + stride;
        for (Index x = 0; x < WINDOW; ++x) {
            const int32_t first = before[x] * (SUBPIXELS - right) + before[x + 1] * right;
            const int32_t second = below[x] * (SUBPIXELS - right) + below[x + 1] * right;
            const int32_t value = frame[x] - ((first * (SUBPIXELS - down) + second * down + 128) >> 8);
            sum += value < 0 ? -value : value;
        }
    }
    return sum;
}

static void try_motion(const Window *window, int32_t x, int32_t y, int32_t penalty, Candidate *best) {
    const int32_t cost = difference(window->frame, window->before + y * window->stride + x, window->stride) + penalty;
    if (cost < best->cost) *best = (Candidate){x, y, cost};
}

static void search_around(const Window *window, int32_t range, Candidate *best) {
    const Candidate centre = *best;
    for (int32_t y = -range; y <= range; ++y)
        for (int32_t x = -range; x <= range; ++x) {
            const int32_t far_x = x < 0 ? -x : x, far_y = y < 0 ? -y : y, far = far_x > far_y ? far_x : far_y;
            if (far) try_motion(window, centre.x + x, centre.y + y, PENALTY * far, best);
        }
}

/* Search the motion of a block, in whole pixels. `coarse` is that of half as many blocks, in pixels twice as large;
 * NULL for the smallest frames. */
static Candidate search(const Window *window, Index row, Index column, const Motion *coarse, Index coarse_blocks) {
    static const int8_t beside[][2] = {{0, 0}, {0, -1}, {0, 1}, {-1, 0}, {1, 0}};
    Candidate best = {0, 0, INT32_MAX};
    for (Index i = 0; coarse && i < 5; ++i) {
        const Index y = min_index(max_index(row / 2 + beside[i][0], 0), coarse_blocks - 1);
        const Index x = min_index(max_index(column / 2 + beside[i][1], 0), coarse_blocks - 1);
        const Index block = y * coarse_blocks + x;
        try_motion(window, 2 * coarse->x[block], 2 * coarse->y[block], i ? PENALTY : 0, &best);
    }
    try_motion(window, 0, 0, 0, &best);
    search_around(window, coarse ? 1 : RANGE, &best);
    return best;
}

/* Refine a motion in whole pixels to 1/8 pixel; the result is in 1/16 pixel. Values between pixels have less noise, so
 * that they are nearer to a noisy frame: a block only moves if that makes the difference clearly smaller. */
static Candidate refine(const Window *window, Candidate whole) {
    const Index start = whole.y * window->stride + whole.x;
    Candidate best = {SUBPIXELS * whole.x, SUBPIXELS * whole.y,
                      difference(window->frame, window->before + start, window->stride)};
    for (int32_t step = SUBPIXELS / 2; step > 1; step /= 2) {
        const Candidate centre = best;
        for (int32_t i = 0; i < 9; ++i) {
            const int32_t x = centre.x + step * (i % 3 - 1), y = centre.y + step * (i / 3 - 1);
            const int16_t *before = window->before + (y >> 4) * window->stride + (x >> 4);
            if (i == 4) continue;
            const int32_t cost = difference_between(window->frame, before, window->stride, x & 15, y & 15);
            if (cost < best.cost) best = (Candidate){x, y, cost};
        }
    }
    const int32_t still = difference(window->frame, window->before, window->stride);
    return STILL_PARTS * still <= (STILL_PARTS + 1) * best.cost ? (Candidate){0, 0, still} : best;
}

static void search_level(const Level *level, const Motion *coarse, int is_last, Motion *motion) {
    const Index blocks = level->side / BLOCK, stride = framed_side(level->side);
    for (Index row = 0; row < blocks; ++row)
        for (Index column = 0; column < blocks; ++column) {
            const Index start = (EDGE - MARGIN + BLOCK * row) * stride + EDGE - MARGIN + BLOCK * column;
            const Window window = {level->framed_frame + start, level->framed_before + start, stride};
            Candidate best = search(&window, row, column, coarse, blocks / 2);
            if (is_last) best = refine(&window, best);
            motion->x[row * blocks + column] = best.x;
            motion->y[row * blocks + column] = best.y;
        }
}

void mmnet_find_motion(const uint8_t *frame, const uint8_t *before, Level *levels, int32_t *change, Motion *motion) {
    Motion coarse;
    for (Index p = 0; p < GREY_PIXELS; ++p) change[p] = frame[p] - before[p];
    const int32_t brighter = mmnet_median(change);
    for (Index i = 0; i < LEVELS; ++i) {
        const Index side = levels[i].side;
        if (i) {
            halve(levels[i - 1].frame, 2 * side, levels[i].frame);
            halve(levels[i - 1].before, 2 * side, levels[i].before);
        } else {
            for (Index p = 0; p < GREY_PIXELS; ++p) {
                levels[0].frame[p] = frame[p];
                levels[0].before[p] = (int16_t)(before[p] + brighter);
            }
        }
        repeat_edges(levels[i].frame, side, levels[i].framed_frame);
        repeat_edges(levels[i].before, side, levels[i].framed_before);
    }
    for (Index i = LEVELS - 1; i >= 0; --i) {
        coarse = *motion;
        search_level(&levels[i], i == LEVELS - 1 ? NULL : &coarse, i == 0, motion);
    }
}

/* The sum of the blocks around each block and of itself; beyond an edge, the edge is repeated. */
static void sum_around(const int32_t *values, int32_t *sums) {
    for (Index y = 0; y < BLOCKS; ++y)
        for (Index x = 0; x < BLOCKS; ++x) {
            int32_t sum = 0;
            for (Index i = 0; i < 9; ++i) {
                const Index row = min_index(max_index(y + i / 3 - 1, 0), BLOCKS - 1);
                const Index column = min_index(max_index(x + i % 3 - 1, 0), BLOCKS - 1);
                sum += values[row * BLOCKS + column];
            }
            sums[y * BLOCKS + x] = sum;
        }
}

void mmnet_average_motion(const int32_t *weight, Motion *motion) {
    int32_t total[BLOCKS * BLOCKS], weighted[BLOCKS * BLOCKS], sums[BLOCKS * BLOCKS];
    sum_around(weight, total);
    for (int axis = 0; axis < 2; ++axis) {
        int32_t *values = axis ? motion->y : motion->x;
        for (Index i = 0; i < BLOCKS * BLOCKS; ++i) weighted[i] = weight[i] * values[i];
        sum_around(weighted, sums);
        for (Index i = 0; i < BLOCKS * BLOCKS; ++i) values[i] = divide_down(2 * sums[i] + total[i], 2 * total[i]);
    }
}
