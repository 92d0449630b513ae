/* What the sources of the training step share. */
#ifndef MMNET_TRAIN_INTERNAL_H
#define MMNET_TRAIN_INTERNAL_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "train.h"

typedef ptrdiff_t Index;
typedef mmnet_train_op Op;
typedef mmnet_train_plan Plan;

enum { LOSSES = 5, BLOCK = 32 };

/* Floats of a channel that kernels compute: the pixels, and what fills the last block. The gradients there stay zero. */
static inline Index padded(Index side) { return (side * side + BLOCK - 1) / BLOCK * BLOCK; }

/* Floats from one channel of a map to the next. The gap keeps channels from lying a power of two apart, where they would
 * compete for the same lines of the cache. */
static inline Index plane(Index side) { return padded(side) + 2 * BLOCK; }

/* Floats of scratch memory that is enough for every kernel, for images of a side. */
static inline Index scratch_size(Index size) { return 8 * (size + 34) * (size + 34); }

/* The way of one image through the network, on one thread. */
typedef struct {
    const Plan *plan;
    const Index *offsets;            /* where each map begins in `values` and `slopes` */
    const float *parameters;         /* kernels and biases */
    const float *packed, *packed_back; /* the kernels of pointwise convolutions, in the order of their use */
    float *values, *slopes;          /* the maps, and the gradients by them */
    float *scratch;
    float *gradients; /* by the parameters, of this image */
    double *losses;   /* this image's part of the means */
} Pass;

/* The kernels compiled for one instruction set. */
typedef struct {
    void (*pack)(const Op *op, const float *parameters, float *packed, float *packed_back);
    void (*columns)(const float *image, Index size, float *columns);
    void (*forward)(const Pass *pass, const Op *op);
    void (*losses)(const Pass *pass, const float *image, const float *matte);
    void (*backward)(const Pass *pass, const Op *op);
} Kernels;

extern const Kernels mmnet_train_any;
#if defined(__GNUC__) && defined(__x86_64__)
#define MMNET_TRAIN_X86
extern const Kernels mmnet_train_avx2, mmnet_train_avx512;
#endif

#endif
