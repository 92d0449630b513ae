/* The core's functions by way of its JNI functions (android_demo), with a stand-in for a Java virtual machine.
 *
 * server.c includes this file where THROUGH_JNI is defined: its calls of the core then go through the JNI functions, which
 * hold arrays of exactly the length that they need.
 */
#include "../../android_demo/core/src/main/cpp/jni.c"

/* An array, or a direct buffer, of the stand-in. */
typedef struct {
    void *data;
    jlong length; /* in elements */
} Array;

static int held_arrays;

static jsize array_length(JNIEnv *env, jarray array) {
    (void)env;
    return (jsize)((Array *)(void *)array)->length;
}

static void *hold_array(JNIEnv *env, jarray array, jboolean *is_copy) {
    (void)env, (void)is_copy;
    ++held_arrays;
    return ((Array *)(void *)array)->data;
}

static void release_array(JNIEnv *env, jarray array, void *data, jint mode) {
    (void)env;
    if (data != ((Array *)(void *)array)->data || mode != 0) exit(5);
    --held_arrays;
}

static void get_ints(JNIEnv *env, jintArray array, jsize start, jsize length, jint *out) {
    (void)env;
    memcpy(out, (jint *)((Array *)(void *)array)->data + start, (size_t)length * sizeof *out);
}

static void set_ints(JNIEnv *env, jintArray array, jsize start, jsize length, const jint *values) {
    (void)env;
    memcpy((jint *)((Array *)(void *)array)->data + start, values, (size_t)length * sizeof *values);
}

static jlong buffer_capacity(JNIEnv *env, jobject buffer) {
    (void)env;
    return ((Array *)(void *)buffer)->length;
}

static void *buffer_address(JNIEnv *env, jobject buffer) {
    (void)env;
    return ((Array *)(void *)buffer)->data;
}

static const struct JNINativeInterface_ machine = {
    .GetArrayLength = array_length,
    .GetPrimitiveArrayCritical = hold_array,
    .ReleasePrimitiveArrayCritical = release_array,
    .GetIntArrayRegion = get_ints,
    .SetIntArrayRegion = set_ints,
    .GetDirectBufferCapacity = buffer_capacity,
    .GetDirectBufferAddress = buffer_address,
};
static JNIEnv machine_env = &machine;

#define ENV &machine_env, NULL
#define ARRAY(type, data, length) ((type)(void *)&(Array){(void *)(uintptr_t)(data), (jlong)(length)})
#define BYTES(data, length) ARRAY(jbyteArray, data, length)
#define INTS(data, length) ARRAY(jintArray, data, length)

/* A status of the JNI functions, after which they must hold no array. */
static int released(int status) {
    if (held_arrays) exit(6);
    return status;
}

/* Ints of a placement as Java has them. */
typedef struct {
    jint values[PLACEMENT_INTS];
} Ints;

static Ints ints_of(const mmnet_placement *from) {
    const mmnet_rectangle seen = from->seen, filled = from->filled;
    return (Ints){{seen.top, seen.left, seen.height, seen.width, filled.top, filled.left, filled.height, filled.width}};
}

/* Whether the pixels 0xAARRGGBB have the colours and the alpha of arrays; without alpha they are opaque. */
static void compare(const jint *argb, const uint8_t *rgb, const uint8_t *alpha, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const uint32_t opacity = alpha ? alpha[i] : 255;
        const uint32_t pixel = opacity << 24 | (uint32_t)rgb[3 * i] << 16 | (uint32_t)rgb[3 * i + 1] << 8 | rgb[3 * i + 2];
        if ((uint32_t)argb[i] != pixel) exit(7);
    }
}

static int place(int32_t fit, int32_t height, int32_t width, int32_t size, mmnet_placement *out) {
    Ints ints;
    const int status = Java_ai_mmnet_core_NativeCore_place(ENV, fit, height, width, size, INTS(ints.values, PLACEMENT_INTS));
    return status == MMNET_OK ? read_placement(&machine_env, INTS(ints.values, PLACEMENT_INTS), out) : status;
}

static int rgb_from_yuv(const mmnet_plane *y, const mmnet_plane *u, const mmnet_plane *v, int32_t height, int32_t width,
                        int32_t rotation, int32_t mirrored, uint8_t *image) {
#define PLANE(p) ARRAY(jobject, (p)->data, (p)->size), (p)->row_stride, (p)->pixel_stride
    return released(Java_ai_mmnet_core_NativeCore_rgbFromYuv(ENV, PLANE(y), PLANE(u), PLANE(v), height, width, rotation,
                                                             (jboolean)mirrored, BYTES(image, 3 * height * width)));
}

static int orient(const uint8_t *source, int32_t height, int32_t width, int32_t pixel, int32_t rotation,
                  int32_t mirrored, int32_t inverse, uint8_t *out) {
    const jlong bytes = (jlong)pixel * height * width;
    return released(Java_ai_mmnet_core_NativeCore_orient(ENV, BYTES(source, bytes), height, width, pixel, rotation,
                                                         (jboolean)mirrored, (jboolean)inverse, BYTES(out, bytes)));
}

static size_t model_input_arena(const mmnet_placement *placement) {
    const Ints ints = ints_of(placement);
    return (size_t)Java_ai_mmnet_core_NativeCore_modelInputArena(ENV, INTS(ints.values, PLACEMENT_INTS));
}

static int model_input(const uint8_t *image, int32_t height, int32_t width, const mmnet_placement *placement,
                       int32_t size, uint8_t *input, void *arena, size_t arena_size) {
    const Ints ints = ints_of(placement);
    return released(Java_ai_mmnet_core_NativeCore_modelInput(
        ENV, BYTES(image, 3 * height * width), height, width, INTS(ints.values, PLACEMENT_INTS), size,
        BYTES(input, 3 * size * size), BYTES(arena, arena_size)));
}

static size_t alpha_arena(int fine, int32_t size, const mmnet_placement *placement) {
    const Ints ints = ints_of(placement);
    return (size_t)Java_ai_mmnet_core_NativeCore_alphaArena(ENV, (jboolean)fine, size, INTS(ints.values, PLACEMENT_INTS));
}

static int any_alpha(int fine, const uint8_t *model_alpha, const uint8_t *input, int32_t size,
                     const mmnet_placement *placement, const uint8_t *image, int32_t height, int32_t width,
                     uint8_t *alpha, void *arena, size_t arena_size) {
    const Ints ints = ints_of(placement);
    return released(Java_ai_mmnet_core_NativeCore_alpha(
        ENV, (jboolean)fine, BYTES(model_alpha, size * size), BYTES(input, 3 * size * size), size,
        INTS(ints.values, PLACEMENT_INTS), BYTES(image, 3 * height * width), height, width,
        BYTES(alpha, height * width), BYTES(arena, arena_size)));
}

static int smooth(uint8_t *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least,
                  int32_t tolerance, uint8_t *alpha, void *arena, size_t arena_size) {
    return released(Java_ai_mmnet_core_NativeCore_smooth(ENV, BYTES(state, state_size), BYTES(input, 3 * size * size),
                                                         size, least, tolerance, BYTES(alpha, size * size),
                                                         BYTES(arena, arena_size)));
}

static int blur(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width, uint8_t *out, void *arena,
                size_t arena_size) {
    const jlong pixels = (jlong)height * width;
    return released(Java_ai_mmnet_core_NativeCore_blurredBackground(ENV, BYTES(image, 3 * pixels), BYTES(alpha, pixels),
                                                                    height, width, BYTES(out, 3 * pixels),
                                                                    BYTES(arena, arena_size)));
}

static int composite_pixels(const uint8_t *image, const uint8_t *alpha, const uint8_t *background, size_t stride, int32_t height,
               int32_t width, int32_t foreground, uint8_t *out, void *arena, size_t arena_size) {
    const jlong pixels = (jlong)height * width, behind = (jlong)stride * (height - 1) + 3 * (jlong)width;
    jint *argb = malloc((size_t)pixels * sizeof *argb);
    const int status = released(Java_ai_mmnet_core_NativeCore_composite(
        ENV, BYTES(image, 3 * pixels), BYTES(alpha, pixels), BYTES(background, behind), (jint)stride, height, width,
        (jboolean)foreground, BYTES(out, 3 * pixels), INTS(argb, pixels), BYTES(arena, arena_size)));
    if (status == MMNET_OK) compare(argb, out, NULL, (size_t)pixels);
    free(argb);
    return status;
}

static int colours(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width, uint8_t *out, void *arena,
                   size_t arena_size) {
    const jlong pixels = (jlong)height * width;
    jint *argb = malloc((size_t)pixels * sizeof *argb);
    const int status = released(Java_ai_mmnet_core_NativeCore_cutOut(
        ENV, BYTES(image, 3 * pixels), BYTES(alpha, pixels), height, width, 1, BYTES(out, 3 * pixels),
        INTS(argb, pixels), BYTES(arena, arena_size)));
    if (status == MMNET_OK) compare(argb, out, alpha, (size_t)pixels);
    free(argb);
    return status;
}

#define mmnet_place place
#define mmnet_rgb_from_yuv rgb_from_yuv
#define mmnet_orient orient
#define mmnet_model_input_arena model_input_arena
#define mmnet_model_input model_input
#define mmnet_fast_alpha_arena(placement) alpha_arena(0, 1, placement)
#define mmnet_fast_alpha(model_alpha, size, placement, height, width, alpha, arena, bytes)                             \
    any_alpha(0, model_alpha, model_alpha, size, placement, alpha, height, width, alpha, arena, bytes)
#define mmnet_fine_alpha_arena(size, placement) alpha_arena(1, size, placement)
#define mmnet_fine_alpha(...) any_alpha(1, __VA_ARGS__)
#define mmnet_smooth_state(size) (size_t) Java_ai_mmnet_core_NativeCore_smoothState(ENV, size)
#define mmnet_smooth_arena(size) (size_t) Java_ai_mmnet_core_NativeCore_smoothArena(ENV, size)
#define mmnet_smooth smooth
#define mmnet_blurred_background_arena(height, width)                                                                  \
    (size_t) Java_ai_mmnet_core_NativeCore_blurredBackgroundArena(ENV, height, width)
#define mmnet_blurred_background blur
#define mmnet_composite_arena(height, width) (size_t) Java_ai_mmnet_core_NativeCore_compositeArena(ENV, height, width)
#define mmnet_composite composite_pixels
#define mmnet_foreground colours
