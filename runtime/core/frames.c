/* Camera frames: colours and orientation (preprocessing.md, sections 1 and 2). */
#include "internal.h"

/* Where the pixels of a frame lie in the upright image: pixel (r, c) at origin + r · row + c · column. */
typedef struct {
    Index origin, row, column;
} Steps;

static int is_rotation(int32_t rotation) {
    return rotation == 0 || rotation == 90 || rotation == 180 || rotation == 270;
}

static Steps steps_of(Index height, Index width, int32_t rotation, int mirrored) {
    const Index out_width = rotation % 180 ? height : width;
    Steps steps = {0, width, 1}; /* of the turned image, before it is mirrored */
    if (rotation == 90) steps = (Steps){height - 1, -1, height};
    if (rotation == 180) steps = (Steps){height * width - 1, -width, -1};
    if (rotation == 270) steps = (Steps){(width - 1) * height, 1, -height};
    if (mirrored) { /* column x becomes column out_width - 1 - x */
        const Index column = steps.origin % out_width;
        steps.origin += out_width - 1 - 2 * column;
        if (rotation % 180)
            steps.row = -steps.row;
        else
            steps.column = -steps.column;
    }
    return steps;
}

INLINE void move_pixels(const uint8_t *source, Index height, Index width, Index pixel, Steps steps, int inverse,
                        uint8_t *out) {
    for (Index row = 0; row < height; ++row)
        for (Index column = 0; column < width; ++column) {
            const Index frame = (row * width + column) * pixel;
            const Index upright = (steps.origin + row * steps.row + column * steps.column) * pixel;
            for (Index c = 0; c < pixel; ++c)
                out[(inverse ? frame : upright) + c] = source[(inverse ? upright : frame) + c];
        }
}

int mmnet_orient(const uint8_t *source, int32_t height, int32_t width, int32_t pixel, int32_t rotation,
                 int32_t mirrored, int32_t inverse, uint8_t *out) {
    if (!source || !out || !is_rotation(rotation)) return MMNET_BAD_VALUE;
    if (!is_image(height, width)) return MMNET_BAD_SIZE;
    const Steps steps = steps_of(height, width, rotation, mirrored);
    if (pixel == 1)
        move_pixels(source, height, width, 1, steps, inverse, out);
    else if (pixel == 3)
        move_pixels(source, height, width, 3, steps, inverse, out);
    else if (pixel == 4)
        move_pixels(source, height, width, 4, steps, inverse, out);
    else
        return MMNET_BAD_SIZE;
    return MMNET_OK;
}

INLINE uint8_t clamp(int32_t value) { return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value); }

/* Convert one row of a frame. The chroma of a pair of pixels is that of their shared sample. */
static void convert_row(const uint8_t *luma, Index luma_step, const uint8_t *u, Index u_step, const uint8_t *v,
                        Index v_step, Index width, Index column, uint8_t *out) {
    for (Index x = 0; x < width; x += 2, u += u_step, v += v_step) {
        const int32_t blueness = *u - 128, redness = *v - 128;
        const int32_t red = (91881 * redness + 32768) >> 16, blue = (116130 * blueness + 32768) >> 16;
        const int32_t green = (-22554 * blueness - 46802 * redness + 32768) >> 16;
        for (Index i = x; i < x + 2 && i < width; ++i, luma += luma_step, out += 3 * column) {
            out[0] = clamp(*luma + red);
            out[1] = clamp(*luma + green);
            out[2] = clamp(*luma + blue);
        }
    }
}

/* Whether a plane has all samples of rows × columns. */
static int is_plane(const mmnet_plane *plane, int32_t rows, int32_t columns) {
    if (plane->row_stride < 1 || plane->pixel_stride < 1) return 0;
    const int64_t last = (int64_t)(rows - 1) * plane->row_stride + (int64_t)(columns - 1) * plane->pixel_stride;
    return (uint64_t)last < plane->size;
}

int mmnet_rgb_from_yuv(const mmnet_plane *y, const mmnet_plane *u, const mmnet_plane *v, int32_t height, int32_t width,
                       int32_t rotation, int32_t mirrored, uint8_t *image) {
    if (!y || !u || !v || !image || !y->data || !u->data || !v->data || !is_rotation(rotation)) return MMNET_BAD_VALUE;
    if (!is_image(height, width)) return MMNET_BAD_SIZE;
    const int32_t rows = (height + 1) / 2, columns = (width + 1) / 2;
    if (!is_plane(y, height, width) || !is_plane(u, rows, columns) || !is_plane(v, rows, columns))
        return MMNET_BAD_SIZE;
    const Steps steps = steps_of(height, width, rotation, mirrored);
    for (Index row = 0; row < height; ++row)
        convert_row(y->data + row * y->row_stride, y->pixel_stride, u->data + row / 2 * u->row_stride, u->pixel_stride,
                    v->data + row / 2 * v->row_stride, v->pixel_stride, width, steps.column,
                    image + 3 * (steps.origin + row * steps.row));
    return MMNET_OK;
}
