/* Vectors of fixed size, for loops that compilers do not vectorise. Without them, plain loops compute the same. */
#ifndef MMNET_VECTORS_H
#define MMNET_VECTORS_H

#include "internal.h"

#if defined(MMNET_SHUFFLES)

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON)
#define MMNET_NEON
#include <arm_neon.h>
#elif defined(__wasm_simd128__)
#include <wasm_simd128.h>
#endif

typedef uint8_t Bytes16 __attribute__((vector_size(16)));
typedef uint8_t Bytes32 __attribute__((vector_size(32)));
typedef uint16_t Words16 __attribute__((vector_size(32)));
typedef int32_t Ints4 __attribute__((vector_size(16)));
typedef int32_t Ints8 __attribute__((vector_size(32)));
typedef float Floats4 __attribute__((vector_size(16)));
typedef float Floats8 __attribute__((vector_size(32)));

/* Join two vectors of 16 bytes. */
#define JOIN_BYTES(left, right)                                                                                        \
    __builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
                            22, 23, 24, 25, 26, 27, 28, 29, 30, 31)
#define JOIN_FOURS(left, right) __builtin_shufflevector(left, right, 0, 1, 2, 3, 4, 5, 6, 7)

/* Load eight pixels of RGB, 24 bytes, as numbers: red in the lowest byte, no meaning in the highest one. Compilers take
 * twice as many instructions to tell the colours apart. */
#define LOAD_PIXELS(source, pixels)                                                                                   \
    do {                                                                                                              \
        Bytes16 lower, upper;                                                                                         \
        copy_bytes(&lower, source, sizeof lower);                                                                     \
        copy_bytes(&upper, (source) + 8, sizeof upper);                                                               \
        const Bytes32 both = JOIN_BYTES(lower, upper);                                                                \
        /* Four pixels from byte 0 on, and four from byte 12 on. */                                                   \
        pixels = (Ints8)__builtin_shufflevector(both, both, 0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0, 20, 21, \
                                                22, 16, 23, 24, 25, 16, 26, 27, 28, 16, 29, 30, 31, 16);              \
    } while (0)

/* Limit 2 × 8 numbers to 0-255, and pack them to 16 bytes; and eight numbers to a word, the first one in its lowest
 * byte.
 */
#if defined(__SSE2__)
#define PACK_BYTES(left, right, bytes)                                                \
    do {                                                                              \
        __m128i quarters[4];                                                          \
        copy_bytes(quarters, &left, sizeof left);                                     \
        copy_bytes(quarters + 2, &right, sizeof right);                               \
        bytes = (Bytes16)_mm_packus_epi16(_mm_packs_epi32(quarters[0], quarters[1]),  \
                                          _mm_packs_epi32(quarters[2], quarters[3])); \
    } while (0)
#elif defined(MMNET_NEON)
#define PACK_BYTES(left, right, bytes)                                                                             \
    do {                                                                                                           \
        int32x4_t quarters[4];                                                                                     \
        copy_bytes(quarters, &left, sizeof left);                                                                  \
        copy_bytes(quarters + 2, &right, sizeof right);                                                            \
        bytes = (Bytes16)vcombine_u8(vqmovun_s16(vcombine_s16(vqmovn_s32(quarters[0]), vqmovn_s32(quarters[1]))),  \
                                     vqmovun_s16(vcombine_s16(vqmovn_s32(quarters[2]), vqmovn_s32(quarters[3])))); \
    } while (0)
#elif defined(__wasm_simd128__)
#define PACK_BYTES(left, right, bytes)                                                               \
    do {                                                                                             \
        v128_t quarters[4];                                                                          \
        copy_bytes(quarters, &left, sizeof left);                                                    \
        copy_bytes(quarters + 2, &right, sizeof right);                                              \
        bytes = (Bytes16)wasm_u8x16_narrow_i16x8(wasm_i16x8_narrow_i32x4(quarters[0], quarters[1]),  \
                                                 wasm_i16x8_narrow_i32x4(quarters[2], quarters[3])); \
    } while (0)
#else
#define LIMITED(value) (uint8_t)((value) < 0 ? 0 : (value) > 255 ? 255 : (value))
#define PACK_BYTES(left, right, bytes)              \
    do {                                            \
        for (int lane = 0; lane < 8; ++lane) {      \
            bytes[lane] = LIMITED(left[lane]);      \
            bytes[lane + 8] = LIMITED(right[lane]); \
        }                                           \
    } while (0)
#endif
#define PACK_WORD(values, word)                  \
    do {                                         \
        Bytes16 packed;                          \
        PACK_BYTES(values, values, packed);      \
        copy_bytes(&word, &packed, sizeof word); \
    } while (0)

#endif

#endif
