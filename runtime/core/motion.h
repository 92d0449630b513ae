/* The motion between two frames, in blocks of a small grey image (preprocessing.md, section 10). */
#ifndef MMNET_MOTION_H
#define MMNET_MOTION_H

#include "internal.h"

enum {
    GREY_SIDE = 128,
    GREY_PIXELS = GREY_SIDE * GREY_SIDE,
    BLOCK = 8, /* pixels per side */
    BLOCKS = GREY_SIDE / BLOCK,
    LEVELS = 3,
    SUBPIXELS = 16, /* parts of a pixel that motion is measured in */
};

/* The motion of every block: where its content was in the frame before, relative to where it is. In 1/16 pixel. */
typedef struct {
    int32_t x[BLOCKS * BLOCKS], y[BLOCKS * BLOCKS];
} Motion;

/* The two frames at one of their sizes, 16 bits per pixel: [side, side], and with their edges repeated around them. */
typedef struct {
    Index side;
    int16_t *frame, *before, *framed_frame, *framed_before;
} Level;

void mmnet_take_levels(Level *levels, Arena *arena);

/* Find the motion between two frames, each [GREY_SIDE, GREY_SIDE]. `change` is memory for as many values. */
void mmnet_find_motion(const uint8_t *frame, const uint8_t *before, Level *levels, int32_t *change, Motion *motion);

/* Replace each motion by the mean of the blocks around it, weighted with `weight`, at least 1 per block. */
void mmnet_average_motion(const int32_t *weight, Motion *motion);

/* The median of the values in every fourth row and column of [GREY_SIDE, GREY_SIDE]: the lower one of the two in the
 * middle. */
int32_t mmnet_median(const int32_t *values);

/* Division of whole numbers, rounding down; the divisor is positive. */
INLINE int32_t divide_down(int32_t a, int32_t b) { return a / b - (a % b < 0); }

#endif
