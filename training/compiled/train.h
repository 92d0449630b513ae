/* A training step of MMNet in C: five losses of a batch of images, and their gradients.
 *
 * The network comes as a table of operators whose batch norms are folded into kernels and biases. A map is a plane of
 * side × side floats per channel. Each image goes through all operators, and back, on one thread; the gradients of each
 * image have a buffer of their own, and the buffers are added in the order of the images. So the results do not depend
 * on the number of threads.
 */
#ifndef MMNET_TRAIN_H
#define MMNET_TRAIN_H

#include <stdint.h>

#if defined(__GNUC__)
#define MMNET_TRAIN_API __attribute__((visibility("default")))
#else
#define MMNET_TRAIN_API
#endif

/* The version of this header. Python leaves a library of another version alone: it was built before the sources
 * changed. Count up with every change of a function or a structure. */
#define MMNET_TRAIN_VERSION 1
MMNET_TRAIN_API int mmnet_train_version(void);

/* Instruction sets: the floats that a vector holds decide on the order of sums, so their results differ in the last
 * bits. */
enum { MMNET_TRAIN_ANY = 0, MMNET_TRAIN_AVX2 = 1, MMNET_TRAIN_AVX512 = 2 };

/* Whether the library has an instruction set, and the processor can execute it. */
MMNET_TRAIN_API int mmnet_train_has(int set);

enum {
    MMNET_POINTWISE = 0, /* convolution 1×1; kernel [inputs][outputs] */
    MMNET_DEPTHWISE = 1, /* convolution 3×3 per channel, with ReLU6; kernel [9][channels]; stride 1 or 2 */
    MMNET_UPSAMPLE = 2,  /* to twice the side, bilinear */
    MMNET_HEAD = 3,      /* difference of the two logits; kernel [inputs] */
};

typedef struct {
    int32_t kind;
    int32_t source, source_channels, source_side; /* number of the map that is read */
    int32_t target, target_offset, target_channels, side; /* written: a map, from one of its channels on */
    int32_t stride, rate, activation;                     /* activation: whether ReLU6 follows */
    int32_t kernel, bias; /* where they begin in the parameters, and their gradients in the gradients */
    int32_t gradient;     /* what happens to the gradient of the source: a MMNET_GRADIENT */
} mmnet_train_op;

/* The last operator that reads a map comes first on the way back: it sets the gradient, the others add to it. */
enum { MMNET_GRADIENT_NONE = 0, MMNET_GRADIENT_SET = 1, MMNET_GRADIENT_ADD = 2 };

typedef struct {
    int32_t ops, maps, parameters; /* numbers of them; map 0 holds the columns of the first convolution */
    int32_t size, images;          /* side of the images in pixels; images of a step */
    int32_t half_pixel;            /* sampling grid of the upsampling: half-pixel centres, or the legacy grid */
    int32_t alpha_map, aux_map, aux_side; /* the outputs of the two heads */
    float weights[5];                     /* of the losses, in the order of their values */
} mmnet_train_plan;

typedef struct mmnet_trainer mmnet_trainer;

/* Make a trainer. `maps` are `plan->maps` pairs: channels and side of each map. Returns NULL without memory. */
MMNET_TRAIN_API mmnet_trainer *mmnet_train_open(const mmnet_train_plan *plan, const mmnet_train_op *ops,
                                                const int32_t *maps, int32_t threads, int32_t set);
MMNET_TRAIN_API void mmnet_train_close(mmnet_trainer *trainer);

/* Compute the losses of `plan->images` images and their gradients.
 *
 * parameters: kernels and biases, where the operators say.
 * images: [images][size][size][3] in 0-1; mattes: [images][size][size] in 0-1.
 * gradients: of the weighted sum of the losses by the parameters.
 * losses: means over the images: alpha, compositional, gradient, cross entropy, auxiliary. */
MMNET_TRAIN_API void mmnet_train_step(mmnet_trainer *trainer, const float *parameters, const float *images,
                                      const float *mattes, float *gradients, double *losses);

/* Compute the alphas of any number of images: [count][size][size] in 0-1. */
MMNET_TRAIN_API void mmnet_train_alphas(mmnet_trainer *trainer, const float *parameters, const float *images,
                                        int32_t count, float *alphas);

#endif
