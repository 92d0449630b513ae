/* Guided alpha: what its sources share. The numbers are those of parameters.py, cells.py and tiles.py. */
#ifndef MMNET_GUIDED_H
#define MMNET_GUIDED_H

#include "kernels.h"

/* A pixel of the network has three slopes and an offset. */
enum { SLOPES = 3, VALUES = 4 };

/* Numbers after a row of lines that are read, and have no meaning. */
enum { BESIDE_LINES = 8 };

/* Rows that have to stay besides those that are compared at a time. */
enum { ROWS_AROUND = 5 };

/* The units that slopes and offsets are kept in, powers of two. A colour is not shifted to the lowest byte of its pixel
 * before it becomes a float: the slopes of green and blue are smaller by what that leaves. */
#define RED_UNIT (1.0f / 4096)
#define GREEN_UNIT (RED_UNIT / 256)
#define BLUE_UNIT (GREEN_UNIT / 256)
#define OFFSET_UNIT (1.0f / 16)

/* The network's alpha of an image, and its input. */
typedef struct {
    Index height, width;
    const float *floats;  /* alpha in 0-1, of which what is nearly 0 or 1 is not decided yet; or NULL */
    const uint8_t *bytes; /* the same in bytes, where `floats` is NULL */
    Index alpha_stride;   /* numbers from one row to the next */
    const uint8_t *input;
    Index input_stride; /* bytes from one row to the next */
} Inferred;

/* Rows at the network's size. They are computed when they are needed, each row once, as long as they are needed in
 * their order. The last `held` ones stay: row r is in slot r % held. */
typedef struct {
    Inferred image;
    Index held;
    Index line_stride, plane_stride; /* numbers from one row to the next */
    Index decided, compared, planar; /* the row after the last one of each kind */
    uint16_t *alpha;                 /* 65535 = the foreground */
    uint8_t *changes;                /* whether alpha is not that of all four neighbours */
    uint8_t *undecided;              /* whether alpha changes, or is neither 0 nor 1 */
    float *lines;                    /* [line_stride / VALUES, VALUES], in their units */
    int32_t *planes;                 /* what lines are fitted from, see fit_line.c */
    uint16_t *sums;                  /* of columns of the input, with the pixels beside it */
    uint8_t *blurred;                /* a row of the input */
} LineRows;

void mmnet_take_line_rows(LineRows *rows, Arena *arena);

/* Find in which pixels of the rows `first` to `end` - 1 alpha changes. */
void mmnet_compare_rows(LineRows *rows, Index first, Index end);

/* Write the lines of some columns of a row that keep alpha as it is. */
void mmnet_keep_alpha(LineRows *rows, Index row, Index first, Index end);

/* Fit the lines of a row where alpha changes. */
void mmnet_fit_row(LineRows *rows, Index row);

INLINE const uint16_t *alpha_row(const LineRows *rows, Index row) {
    return rows->alpha + row % rows->held * rows->image.width;
}

INLINE const uint8_t *undecided_row(const LineRows *rows, Index row) {
    return rows->undecided + row % rows->held * rows->image.width;
}

INLINE const float *line_row(const LineRows *rows, Index row) {
    return rows->lines + row % rows->held * rows->line_stride;
}

/* Compute the guided alpha of a photo, for every `every`-th row of tiles from `first` on. `opaque` and `edges` are as
 * `mmnet_classify_tiles` finds them, or NULL. */
size_t mmnet_guide_arena(Index rows, Index columns, const Grid *grid);
int mmnet_guide(const Inferred *image, const Grid *grid, const uint8_t *photo, uint8_t *alpha, uint8_t *opaque,
                uint8_t *edges, void *memory, size_t size, Index first, Index every);

#endif
