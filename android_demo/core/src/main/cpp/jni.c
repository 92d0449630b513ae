/* The core (runtime/core) for Java: the native methods of ai.mmnet.core.NativeCore.
 *
 * Each function holds the arrays' own memory while the core computes (GetPrimitiveArrayCritical): nothing is copied and
 * nothing is allocated. Arrays may be longer than needed; shorter ones are refused. Functions return a status of mmnet.h.
 */
#include <jni.h>

#include "mmnet.h"

#define NATIVE(result, name) JNIEXPORT result JNICALL Java_ai_mmnet_core_NativeCore_##name

enum { MAX_ARRAYS = 7, PLACEMENT_INTS = 8 };

/* Arrays of one call, and how many bytes the core reads or writes of each. */
typedef struct {
    jarray array;
    int64_t bytes;
    int element; /* bytes of an element */
} Needed;

typedef struct {
    JNIEnv *env;
    int count;
    jarray arrays[MAX_ARRAYS];
    void *data[MAX_ARRAYS];
} Held;

static void release(Held *held) {
    while (held->count > 0) {
        --held->count;
        (*held->env)->ReleasePrimitiveArrayCritical(held->env, held->arrays[held->count], held->data[held->count], 0);
    }
}

/* Hold arrays; on any status but MMNET_OK none is held. */
static int hold(JNIEnv *env, const Needed *needed, int count, Held *held) {
    held->env = env, held->count = 0;
    for (int i = 0; i < count; ++i) {
        if (!needed[i].array) return MMNET_BAD_VALUE;
        if ((int64_t)(*env)->GetArrayLength(env, needed[i].array) * needed[i].element < needed[i].bytes)
            return MMNET_BAD_SIZE;
    }
    for (int i = 0; i < count; ++i) {
        void *data = (*env)->GetPrimitiveArrayCritical(env, needed[i].array, NULL);
        if (!data) {
            release(held);
            return MMNET_BAD_VALUE;
        }
        held->arrays[i] = needed[i].array, held->data[i] = data;
        held->count = i + 1;
    }
    return MMNET_OK;
}

#define HOLD(held, ...)                                                                            \
    Held held;                                                                                     \
    {                                                                                              \
        const Needed needed[] = {__VA_ARGS__};                                                     \
        const int status = hold(env, needed, (int)(sizeof needed / sizeof *needed), &held);        \
        if (status != MMNET_OK) return status;                                                     \
    }

static int64_t pixels_of(jint height, jint width) { return height < 1 || width < 1 ? 0 : (int64_t)height * width; }

/* A placement is 8 ints: what is seen, and what is filled; each is top, left, height, width. */
static int read_placement(JNIEnv *env, jintArray from, mmnet_placement *placement) {
    jint values[PLACEMENT_INTS];
    if (!from) return MMNET_BAD_VALUE;
    if ((*env)->GetArrayLength(env, from) < PLACEMENT_INTS) return MMNET_BAD_SIZE;
    (*env)->GetIntArrayRegion(env, from, 0, PLACEMENT_INTS, values);
    placement->seen = (mmnet_rectangle){values[0], values[1], values[2], values[3]};
    placement->filled = (mmnet_rectangle){values[4], values[5], values[6], values[7]};
    return MMNET_OK;
}

/* The size of an arena as a Java array has it: 0 where it is not allowed, or larger than any array. */
static jint array_size(size_t size) { return size > INT32_MAX ? 0 : (jint)size; }

static size_t arena_bytes(JNIEnv *env, jbyteArray arena) {
    return arena ? (size_t)(*env)->GetArrayLength(env, arena) : 0;
}

NATIVE(jint, place)(JNIEnv *env, jclass type, jint fit, jint height, jint width, jint size, jintArray out) {
    mmnet_placement placement;
    (void)type;
    const int status = mmnet_place(fit, height, width, size, &placement);
    if (status != MMNET_OK) return status;
    const mmnet_rectangle seen = placement.seen, filled = placement.filled;
    const jint values[PLACEMENT_INTS] = {seen.top,   seen.left,   seen.height,   seen.width,
                                         filled.top, filled.left, filled.height, filled.width};
    if (!out || (*env)->GetArrayLength(env, out) < PLACEMENT_INTS) return MMNET_BAD_SIZE;
    (*env)->SetIntArrayRegion(env, out, 0, PLACEMENT_INTS, values);
    return MMNET_OK;
}

static mmnet_plane plane_of(JNIEnv *env, jobject buffer, jint row, jint pixel) {
    const mmnet_plane none = {0};
    if (!buffer) return none;
    const jlong capacity = (*env)->GetDirectBufferCapacity(env, buffer);
    const mmnet_plane plane = {(*env)->GetDirectBufferAddress(env, buffer), capacity < 0 ? 0 : (size_t)capacity, row,
                               pixel};
    return plane;
}

NATIVE(jint, rgbFromYuv)
(JNIEnv *env, jclass type, jobject y, jint y_row, jint y_pixel, jobject u, jint u_row, jint u_pixel, jobject v,
 jint v_row, jint v_pixel, jint height, jint width, jint rotation, jboolean mirrored, jbyteArray image) {
    const mmnet_plane luma = plane_of(env, y, y_row, y_pixel), blue = plane_of(env, u, u_row, u_pixel),
                      red = plane_of(env, v, v_row, v_pixel);
    (void)type;
    HOLD(held, {image, 3 * pixels_of(height, width), 1})
    const int status = mmnet_rgb_from_yuv(&luma, &blue, &red, height, width, rotation, mirrored, held.data[0]);
    release(&held);
    return status;
}

NATIVE(jint, orient)
(JNIEnv *env, jclass type, jbyteArray source, jint height, jint width, jint pixel, jint rotation, jboolean mirrored,
 jboolean inverse, jbyteArray out) {
    const int64_t bytes = pixel * pixels_of(height, width);
    (void)type;
    HOLD(held, {source, bytes, 1}, {out, bytes, 1})
    const int status = mmnet_orient(held.data[0], height, width, pixel, rotation, mirrored, inverse, held.data[1]);
    release(&held);
    return status;
}

NATIVE(jint, resampleArena)
(JNIEnv *env, jclass type, jint height, jint width, jint out_height, jint out_width) {
    (void)env, (void)type;
    return array_size(mmnet_resample_arena(height, width, 3, out_height, out_width));
}

NATIVE(jint, resample)
(JNIEnv *env, jclass type, jbyteArray image, jint height, jint width, jbyteArray out, jint out_height, jint out_width,
 jbyteArray arena) {
    const size_t arena_size = arena_bytes(env, arena);
    (void)type;
    if (width < 1 || out_width < 1) return MMNET_BAD_SIZE;
    HOLD(held, {image, 3 * pixels_of(height, width), 1}, {out, 3 * pixels_of(out_height, out_width), 1}, {arena, 0, 1})
    const int status = mmnet_resample(held.data[0], 3 * (size_t)width, height, width, 3, held.data[1],
                                      3 * (size_t)out_width, out_height, out_width, held.data[2], arena_size);
    release(&held);
    return status;
}

NATIVE(jint, modelInputArena)(JNIEnv *env, jclass type, jintArray placement) {
    mmnet_placement at;
    (void)type;
    return read_placement(env, placement, &at) == MMNET_OK ? array_size(mmnet_model_input_arena(&at)) : 0;
}

NATIVE(jint, modelInput)
(JNIEnv *env, jclass type, jbyteArray image, jint height, jint width, jintArray placement, jint size, jbyteArray input,
 jbyteArray arena) {
    mmnet_placement at;
    (void)type;
    int status = read_placement(env, placement, &at);
    if (status != MMNET_OK) return status;
    const size_t arena_size = arena_bytes(env, arena);
    HOLD(held, {image, 3 * pixels_of(height, width), 1}, {input, 3 * pixels_of(size, size), 1}, {arena, 0, 1})
    status = mmnet_model_input(held.data[0], height, width, &at, size, held.data[1], held.data[2], arena_size);
    release(&held);
    return status;
}

NATIVE(jint, alphaArena)(JNIEnv *env, jclass type, jboolean fine, jint size, jintArray placement) {
    mmnet_placement at;
    (void)type;
    if (read_placement(env, placement, &at) != MMNET_OK) return 0;
    return array_size(fine ? mmnet_fine_alpha_arena(size, &at) : mmnet_fast_alpha_arena(&at));
}

NATIVE(jint, alpha)
(JNIEnv *env, jclass type, jboolean fine, jbyteArray model_alpha, jbyteArray input, jint size, jintArray placement,
 jbyteArray image, jint height, jint width, jbyteArray alpha, jbyteArray arena) {
    const int64_t pixels = pixels_of(height, width), model_pixels = pixels_of(size, size);
    mmnet_placement at;
    (void)type;
    int status = read_placement(env, placement, &at);
    if (status != MMNET_OK) return status;
    const size_t arena_size = arena_bytes(env, arena);
    HOLD(held, {model_alpha, model_pixels, 1}, {input, 3 * model_pixels, 1}, {image, 3 * pixels, 1}, {alpha, pixels, 1},
         {arena, 0, 1})
    if (fine)
        status = mmnet_fine_alpha(held.data[0], held.data[1], size, &at, held.data[2], height, width, held.data[3],
                                  held.data[4], arena_size);
    else
        status = mmnet_fast_alpha(held.data[0], size, &at, height, width, held.data[3], held.data[4], arena_size);
    release(&held);
    return status;
}

NATIVE(jint, smoothState)(JNIEnv *env, jclass type, jint size) {
    (void)env, (void)type;
    return array_size(mmnet_smooth_state(size));
}

NATIVE(jint, smoothArena)(JNIEnv *env, jclass type, jint size) {
    (void)env, (void)type;
    return array_size(mmnet_smooth_arena(size));
}

NATIVE(jint, smooth)
(JNIEnv *env, jclass type, jbyteArray state, jbyteArray input, jint size, jint least, jint tolerance, jbyteArray alpha,
 jbyteArray arena) {
    const size_t state_size = arena_bytes(env, state), arena_size = arena_bytes(env, arena);
    (void)type;
    HOLD(held, {state, 0, 1}, {input, 3 * pixels_of(size, size), 1}, {alpha, pixels_of(size, size), 1}, {arena, 0, 1})
    const int status = mmnet_smooth(held.data[0], state_size, held.data[1], size, least, tolerance, held.data[2],
                                    held.data[3], arena_size);
    release(&held);
    return status;
}

NATIVE(jint, blurredBackgroundArena)(JNIEnv *env, jclass type, jint height, jint width) {
    (void)env, (void)type;
    return array_size(mmnet_blurred_background_arena(height, width));
}

NATIVE(jint, blurredBackground)
(JNIEnv *env, jclass type, jbyteArray image, jbyteArray alpha, jint height, jint width, jbyteArray blurred,
 jbyteArray arena) {
    const int64_t pixels = pixels_of(height, width);
    const size_t arena_size = arena_bytes(env, arena);
    (void)type;
    HOLD(held, {image, 3 * pixels, 1}, {alpha, pixels, 1}, {blurred, 3 * pixels, 1}, {arena, 0, 1})
    const int status = mmnet_blurred_background(held.data[0], held.data[1], height, width, held.data[2], held.data[3],
                                                arena_size);
    release(&held);
    return status;
}

NATIVE(jint, compositeArena)(JNIEnv *env, jclass type, jint height, jint width) {
    (void)env, (void)type;
    return array_size(mmnet_composite_arena(height, width));
}

NATIVE(jint, composite)
(JNIEnv *env, jclass type, jbyteArray image, jbyteArray alpha, jbyteArray background, jint stride, jint height,
 jint width, jboolean foreground, jbyteArray rgb, jintArray argb, jbyteArray arena) {
    const int64_t pixels = pixels_of(height, width);
    const size_t arena_size = arena_bytes(env, arena);
    (void)type;
    if (stride < 0 || width < 1) return MMNET_BAD_SIZE;
    const int64_t background_bytes = (int64_t)stride * (height - 1) + 3 * (int64_t)width;
    HOLD(held, {image, 3 * pixels, 1}, {alpha, pixels, 1}, {background, background_bytes, 1}, {rgb, 3 * pixels, 1},
         {argb, 4 * pixels, 4}, {arena, 0, 1})
    int status = mmnet_composite(held.data[0], held.data[1], held.data[2], (size_t)stride, height, width, foreground,
                                 held.data[3], held.data[5], arena_size);
    if (status == MMNET_OK) status = mmnet_rgba_from_rgb(held.data[3], NULL, (int32_t)pixels, 1, held.data[4]);
    release(&held);
    return status;
}

NATIVE(jint, cutOut)
(JNIEnv *env, jclass type, jbyteArray image, jbyteArray alpha, jint height, jint width, jboolean foreground,
 jbyteArray rgb, jintArray argb, jbyteArray arena) {
    const int64_t pixels = pixels_of(height, width);
    const size_t arena_size = arena_bytes(env, arena);
    (void)type;
    HOLD(held, {image, 3 * pixels, 1}, {alpha, pixels, 1}, {rgb, 3 * pixels, 1}, {argb, 4 * pixels, 4}, {arena, 0, 1})
    int status = MMNET_OK;
    if (foreground)
        status = mmnet_foreground(held.data[0], held.data[1], height, width, held.data[2], held.data[4], arena_size);
    if (status == MMNET_OK)
        status = mmnet_rgba_from_rgb(held.data[foreground ? 2 : 0], held.data[1], (int32_t)pixels, 1, held.data[3]);
    release(&held);
    return status;
}

NATIVE(jint, argbFromRgb)(JNIEnv *env, jclass type, jbyteArray rgb, jint count, jintArray argb) {
    (void)type;
    HOLD(held, {rgb, 3 * (int64_t)count, 1}, {argb, 4 * (int64_t)count, 4})
    const int status = mmnet_rgba_from_rgb(held.data[0], NULL, count, 1, held.data[1]);
    release(&held);
    return status;
}

NATIVE(jint, argbFromAlpha)(JNIEnv *env, jclass type, jbyteArray alpha, jint count, jintArray argb) {
    (void)type;
    HOLD(held, {alpha, count, 1}, {argb, 4 * (int64_t)count, 4})
    const int status = mmnet_rgba_from_alpha(held.data[0], count, held.data[1]);
    release(&held);
    return status;
}

NATIVE(jint, rgbFromArgb)(JNIEnv *env, jclass type, jintArray argb, jint count, jbyteArray rgb) {
    (void)type;
    HOLD(held, {argb, 4 * (int64_t)count, 4}, {rgb, 3 * (int64_t)count, 1})
    const int status = mmnet_rgb_from_rgba(held.data[0], count, 1, held.data[1]);
    release(&held);
    return status;
}
