/* The foreground's and the background's mean colours, on evenly spaced samples. */
#include "box_filter.h"
#include "kernels.h"

int mmnet_kernel_sample_cells(const uint8_t *image, Index stride, Index channels, Index height, Index width, Index step,
                              Index rows, Index columns, uint8_t *samples, void *memory, size_t size, Index first,
                              Index end) {
    const Index cell_height = min_index(step, height), cell_width = min_index(step, width);
    const Index last_row = height / cell_height - 1, last_column = width / cell_width - 1; /* of whole cells */
    const Index below = (cell_height - 1) / 2 < cell_height / 2 ? stride : 0;
    const Index beside = (cell_width - 1) / 2 < cell_width / 2 ? channels : 0;
    (void)memory, (void)size;
    for (Index row = first; row < end; ++row) {
        const Index y = min_index(row, last_row) * cell_height + (cell_height - 1) / 2;
        const uint8_t *line = image + y * stride;
        for (Index column = 0; column < columns; ++column) {
            const Index x = min_index(column, last_column) * cell_width + (cell_width - 1) / 2;
            const uint8_t *pixel = line + x * channels;
            for (Index c = 0; c < channels; ++c, ++pixel)
                samples[(c * rows + row) * columns + column] =
                    (uint8_t)((pixel[0] + pixel[beside] + pixel[below] + pixel[below + beside] + 2) >> 2);
        }
    }
    return MMNET_OK;
}

/* The planes that colours are averaged from: three weighted colours of the foreground, three of the background, and the
 * two weights. */
enum { COLOURS = 6, WEIGHTED_PLANES = 8 };

typedef struct {
    Index width, count;        /* pixels in a row, and in all */
    const uint8_t *colours[2]; /* [3, height, width] each: the foreground's and the background's */
    const uint8_t *alpha;
    const uint16_t *weights; /* the weight of each value of alpha */
} ColourSources;

TARGET_CLONES
static void fill_weighted_colours(const void *source, Index row, int32_t *values) {
    const ColourSources *sources = source;
    const Index width = sources->width;
    const uint8_t *alpha = sources->alpha + row * width;
    for (Index x = 0; x < width; ++x) {
        values[COLOURS * width + x] = sources->weights[alpha[x]];
        values[(COLOURS + 1) * width + x] = sources->weights[255 - alpha[x]];
    }
    for (Index plane = 0; plane < COLOURS; ++plane) {
        const uint8_t *restrict colours = sources->colours[plane / 3] + plane % 3 * sources->count + row * width;
        const int32_t *restrict weights = values + (COLOURS + plane / 3) * width;
        int32_t *restrict weighted = values + plane * width;
        for (Index x = 0; x < width; ++x) weighted[x] = colours[x] * weights[x];
    }
}

/* The mean colours of a row (`reference._mean`), [6, width]. Where nothing has weight, a pixel keeps its own colour. */
TARGET_CLONES
static void divide_sums(const ColourSources *sources, Index row, const int32_t *sums, float *restrict means) {
    const Index width = sources->width;
    for (Index plane = 0; plane < COLOURS; ++plane, means += width) {
        const uint8_t *restrict colours = sources->colours[plane / 3] + plane % 3 * sources->count + row * width;
        const int32_t *restrict total = sums + plane * width, *restrict weights = sums + (COLOURS + plane / 3) * width;
        for (Index x = 0; x < width; ++x) {
            const int32_t empty = weights[x] == 0;
            means[x] = (float)(total[x] + empty * colours[x]) / (float)(weights[x] + empty);
        }
    }
}

/* The colours that the next pass averages: foreground colours that agree better with the image, and the background's
 * means as they are. */
TARGET_CLONES
static void refine_colours(const uint8_t *restrict image, const uint8_t *restrict alpha, const float *restrict means,
                           Index width, Index count, uint8_t *restrict foreground, uint8_t *restrict background) {
    for (Index colour = 0; colour < 3; ++colour) {
        const float *restrict background_means = means + 3 * width;
        for (Index x = 0; x < width; ++x) {
            const float opacity = (float)alpha[x] / 255;
            const float mixed = background_means[x] + opacity * (means[x] - background_means[x]);
            const float residual = opacity * ((float)image[x] - mixed);
            foreground[x] = (uint8_t)(int32_t)clamp_to_byte(round_to_even(means[x] + residual));
            background[x] = (uint8_t)(int32_t)round_to_even(background_means[x]);
        }
        means += width, image += count, foreground += count, background += count;
    }
}

TARGET_CLONES
static void subtract_means(const float *restrict means, Index width, float parts, float *restrict difference) {
    for (Index colour = 0; colour < 3; ++colour, means += width)
        for (Index x = 0; x < width; ++x)
            difference[3 * x + colour] = round_to_even((means[x] - means[3 * width + x]) * parts) * (1 / (256 * parts));
}

static float *take_buffers(BoxFilter *filter, Arena *arena) {
    mmnet_take_box_filter(filter, arena);
    return TAKE(arena, COLOURS * filter->width, float);
}

size_t mmnet_kernel_average_colours_arena(Index height, Index width, Index radius) {
    Arena arena = counting_arena();
    BoxFilter filter = {.height = height, .width = width, .planes = WEIGHTED_PLANES, .radius = radius};
    take_buffers(&filter, &arena);
    return counted(&arena);
}

int mmnet_kernel_average_colours(const uint8_t *image, const uint8_t *foreground, const uint8_t *background,
                                 const uint8_t *alpha, Index height, Index width, Index radius, const uint16_t *weights,
                                 float parts, uint8_t *next_foreground, uint8_t *next_background, float *difference,
                                 Index difference_stride, void *memory, size_t size, Index first, Index end) {
    const Index count = height * width;
    const ColourSources sources = {width, count, {foreground, background}, alpha, weights};
    Arena arena = open_arena(memory, size);
    BoxFilter filter = {.height = height, .width = width, .planes = WEIGHTED_PLANES, .radius = radius};
    filter.fill = fill_weighted_colours;
    filter.source = &sources;
    float *means = take_buffers(&filter, &arena);
    if (arena.failed) return MMNET_SMALL_ARENA;
    mmnet_begin_box_filter(&filter, first);
    for (Index y = first; y < end; ++y) {
        const Index start = y * width;
        divide_sums(&sources, y, mmnet_box_sums(&filter, y), means);
        if (next_foreground)
            refine_colours(image + start, alpha + start, means, width, count, next_foreground + start,
                           next_background + start);
        if (difference) subtract_means(means, width, parts, difference + y * difference_stride);
    }
    return MMNET_OK;
}
