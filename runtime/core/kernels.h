/* The parts of scaling, guided upsampling, foreground estimation and compositing that work on some rows of an image, so
 * that threads can divide the rows. The functions of mmnet.h call them for all rows; Python calls them from threads,
 * and checks the arguments. Each returns MMNET_OK or MMNET_SMALL_ARENA.
 */
#ifndef MMNET_KERNELS_H
#define MMNET_KERNELS_H

#include "internal.h"

/* WebAssembly has no threads here, and needs the whole stages only. */
#if defined(__wasm__)
#define MMNET_KERNEL
#else
#define MMNET_KERNEL MMNET_API
#endif

/* The version of this header. Python leaves a library of another version alone: it was built before the sources
 * changed, and its functions may take other arguments. Count up with every change of a function. */
#define MMNET_KERNELS_VERSION 2
MMNET_KERNEL int mmnet_kernels_version(void);

/* An image, or a part of one, as tiles: from its first pixel on. */
typedef struct {
    Index height, width;           /* in pixels */
    Index stride;                  /* pixels from one row to the next */
    Index tile_height, tile_width; /* of a tile, in pixels: multiples of every cell step */
    Index tile_stride;             /* tiles from one row of flags to the next */
} Grid;

/* `resampling.resample_with_numpy` for rows `first` to `end` - 1 of an image with 1 or 3 channels. `stride` is the
 * bytes from one row of the source to the next. */
MMNET_KERNEL size_t mmnet_kernel_resample_arena(Index height, Index width, Index channels, Index out_height,
                                             Index out_width);
MMNET_KERNEL int mmnet_kernel_resample(const uint8_t *source, Index stride, Index height, Index width, Index channels,
                                    Index out_height, Index out_width, uint8_t *out, void *memory, size_t size,
                                    Index first, Index end);

/* `reference.guided_alpha` for every `every`-th row of tiles from `first` on. `alpha` and `input` are the network's, of
 * rows × columns pixels; alpha is in 0-1. */
MMNET_KERNEL size_t mmnet_kernel_guided_alpha_arena(const Grid *grid, Index rows, Index columns);
MMNET_KERNEL int mmnet_kernel_guided_alpha(const Grid *grid, const float *alpha, const uint8_t *input, Index rows,
                                           Index columns, const uint8_t *photo, uint8_t *out, uint8_t *opaque,
                                           uint8_t *edges, void *memory, size_t size, Index first, Index every);

MMNET_KERNEL size_t mmnet_kernel_tiles_arena(const Grid *grid, Index step);

/* `reference._samples` for rows `first` to `end` - 1: the mean of the two by two pixels in the middle of each cell, as
 * one plane per channel. `stride` is the bytes from one row of the image to the next. No memory is used. */
MMNET_KERNEL int mmnet_kernel_sample_cells(const uint8_t *image, Index stride, Index channels, Index height,
                                           Index width, Index step, Index rows, Index columns, uint8_t *samples,
                                           void *memory, size_t size, Index first, Index end);

/* One pass of `reference.colour_difference` for rows `first` to `end` - 1. Its means go into the colours that the next
 * pass averages (`next_foreground`, `next_background`), or into `difference`; the other is NULL. */
MMNET_KERNEL size_t mmnet_kernel_average_colours_arena(Index height, Index width, Index radius);
MMNET_KERNEL int mmnet_kernel_average_colours(const uint8_t *image, const uint8_t *foreground,
                                              const uint8_t *background, const uint8_t *alpha, Index height,
                                              Index width, Index radius, const uint16_t *weights, float parts,
                                              uint8_t *next_foreground, uint8_t *next_background, float *difference,
                                              Index difference_stride, void *memory, size_t size, Index first,
                                              Index end);

/* `reference.composite` for every `every`-th row of tiles from `first` on; `reference.estimate_foreground` where
 * `background` is NULL. `difference` is NULL for the photo's own colours. */
MMNET_KERNEL int mmnet_kernel_composite(const Grid *grid, const uint8_t *photo, const uint8_t *background,
                                        Index background_stride, const uint8_t *alpha, const uint8_t *opaque,
                                        const uint8_t *edges, const float *difference, Index cell_stride, Index step,
                                        uint8_t *out, void *memory, size_t size, Index first, Index every);

#endif
