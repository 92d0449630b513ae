/* Scaling of one image into another, with the memory of its caller (preprocessing.md, section 4). */
#ifndef MMNET_RESAMPLE_H
#define MMNET_RESAMPLE_H

#include "internal.h"

typedef struct {
    Index height, width, channels, out_height, out_width; /* the caller sets these */
    const uint8_t *source;
    Index stride;                       /* of the source, in bytes */
    int down, across;                   /* how often each axis is halved */
    uint8_t *halved[2][17];             /* two rows of each level of halving */
    int32_t *first, *second, *fraction; /* taps of the columns, in elements */
    int32_t *lines[2];                  /* grey: two rows that are interpolated along the row; RGB: two rows mixed */
    const uint8_t *halved_rows[2];      /* RGB: two rows of the halved image */
    Index held[2];                      /* which rows are held; -1: none */
} Resampler;

void mmnet_take_resampler(Resampler *resampler, Arena *arena);
void mmnet_run_resampler(Resampler *resampler, const uint8_t *source, Index stride, uint8_t *out, Index out_stride);

#endif
