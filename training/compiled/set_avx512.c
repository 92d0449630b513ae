/* The kernels for x86 processors with AVX-512: 32 registers of 512 bits. */
#include "internal.h"

#if defined(MMNET_TRAIN_X86)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"))), apply_to = function)
#else
/* GCC prefers 256 bits for plain loops, which costs a tenth of the time on a processor that has the units. */
#pragma GCC target("avx512f,avx512vl,avx512dq,avx512bw,fma,prefer-vector-width=512")
#endif

#define LANES 16
#define TILE 8
#define ROWS 4
#define KERNELS mmnet_train_avx512
#include "kernels.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
