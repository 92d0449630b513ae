/* The box filter: see box_filter.h. */
#include "box_filter.h"

void mmnet_take_box_filter(BoxFilter *filter, Arena *arena) {
    const Index count = filter->planes * filter->width, around = 2 * filter->radius;
    filter->ring = TAKE(arena, count * (around + 2), int32_t);
    filter->columns = TAKE(arena, count + around * filter->planes, int32_t);
    filter->sums = TAKE(arena, count, int32_t);
}

void mmnet_begin_box_filter(BoxFilter *filter, Index first) {
    const Index count = filter->planes * (filter->width + 2 * filter->radius);
    filter->first = first;
    filter->filled = first > filter->radius ? first - filter->radius : 0;
    set_bytes(filter->columns, 0, (size_t)count * sizeof(int32_t));
}

/* A row to be summed. Rows must be requested in order; the last 2 · radius + 2 rows can be requested again. */
static const int32_t *source_row(BoxFilter *filter, Index row) {
    row = row < 0 ? 0 : min_index(row, filter->height - 1);
    int32_t *values = filter->ring + row % (2 * filter->radius + 2) * filter->planes * filter->width;
    if (row == filter->filled) {
        filter->fill(filter->source, row, values);
        ++filter->filled;
    }
    return values;
}

TARGET_CLONES
static void update_sums(int32_t *restrict sums, const int32_t *restrict added, const int32_t *restrict removed,
                        Index count) {
    for (Index i = 0; i < count; ++i) sums[i] += added[i] - (removed ? removed[i] : 0);
}

TARGET_CLONES
static void sum_columns(const int32_t *restrict columns, Index width, Index radius, int32_t *restrict sums) {
    for (Index x = 0; x < width; ++x) sums[x] = columns[x];
    for (Index beside = 1; beside <= 2 * radius; ++beside)
        for (Index x = 0; x < width; ++x) sums[x] += columns[x + beside];
}

const int32_t *mmnet_box_sums(BoxFilter *filter, Index y) {
    const Index width = filter->width, radius = filter->radius;
    const int is_first = y <= filter->first;
    for (Index row = is_first ? y - radius : y + radius; row <= y + radius; ++row) {
        const int32_t *added = source_row(filter, row), *removed = is_first ? NULL : source_row(filter, y - radius - 1);
        for (Index plane = 0; plane < filter->planes; ++plane)
            update_sums(filter->columns + plane * (width + 2 * radius) + radius, added + plane * width,
                        removed ? removed + plane * width : NULL, width);
    }
    for (Index plane = 0; plane < filter->planes; ++plane) {
        int32_t *columns = filter->columns + plane * (width + 2 * radius);
        for (Index x = 0; x < radius; ++x) {
            columns[x] = columns[radius];
            columns[radius + width + x] = columns[radius + width - 1];
        }
        sum_columns(columns, width, radius, filter->sums + plane * width);
    }
    return filter->sums;
}
