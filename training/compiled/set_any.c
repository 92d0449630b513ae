/* The kernels for any processor: vectors of 128 bits, as SSE2 and NEON have. */
#define LANES 4
#if defined(__aarch64__)
#define TILE 8 /* of 32 registers */
#define ROWS 4
#else
#define TILE 4
#define ROWS 2
#endif
#define KERNELS mmnet_train_any
#include "kernels.h"
