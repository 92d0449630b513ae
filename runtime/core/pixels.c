/* Pixels of 4 bytes, which browsers and Android's bitmaps have, and RGB. */
#include "internal.h"

static int is_count(int32_t count) { return count >= 0 && count <= MMNET_MAX_PIXELS; }

TARGET_CLONES
int mmnet_rgb_from_rgba(const uint8_t *restrict rgba, int32_t count, int32_t swapped, uint8_t *restrict rgb) {
    if (!rgba || !rgb) return MMNET_BAD_VALUE;
    if (!is_count(count)) return MMNET_BAD_SIZE;
    const Index red = swapped ? 2 : 0;
    for (Index i = 0; i < count; ++i) {
        rgb[3 * i] = rgba[4 * i + red];
        rgb[3 * i + 1] = rgba[4 * i + 1];
        rgb[3 * i + 2] = rgba[4 * i + 2 - red];
    }
    return MMNET_OK;
}

TARGET_CLONES
int mmnet_rgba_from_rgb(const uint8_t *restrict rgb, const uint8_t *restrict alpha, int32_t count, int32_t swapped,
                        uint8_t *restrict rgba) {
    if (!rgb || !rgba) return MMNET_BAD_VALUE;
    if (!is_count(count)) return MMNET_BAD_SIZE;
    const Index red = swapped ? 2 : 0;
    for (Index i = 0; i < count; ++i) {
        rgba[4 * i + red] = rgb[3 * i];
        rgba[4 * i + 1] = rgb[3 * i + 1];
        rgba[4 * i + 2 - red] = rgb[3 * i + 2];
        rgba[4 * i + 3] = alpha ? alpha[i] : 255;
    }
    return MMNET_OK;
}

int mmnet_rgba_from_alpha(const uint8_t *restrict alpha, int32_t count, uint8_t *restrict rgba) {
    if (!alpha || !rgba) return MMNET_BAD_VALUE;
    if (!is_count(count)) return MMNET_BAD_SIZE;
    for (Index i = 0; i < count; ++i) {
        rgba[4 * i] = rgba[4 * i + 1] = rgba[4 * i + 2] = alpha[i];
        rgba[4 * i + 3] = 255;
    }
    return MMNET_OK;
}
