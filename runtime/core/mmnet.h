/* The steps before and after the network, in integers and single IEEE 754 operations: the same bytes on every platform.
 *
 * docs/internals/preprocessing.md and docs/internals/full-resolution.md specify the steps; the NumPy code of
 * mmnet.runtime is the reference, and computes the same bytes.
 *
 * Images are rows of bytes without gaps: 3 per pixel (R, G, B) or 1 per pixel (alpha: 255 is the foreground). Sides are
 * in pixels, at least 1 and at most MMNET_MAX_SIDE, and an image has at most MMNET_MAX_PIXELS. Output arrays must not
 * overlap input arrays.
 *
 * The library allocates nothing and keeps no state: any number of threads may call it at once, each with its own
 * arena. An arena is memory of the caller, of any alignment; its content has no meaning between calls. A function that
 * takes one has a companion, `…_arena`, which returns the bytes that it needs for some sizes (0 if a size is not
 * allowed). Functions return a status. Where it is not MMNET_OK, the output has no meaning.
 */
#ifndef MMNET_H
#define MMNET_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define MMNET_API __declspec(dllexport)
#else
#define MMNET_API __attribute__((visibility("default")))
#endif

enum {
    MMNET_OK = 0,
    MMNET_BAD_SIZE = 1,    /* a side, a rectangle or a stride is not allowed */
    MMNET_BAD_VALUE = 2,   /* another argument is not allowed, such as a null pointer */
    MMNET_SMALL_ARENA = 3, /* the arena is smaller than the companion function says */
};

enum { MMNET_MAX_SIDE = 65535, MMNET_MAX_PIXELS = 1 << 28, MMNET_MAX_MODEL_SIDE = 4096 };

/* The ways to place an image in the model's square (preprocessing.md, section 3). */
enum { MMNET_STRETCH = 0, MMNET_CROP = 1, MMNET_LETTERBOX = 2 };

typedef struct {
    int32_t top, left, height, width;
} mmnet_rectangle;

/* The part of the image that the network sees, and the part of its square that this fills. */
typedef struct {
    mmnet_rectangle seen, filled;
} mmnet_placement;

/* A plane of a camera frame: sample (r, c) is data[r · row_stride + c · pixel_stride]. */
typedef struct {
    const uint8_t *data;
    size_t size; /* in bytes; no byte beyond is read */
    int32_t row_stride, pixel_stride;
} mmnet_plane;

/* Return the placement of an image in the model's square for a fit. */
MMNET_API int mmnet_place(int32_t fit, int32_t height, int32_t width, int32_t size, mmnet_placement *placement);

/* Convert a camera frame, YUV_420_888, to an upright RGB image (sections 1 and 2). The frame has `height` × `width`
 * pixels as in the sensor; `rotation` is 0, 90, 180 or 270 degrees clockwise, and then it is mirrored if asked for. */
MMNET_API int mmnet_rgb_from_yuv(const mmnet_plane *y, const mmnet_plane *u, const mmnet_plane *v, int32_t height,
                                 int32_t width, int32_t rotation, int32_t mirrored, uint8_t *image);

/* Turn an image upright (section 2), or back: `inverse`. `height` and `width` are those of the frame in both cases;
 * `pixel` is 1, 3 or 4, the bytes of a pixel. */
MMNET_API int mmnet_orient(const uint8_t *source, int32_t height, int32_t width, int32_t pixel, int32_t rotation,
                           int32_t mirrored, int32_t inverse, uint8_t *out);

/* Scale an image of 1 or 3 channels (section 4). Strides are the bytes from one row to the next. */
MMNET_API size_t mmnet_resample_arena(int32_t height, int32_t width, int32_t channels, int32_t out_height,
                                      int32_t out_width);
MMNET_API int mmnet_resample(const uint8_t *source, size_t stride, int32_t height, int32_t width, int32_t channels,
                             uint8_t *out, size_t out_stride, int32_t out_height, int32_t out_width, void *arena,
                             size_t arena_size);

/* Compute the model's input, [size, size, 3], of the part of an image that the network sees. */
MMNET_API size_t mmnet_model_input_arena(const mmnet_placement *placement);
MMNET_API int mmnet_model_input(const uint8_t *image, int32_t height, int32_t width, const mmnet_placement *placement,
                                int32_t size, uint8_t *input, void *arena, size_t arena_size);

/* Scale the model's alpha, [size, size], to the image, bilinearly (section 5): the alpha of the profile `fast`. It is 0
 * outside what the network saw. */
MMNET_API size_t mmnet_fast_alpha_arena(const mmnet_placement *placement);
MMNET_API int mmnet_fast_alpha(const uint8_t *model_alpha, int32_t size, const mmnet_placement *placement,
                               int32_t height, int32_t width, uint8_t *alpha, void *arena, size_t arena_size);

/* Scale the model's alpha to the image with the image as the guide (full-resolution.md): the alpha of the profile
 * `fine`. `input` is what the network saw, [size, size, 3]. */
MMNET_API size_t mmnet_fine_alpha_arena(int32_t size, const mmnet_placement *placement);
MMNET_API int mmnet_fine_alpha(const uint8_t *model_alpha, const uint8_t *input, int32_t size,
                               const mmnet_placement *placement, const uint8_t *image, int32_t height, int32_t width,
                               uint8_t *alpha, void *arena, size_t arena_size);

/* Smooth the alphas of a video, one after the other (section 10). `alpha`, [size, size], is replaced by the smoothed
 * alpha; `input` is what the network saw, [size, size, 3]. `state` is memory of the caller that lives as long as the
 * video; `mmnet_smooth_state` returns how many bytes. It begins as zeros. Where its first byte is 0, the frame is the
 * first of a scene, and its alpha stays. `least` is the weight of a new alpha where nothing but noise changed: 1 to
 * 256; 256 smooths nothing. `tolerance` is the residual at which the new alpha has the whole weight, in 1/400 of a grey
 * level. mmnet_smooth_words takes alphas of 16 bits, of which 65535 is the foreground. */
enum { MMNET_SMOOTH_LEAST = 64, MMNET_SMOOTH_TOLERANCE = 1600 };
MMNET_API size_t mmnet_smooth_state(int32_t size);
MMNET_API size_t mmnet_smooth_arena(int32_t size);
MMNET_API int mmnet_smooth(void *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least,
                           int32_t tolerance, uint8_t *alpha, void *arena, size_t arena_size);
MMNET_API int mmnet_smooth_words(void *state, size_t state_size, const uint8_t *input, int32_t size, int32_t least,
                                 int32_t tolerance, uint16_t *alpha, void *arena, size_t arena_size);

/* Blur the background of an image without the colours of its foreground (section 6). */
MMNET_API size_t mmnet_blurred_background_arena(int32_t height, int32_t width);
MMNET_API int mmnet_blurred_background(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width,
                                       uint8_t *blurred, void *arena, size_t arena_size);

/* Estimate the colours of the foreground: RGB where 0 < alpha < 255, elsewhere the image's own (full-resolution.md). */
MMNET_API size_t mmnet_foreground_arena(int32_t height, int32_t width);
MMNET_API int mmnet_foreground(const uint8_t *image, const uint8_t *alpha, int32_t height, int32_t width, uint8_t *out,
                               void *arena, size_t arena_size);

/* Composite an image over a background of RGB rows (section 6): with the estimated colours of the foreground if
 * `foreground`, else with the image's own. `background_stride` is the bytes from one row to the next; 0 repeats one
 * row. */
MMNET_API size_t mmnet_composite_arena(int32_t height, int32_t width);
MMNET_API int mmnet_composite(const uint8_t *image, const uint8_t *alpha, const uint8_t *background,
                              size_t background_stride, int32_t height, int32_t width, int32_t foreground, uint8_t *out,
                              void *arena, size_t arena_size);

/* Convert pixels of 4 bytes to RGB and back. The 4 bytes are R, G, B, A, or B, G, R, A if `swapped` (an Android colour,
 * 0xAARRGGBB, in the memory of a little-endian machine). `alpha` gives the fourth byte; NULL stands for 255. */
MMNET_API int mmnet_rgb_from_rgba(const uint8_t *rgba, int32_t count, int32_t swapped, uint8_t *rgb);
MMNET_API int mmnet_rgba_from_rgb(const uint8_t *rgb, const uint8_t *alpha, int32_t count, int32_t swapped,
                                  uint8_t *rgba);

/* Write an alpha as opaque grey pixels of 4 bytes. */
MMNET_API int mmnet_rgba_from_alpha(const uint8_t *alpha, int32_t count, uint8_t *rgba);

#endif
