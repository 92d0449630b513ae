/* Calls every function of the core with random arguments, allowed or not, in arrays of exactly the size that the
 * arguments ask for. Built with the sanitizers for addresses and undefined behaviour, it ends at the first error.
 *
 *     fuzz SEED SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mmnet.h"

static uint64_t state;
static unsigned long statuses[4];

static uint32_t draw(uint32_t below) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (uint32_t)(state >> 20) % below;
}

static uint8_t *bytes_of(size_t size) {
    uint8_t *bytes = malloc(size ? size : 1);
    if (!bytes) exit(2);
    const uint32_t kind = draw(4);
    for (size_t i = 0; i < size; ++i) bytes[i] = kind == 0 ? 0 : kind == 1 ? 255 : (uint8_t)draw(256);
    return bytes;
}

/* A side, mostly an allowed one. */
static int32_t side(void) {
    switch (draw(24)) {
    case 0: return 0;
    case 1: return -1 - (int32_t)draw(3);
    case 2: return (int32_t)draw(900) + 1;
    case 3: return (int32_t)draw(1u << 31);
    case 4: return INT32_MAX;
    case 5: return 65534 + (int32_t)draw(3);
    default: return (int32_t)draw(90) + 1;
    }
}

static int is_small(int32_t height, int32_t width) {
    return height > 0 && width > 0 && (int64_t)height * width <= 300000;
}

/* Pixels of an image; 1 where the sides are not allowed: then the function must not touch it. */
static size_t pixels_of(int32_t height, int32_t width) {
    return is_small(height, width) ? (size_t)height * (size_t)width : 1;
}

static int32_t most_of(int32_t whole) { return whole > 0 ? (int32_t)draw((uint32_t)whole) : 0; }

static mmnet_rectangle rectangle_in(int32_t height, int32_t width) {
    const int32_t top = most_of(height), left = most_of(width);
    mmnet_rectangle part = {top, left, 1 + most_of(height - top), 1 + most_of(width - left)};
    switch (draw(16)) {
    case 0: part.top = side(); break;
    case 1: part.height = side(); break;
    case 2: part.left = -1; break;
    case 3: part.width = INT32_MAX; break;
    default: break;
    }
    return part;
}

static void count(int status) {
    if (status < 0 || status > MMNET_SMALL_ARENA) {
        fprintf(stderr, "a status of %d\n", status);
        exit(1);
    }
    ++statuses[status];
}

/* An arena of the size that is needed, or a smaller one. */
static uint8_t *arena_of(size_t needed, size_t *size) {
    *size = needed;
    if (needed > 1u << 24) *size = draw(1000);
    if (draw(8) == 0 && *size) *size = draw((uint32_t)*size);
    return bytes_of(*size);
}

static void fuzz_frame(void) {
    static const int32_t angles[] = {0, 90, 180, 270, 45};
    const int32_t height = side(), width = side(), rotation = angles[draw(5)];
    const int32_t pixel = (int32_t)draw(5);
    mmnet_plane planes[3];
    for (int i = 0; i < 3; ++i) {
        const int32_t rows = i ? (int32_t)(((int64_t)height + 1) / 2) : height;
        const int32_t columns = i ? (int32_t)(((int64_t)width + 1) / 2) : width;
        planes[i].pixel_stride = draw(20) ? 1 + (int32_t)draw(3) : side();
        planes[i].row_stride = draw(20) ? columns : side();
        planes[i].size = draw(20) ? pixels_of(rows, columns) * 3 + 8 : draw(64);
        planes[i].data = bytes_of(planes[i].size);
    }
    if (!is_small(height, width) && height > 0 && width > 0) planes[0].row_stride = 0; /* too large to be allocated */
    const size_t size = pixels_of(height, width);
    uint8_t *image = bytes_of(3 * size), *moved = bytes_of(4 * size), *source = bytes_of(4 * size);
    count(mmnet_rgb_from_yuv(planes, planes + 1, planes + 2, height, width, rotation, (int32_t)draw(2), image));
    if (is_small(height, width) || height < 1 || width < 1)
        count(mmnet_orient(source, height, width, pixel, rotation, (int32_t)draw(2), (int32_t)draw(2), moved));
    for (int i = 0; i < 3; ++i) free((void *)planes[i].data);
    free(image);
    free(moved);
    free(source);
}

static void fuzz_alpha(void) {
    const int32_t height = side(), width = side(), size = draw(20) ? 1 + (int32_t)draw(40) : side();
    mmnet_placement placement = {rectangle_in(height, width), rectangle_in(size, size)};
    if (draw(3) == 0) count(mmnet_place((int32_t)draw(4), height, width, size, &placement));
    const int usable = (is_small(height, width) || height < 1 || width < 1) && (is_small(size, size) || size < 1);
    if (!usable) return;
    const size_t pixels = pixels_of(height, width), squares = pixels_of(size, size);
    uint8_t *image = bytes_of(3 * pixels), *input = bytes_of(3 * squares), *model_alpha = bytes_of(squares);
    uint8_t *alpha = bytes_of(pixels);
    size_t room;
    uint8_t *arena = arena_of(mmnet_model_input_arena(&placement), &room);
    count(mmnet_model_input(image, height, width, &placement, size, input, arena, room));
    free(arena);
    arena = arena_of(mmnet_fast_alpha_arena(&placement), &room);
    count(mmnet_fast_alpha(model_alpha, size, &placement, height, width, alpha, arena, room));
    free(arena);
    arena = arena_of(mmnet_fine_alpha_arena(size, &placement), &room);
    count(mmnet_fine_alpha(model_alpha, input, size, &placement, image, height, width, alpha, arena, room));
    free(arena);
    free(image);
    free(input);
    free(model_alpha);
    free(alpha);
}

static void fuzz_composite(void) {
    const int32_t height = side(), width = side();
    if (!is_small(height, width) && height > 0 && width > 0) return;
    const size_t pixels = pixels_of(height, width), row = 3 * (size_t)(width > 0 ? width : 1);
    const size_t stride = draw(4) == 0 ? 0 : draw(8) == 0 ? draw((uint32_t)row) : row;
    uint8_t *image = bytes_of(3 * pixels), *alpha = bytes_of(pixels), *out = bytes_of(3 * pixels);
    uint8_t *background = bytes_of(stride ? 3 * pixels : row);
    size_t room;
    uint8_t *arena = arena_of(mmnet_composite_arena(height, width), &room);
    count(mmnet_composite(image, alpha, background, stride, height, width, (int32_t)draw(2), out, arena, room));
    count(mmnet_foreground(image, alpha, height, width, out, arena, room));
    free(arena);
    arena = arena_of(mmnet_blurred_background_arena(height, width), &room);
    count(mmnet_blurred_background(image, alpha, height, width, out, arena, room));
    free(arena);
    free(image);
    free(alpha);
    free(out);
    free(background);
}

static void fuzz_resample(void) {
    const int32_t height = side(), width = side(), out_height = side(), out_width = side();
    const int32_t channels = (int32_t)draw(5);
    const int fits = is_small(height, width) && is_small(out_height, out_width);
    if (!fits && height > 0 && width > 0 && out_height > 0 && out_width > 0) return;
    const size_t depth = (size_t)channels, padding = draw(3);
    const size_t stride = (width > 0 ? (size_t)width : 1) * depth + padding;
    const size_t out_stride = (out_width > 0 ? (size_t)out_width : 1) * depth + padding;
    uint8_t *source = bytes_of(fits ? (size_t)height * stride : 1);
    uint8_t *out = bytes_of(fits ? (size_t)out_height * out_stride : 1);
    size_t room;
    uint8_t *arena = arena_of(mmnet_resample_arena(height, width, channels, out_height, out_width), &room);
    count(mmnet_resample(source, draw(16) ? stride : 0, height, width, channels, out, draw(16) ? out_stride : SIZE_MAX,
                         out_height, out_width, arena, room));
    free(arena);
    free(source);
    free(out);
}

static void fuzz_pixels(void) {
    const int32_t size = draw(8) ? (int32_t)draw(500) : -(int32_t)draw(500);
    const size_t pixels = size > 0 ? (size_t)size : 0;
    uint8_t *rgba = bytes_of(4 * pixels), *rgb = bytes_of(3 * pixels), *alpha = bytes_of(pixels);
    count(mmnet_rgb_from_rgba(rgba, size, (int32_t)draw(2), rgb));
    count(mmnet_rgba_from_rgb(rgb, draw(2) ? alpha : NULL, size, (int32_t)draw(2), rgba));
    count(mmnet_rgba_from_alpha(alpha, size, rgba));
    free(rgba);
    free(rgb);
    free(alpha);
}

static void fuzz_smoothing(void) {
    const int32_t size = draw(20) ? 1 + (int32_t)draw(90) : side();
    if (!is_small(size, size) && size > 0) return;
    const int32_t least = draw(20) ? 1 + (int32_t)draw(256) : side(), tolerance = draw(20) ? 1600 : side();
    const size_t pixels = pixels_of(size, size), needed = mmnet_smooth_state(size);
    const size_t state_size = draw(20) || !needed ? needed : draw((uint32_t)needed);
    uint8_t *state = bytes_of(state_size), *input = bytes_of(3 * pixels), *alpha = bytes_of(2 * pixels);
    size_t room;
    uint8_t *arena = arena_of(mmnet_smooth_arena(size), &room);
    count(mmnet_smooth(state, state_size, input, size, least, tolerance, alpha, arena, room));
    count(mmnet_smooth_words(state, state_size, input, size, least, tolerance, (uint16_t *)alpha, arena, room));
    free(arena);
    free(state);
    free(input);
    free(alpha);
}

int main(int argc, char **argv) {
    static void (*const targets[])(void) = {fuzz_frame, fuzz_alpha, fuzz_composite, fuzz_resample, fuzz_pixels,
                                           fuzz_smoothing};
    if (argc != 3) return 2;
    state = strtoull(argv[1], NULL, 10) * 2654435761u + 88172645463325252u;
    const time_t end = time(NULL) + atoi(argv[2]);
    unsigned long calls = 0;
    while (time(NULL) < end)
        for (int i = 0; i < 20; ++i, ++calls) targets[draw(6)]();
    printf("%lu rounds; %lu calls computed, %lu refused a size, %lu a value, %lu a small arena\n", calls, statuses[0],
           statuses[1], statuses[2], statuses[3]);
    return 0;
}
