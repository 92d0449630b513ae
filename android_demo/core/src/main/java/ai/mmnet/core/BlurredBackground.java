package ai.mmnet.core;

import androidx.annotation.NonNull;

/**
 * Blurs the background of an image without the colours of its foreground (preprocessing.md, section 6). One object
 * serves images of one size; a run allocates nothing. One thread at a time may use an object.
 */
public final class BlurredBackground {
    private final int height;
    private final int width;
    private final byte[] arena;

    /**
     * Prepares the blur for one size of image.
     *
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @throws IllegalArgumentException a side is not allowed.
     */
    public BlurredBackground(int height, int width) {
        this.height = height;
        this.width = width;
        arena = NativeCore.arena(NativeCore.blurredBackgroundArena(height, width));
    }

    /**
     * Computes the blurred background of one image.
     *
     * @param image 3 · height · width bytes: R, G, B of each pixel.
     * @param alpha the image's alpha: height · width bytes.
     * @param blurred receives 3 · height · width bytes: R, G, B of each pixel.
     */
    public void run(@NonNull byte[] image, @NonNull byte[] alpha, @NonNull byte[] blurred) {
        NativeCore.check(NativeCore.blurredBackground(image, alpha, height, width, blurred, arena));
    }
}
