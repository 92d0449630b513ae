/* A box filter: sums over boxes of 2 · radius + 1 pixels, computed for one row of an image after the other. Beyond the
 * image its edge is repeated. */
#ifndef MMNET_BOX_FILTER_H
#define MMNET_BOX_FILTER_H

#include "internal.h"

typedef void FillRow(const void *source, Index row, int32_t *values); /* one row to be summed: [planes, width] */

typedef struct {
    Index height, width, planes, radius;
    FillRow *fill;
    const void *source;
    Index first, filled; /* the first row wanted; the number of rows filled so far */
    int32_t *ring;       /* the last 2 · radius + 2 rows filled */
    int32_t *columns;    /* [planes, radius + width + radius]: sums along columns */
    int32_t *sums;       /* [planes, width]: sums over boxes */
} BoxFilter;

/* Take the memory of a filter whose height, width, planes and radius are set. */
void mmnet_take_box_filter(BoxFilter *filter, Arena *arena);

/* Begin at a row. */
void mmnet_begin_box_filter(BoxFilter *filter, Index first);

/* The box sums of row `y`: [planes, width]. Call it once for each row, in order from the first on. */
const int32_t *mmnet_box_sums(BoxFilter *filter, Index y);

#endif
