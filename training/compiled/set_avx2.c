/* The kernels for x86 processors with AVX2 and FMA: 16 registers of 256 bits. */
#include "internal.h"

#if defined(MMNET_TRAIN_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx2,fma")
#endif

#define LANES 8
#define TILE 4
#define ROWS 2
#define KERNELS mmnet_train_avx2
#include "kernels.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
