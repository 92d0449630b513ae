/* Strips: the rows of a photo's pixels that lie between two rows of cells. Guided alpha is computed strip by strip. */
#ifndef MMNET_STRIPS_H
#define MMNET_STRIPS_H

#include "guided.h"

enum { MAX_LINE_STEP = 8, OPAQUE = 65535 };

/* Cells of a block, pixels that are computed at a time, and numbers of a vector. */
enum { LANES = 8 };

/* Cells after the last one that may be read or computed, and have no meaning. */
enum { CELLS_BESIDE = 2 * LANES };

/* Where cells lie between the network's rows or columns. There is one cell more at either end, and CELLS_BESIDE more
 * after that. The values of a column begin at VALUES times its number. */
typedef struct {
    Index values, pixels, cells;
    int32_t *first, *second; /* the rows, or where the values of the columns begin */
    float *fraction;         /* the weight of the second; of columns, once for each value */
} Axis;

/* One for each block: 1 for those that have to be computed. */
typedef uint8_t Flags;

typedef struct {
    Grid grid;
    Index step;   /* the side of a cell, in pixels */
    Index blocks; /* of a row */
    Index tiles;  /* of a row */
    Axis down, across;
    LineRows rows;
    int32_t *low, *high; /* the blocks that depend on a column of the network: from the first to the last */
    Index span;          /* the most rows of the network that pixels between two rows of cells depend on */
    Index flagged;       /* the row of the network after the last one with flags */
    Index fitted;        /* the row of the network after the last one with lines */
    Flags *flags;        /* [rows.held, blocks]: the blocks that depend on an undecided pixel of a row */
    Flags *now, *next;   /* of the rows of pixels that are computed now, and of the next ones */
    Flags *needed;       /* the blocks for which a row of cells is needed */
    Index cell_stride, pixel_stride;
    float *between;     /* a row of lines between two of the network */
    float *cells;       /* planes of a row of cells */
    float *pixels;      /* planes of two rows of cells, widened to pixels: row r in slot r % 2 */
    uint8_t *all, *any; /* for each tile: 255 where alpha is so far 255 in all pixels, or not 0 in any */
} Guide;

/* A row of pixels between two rows of cells. */
typedef struct {
    float first, second, growth; /* the weights of the rows of cells, and of their difference */
} Between;

/* The rows of pixels between two rows of cells. */
typedef struct {
    Index top, rows; /* of the photo */
    Index cells;     /* the upper row of cells */
    Between between;
} Strip;

/* The first flag after `first` that differs from it; `end` if there is none. */
INLINE Index end_of_flags(const Flags *flags, Index first, Index end) {
    const uint64_t same = flags[first] * (~(uint64_t)0 / 255);
    Index next = first + 1;
    for (uint64_t eight; next + 8 <= end; next += 8) {
        copy_bytes(&eight, flags + next, sizeof eight);
        if (eight != same) break;
    }
    while (next < end && flags[next] == flags[first]) ++next;
    return next;
}

/* Compute a row of cells (`reference._between`, along both axes) for the blocks that are needed, and widen it to
 * pixels. */
void mmnet_compute_cells(const Guide *guide, Index row);

/* Compute a strip whose rows of cells were computed. */
void mmnet_compute_strip(const Guide *guide, const uint8_t *photo, Strip strip, uint8_t *alpha);

#endif
