/* Vectors of LANES floats. The sources that include this are compiled once per instruction set (set_*.c). */
#ifndef MMNET_TRAIN_VECTOR_H
#define MMNET_TRAIN_VECTOR_H

#include "internal.h"

typedef float Floats __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Ints __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
#define LOAD(address) (*(const Floats *)(address))
#define STORE(address, vector) (*(Floats *)(address) = (vector))
/* The vector where a comparison holds, and zero elsewhere. */
#define WHERE(comparison, vector) ((Floats)((Ints)(vector) & (comparison)))

INLINE Floats filled(float value) { return (Floats){0} + value; }

/* Limit to 0-6. What is no number stays so, and the losses then tell that a training diverged. */
INLINE Floats relu6(Floats vector) {
    const Floats six = filled(6);
    vector = WHERE(~(vector < filled(0)), vector);
    return (Floats)((Ints)WHERE(~(vector > six), vector) | (Ints)WHERE(vector > six, six));
}

INLINE float limited(float value) {
    value = value < 0 ? 0 : value;
    return value > 6 ? 6 : value;
}

/* The sum of a vector, in pairs. */
INLINE float sum_of(Floats vector) {
    float lanes[LANES];
    STORE(lanes, vector);
    for (int half = LANES / 2; half; half /= 2)
        for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
    return lanes[0];
}

/* Set a number, or add to it. */
#define PUT(target, value) (target = add ? (target) + (value) : (value))

#endif
