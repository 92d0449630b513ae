/* Answers the requests of `java_core.py` and `core_cases.py` with the core: a program for emulated processors.
 *
 * It reads requests from standard input and writes the answers to standard output, until the input ends. Each request
 * and each answer is a length in bytes, a big-endian int, and then its bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mmnet.h"
#ifdef THROUGH_JNI
#include "through_jni.h"
#endif

static const uint8_t *at; /* the next field of the request */
static uint8_t *answer;
static size_t answered;

static void *allocate(size_t size) {
    void *memory = malloc(size ? size : 1);
    if (!memory) exit(2);
    memset(memory, 99, size); /* as an earlier run may have left it */
    return memory;
}

static int32_t read_int(void) {
    const uint32_t value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    at += 4;
    return (int32_t)value;
}

static const uint8_t *read_array(size_t *size) {
    const int32_t length = read_int();
    const uint8_t *array = at;
    at += length;
    if (size) *size = (size_t)length;
    return array;
}

static void give(const void *bytes, size_t size) {
    answer = realloc(answer, answered + size + 1);
    if (!answer) exit(2);
    memcpy(answer + answered, bytes, size);
    answered += size;
}

static void give_int(int32_t value) {
    const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    give(bytes, sizeof bytes);
}

static void check(int status) {
    if (status != MMNET_OK) {
        fprintf(stderr, "the core returned %d\n", status);
        exit(1);
    }
}

static void give_model_input(const uint8_t *image, int32_t height, int32_t width, const mmnet_placement *placement,
                             int32_t size, uint8_t *input) {
    const size_t bytes = mmnet_model_input_arena(placement);
    void *arena = allocate(bytes);
    check(mmnet_model_input(image, height, width, placement, size, input, arena, bytes));
    give(input, 3 * (size_t)size * (size_t)size);
    free(arena);
}

static void frame(int is_yuv) {
    const int32_t height = read_int(), width = read_int(), rotation = read_int(), mirrored = read_int();
    const int32_t fit = read_int() % 3, size = read_int(); /* the first pass of AUTO stretches */
    const int32_t h = rotation % 180 ? width : height, w = rotation % 180 ? height : width;
    const size_t bytes = 3 * (size_t)h * (size_t)w;
    uint8_t *image = allocate(bytes), *input = allocate(3 * (size_t)size * (size_t)size);
    if (is_yuv) {
        mmnet_plane planes[3];
        for (int i = 0; i < 3; ++i) {
            planes[i].row_stride = read_int();
            planes[i].pixel_stride = read_int();
            planes[i].data = read_array(&planes[i].size);
        }
        check(mmnet_rgb_from_yuv(planes, planes + 1, planes + 2, height, width, rotation, mirrored, image));
        give_int(h);
        give_int(w);
    } else {
        check(mmnet_orient(read_array(NULL), height, width, 3, rotation, mirrored, 0, image));
    }
    mmnet_placement placement;
    check(mmnet_place(fit, h, w, size, &placement));
    give(image, bytes);
    give_model_input(image, h, w, &placement, size, input);
    free(image);
    free(input);
}

static void fast_alpha(void) {
    const int32_t height = read_int(), width = read_int(), rotation = read_int(), mirrored = read_int();
    const int32_t fit = read_int() % 3, size = read_int();
    const int32_t h = rotation % 180 ? width : height, w = rotation % 180 ? height : width;
    const size_t pixels = (size_t)h * (size_t)w;
    const uint8_t *model_alpha = read_array(NULL);
    mmnet_placement placement;
    check(mmnet_place(fit, h, w, size, &placement));
    const size_t bytes = mmnet_fast_alpha_arena(&placement);
    uint8_t *alpha = allocate(pixels), *back = allocate(pixels), *arena = allocate(bytes);
    check(mmnet_fast_alpha(model_alpha, size, &placement, h, w, alpha, arena, bytes));
    check(mmnet_orient(alpha, height, width, 1, rotation, mirrored, 1, back));
    give(alpha, pixels);
    give(back, pixels);
    free(alpha);
    free(back);
    free(arena);
}

static void composite(void) {
    const int32_t colour = read_int();
    size_t bytes, pixels;
    const uint8_t *image = read_array(&bytes), *alpha = read_array(&pixels), *background = read_array(NULL);
    int32_t height = (int32_t)(pixels / 65536) + 1; /* the request has no sides: any that the core takes will do */
    while (pixels % (size_t)height) ++height;
    const int32_t width = (int32_t)(pixels / (size_t)height);
    const size_t row_bytes = 3 * (size_t)width, arena_size = mmnet_composite_arena(height, width);
    uint8_t *row = allocate(row_bytes), *out = allocate(bytes), *arena = allocate(arena_size);
    for (size_t i = 0; i < row_bytes; ++i) row[i] = (uint8_t)(colour >> (16 - 8 * (i % 3)));
    check(mmnet_composite(image, alpha, background, row_bytes, height, width, 0, out, arena, arena_size));
    give(out, bytes);
    check(mmnet_composite(image, alpha, row, 0, height, width, 0, out, arena, arena_size));
    give(out, bytes);
    free(row);
    free(out);
    free(arena);
}

static void blurred_background(void) {
    const int32_t height = read_int(), width = read_int();
    size_t bytes;
    const uint8_t *image = read_array(&bytes), *alpha = read_array(NULL);
    const size_t arena_size = mmnet_blurred_background_arena(height, width);
    uint8_t *out = allocate(bytes), *arena = allocate(arena_size);
    check(mmnet_blurred_background(image, alpha, height, width, out, arena, arena_size));
    give(out, bytes);
    free(out);
    free(arena);
}

static void fine_alpha(void) {
    const int32_t height = read_int(), width = read_int(), size = read_int();
    mmnet_placement placement;
    for (int i = 0; i < 2; ++i) {
        mmnet_rectangle *part = i ? &placement.filled : &placement.seen;
        part->top = read_int(), part->left = read_int(), part->height = read_int(), part->width = read_int();
    }
    const uint8_t *image = read_array(NULL), *model_alpha = read_array(NULL);
    const size_t pixels = (size_t)height * (size_t)width, arena_size = mmnet_fine_alpha_arena(size, &placement);
    uint8_t *input = allocate(3 * (size_t)size * (size_t)size), *alpha = allocate(pixels);
    uint8_t *arena = allocate(arena_size);
    give_model_input(image, height, width, &placement, size, input);
    check(mmnet_fine_alpha(model_alpha, input, size, &placement, image, height, width, alpha, arena, arena_size));
    give(alpha, pixels);
    free(input);
    free(alpha);
    free(arena);
}

static void fine_composite(void) {
    const int32_t height = read_int(), width = read_int();
    size_t bytes;
    const uint8_t *image = read_array(&bytes), *alpha = read_array(NULL), *background = read_array(NULL);
    const size_t arena_size = mmnet_composite_arena(height, width);
    uint8_t *out = allocate(bytes), *arena = allocate(arena_size);
    check(mmnet_foreground(image, alpha, height, width, out, arena, arena_size));
    give(out, bytes);
    check(mmnet_composite(image, alpha, background, 3 * (size_t)width, height, width, 1, out, arena, arena_size));
    give(out, bytes);
    free(out);
    free(arena);
}

static void smoothing(void) {
    const int32_t size = read_int(), least = read_int(), tolerance = read_int();
    const size_t pixels = (size_t)size * (size_t)size, state_size = mmnet_smooth_state(size);
    const size_t arena_size = mmnet_smooth_arena(size);
    uint8_t *state = allocate(state_size), *alpha = allocate(pixels), *arena = allocate(arena_size);
    *state = 0; /* the first byte alone says that there is no frame before */
    for (int32_t left = read_int(); left > 0; --left) {
        const uint8_t *input = read_array(NULL);
        memcpy(alpha, read_array(NULL), pixels);
        check(mmnet_smooth(state, state_size, input, size, least, tolerance, alpha, arena, arena_size));
        give(alpha, pixels);
    }
    free(state);
    free(alpha);
    free(arena);
}

static void respond(void) {
    switch (read_int()) {
    case 0: frame(1); break;
    case 1: fast_alpha(); break;
    case 2: composite(); break;
    case 3: blurred_background(); break;
    case 5: frame(0); break;
    case 9: fine_alpha(); break;
    case 10: fine_composite(); break;
    case 14: smoothing(); break;
    default: exit(3);
    }
}

int main(void) {
    uint8_t head[4];
    while (fread(head, 1, 4, stdin) == 4) {
        at = head;
        const size_t length = (size_t)read_int();
        uint8_t *request = allocate(length);
        if (fread(request, 1, length, stdin) != length) return 4;
        at = request;
        answered = 0;
        respond();
        for (int shift = 24; shift >= 0; shift -= 8) putchar((int)(answered >> shift & 255));
        fwrite(answer, 1, answered, stdout);
        fflush(stdout);
        free(request);
    }
    free(answer);
    return 0;
}
