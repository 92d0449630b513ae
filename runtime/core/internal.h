/* What the sources of the core share. */
#ifndef MMNET_INTERNAL_H
#define MMNET_INTERNAL_H

#include <float.h>
#include <stddef.h>
#include <stdint.h>

#include "mmnet.h"

#if FLT_EVAL_METHOD != 0
#error "this compiler computes floats with more digits than IEEE 754 has; the Python package works without the core"
#endif

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define copy_bytes __builtin_memcpy
#define set_bytes __builtin_memset
#else
#include <string.h>
#define INLINE static inline
#define copy_bytes memcpy
#define set_bytes memset
#endif

/* GCC compiles functions with this attribute twice, and the loader takes the version that the processor can execute. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__gnu_linux__) && \
    !defined(MMNET_ONE_TARGET)
#define TARGET_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define TARGET_CLONES
#endif

/* Whether vectors can be shuffled: GCC 12 or clang. Elsewhere plain loops compute the same. */
#if defined(__GNUC__) && defined(__has_builtin) && defined(__BYTE_ORDER__)
#if __has_builtin(__builtin_shufflevector) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MMNET_SHUFFLES
#endif
#endif

/* Bring the cache line at an address into the cache. It is a hint: nothing is read. */
#if defined(__GNUC__)
#define PREFETCH(address, writes) __builtin_prefetch(address, writes)
#else
#define PREFETCH(address, writes) ((void)0)
#endif

typedef ptrdiff_t Index;

INLINE Index min_index(Index a, Index b) { return a < b ? a : b; }
INLINE Index max_index(Index a, Index b) { return a > b ? a : b; }
INLINE Index divide_up(Index a, Index b) { return (a + b - 1) / b; }

/* 1.5 · 2^23: floats of this size have no fraction. */
#define ROUNDING_SHIFT 12582912.0f
#define ROUNDING_BITS 0x4B400000 /* of this float; the next ones are those of the next whole numbers */

/* The nearest whole number, ties to even, for |value| < 2^22. */
INLINE float round_to_even(float value) { return (value + ROUNDING_SHIFT) - ROUNDING_SHIFT; }

/* The same for doubles, for |value| < 2^51. */
INLINE double round_double(double value) {
    const double shift = 6755399441055744.0; /* 1.5 · 2^52 */
    return (value + shift) - shift;
}

INLINE float clamp_to_byte(float value) {
    value = value < 0 ? 0 : value;
    return value > 255 ? 255 : value;
}

/* The memory of the caller from which a function takes its buffers. An arena without memory only counts: the same code
 * that takes the buffers tells how large they are. */
typedef struct {
    uint8_t *memory; /* NULL: count only */
    size_t size, used;
    int failed; /* whether more was taken than there is */
} Arena;

enum { ALIGNMENT = 64 };

INLINE Arena open_arena(void *memory, size_t size) {
    const size_t skipped = (size_t)(-(uintptr_t)memory & (ALIGNMENT - 1));
    const Arena arena = {memory, size, skipped, memory == NULL};
    return arena;
}

INLINE Arena counting_arena(void) {
    const Arena arena = {NULL, SIZE_MAX, 0, 0};
    return arena;
}

/* The bytes that a counting arena counted, for memory of any alignment. */
INLINE size_t counted(const Arena *arena) { return arena->used + ALIGNMENT; }

/* Take `count` elements of `size` bytes; NULL if there is no room, or no memory at all. */
INLINE void *take(Arena *arena, Index count, size_t size) {
    const size_t bytes = ((size_t)count * size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    const size_t start = arena->used;
    if (bytes > arena->size || start > arena->size - bytes) {
        arena->failed = 1;
        return NULL;
    }
    arena->used = start + bytes;
    return arena->memory ? arena->memory + start : NULL;
}

#define TAKE(arena, count, type) ((type *)take(arena, count, sizeof(type)))

INLINE int is_side(int32_t side) { return side >= 1 && side <= MMNET_MAX_SIDE; }

INLINE int is_image(int32_t height, int32_t width) {
    return is_side(height) && is_side(width) && (int64_t)height * width <= MMNET_MAX_PIXELS;
}

/* Whether a rectangle lies in an image. */
INLINE int is_inside(const mmnet_rectangle *part, int32_t height, int32_t width) {
    return part->top >= 0 && part->left >= 0 && part->height >= 1 && part->width >= 1 && part->top <= height &&
           part->left <= width && part->height <= height - part->top && part->width <= width - part->left;
}

/* Whether both parts of a placement lie where they belong. */
INLINE int is_placement(const mmnet_placement *placement, int32_t height, int32_t width, int32_t size) {
    return is_inside(&placement->seen, height, width) && is_inside(&placement->filled, size, size);
}

/* The placement's parts are images at all: what the sizes of arenas depend on. */
INLINE int has_sizes(const mmnet_placement *placement) {
    return placement && is_image(placement->seen.height, placement->seen.width) &&
           is_image(placement->filled.height, placement->filled.width);
}

#endif
