package ai.mmnet.core;

import androidx.annotation.NonNull;

/**
 * Composites images of one size over another background, and converts between RGB bytes and ARGB pixels. ARGB pixels are
 * one int each, 0xAARRGGBB, as {@code android.graphics.Bitmap.setPixels} takes them. RGB is 3 bytes per pixel, alpha 1
 * byte per pixel. The constructor allocates all buffers. One thread at a time may use an object.
 */
public final class Compositor {
    private final int height;
    private final int width;
    private final boolean foreground;
    private final byte[] colourRow;
    private final byte[] rgb;
    private final byte[] arena;

    /**
     * Prepares the compositing for one size of image.
     *
     * @param height of the images in pixels, at least 1.
     * @param width of the images in pixels, at least 1.
     * @param profile which colours the foreground gets.
     * @throws IllegalArgumentException a side is not allowed.
     */
    public Compositor(int height, int width, @NonNull Profile profile) {
        this.height = height;
        this.width = width;
        foreground = profile == Profile.FINE;
        arena = NativeCore.arena(NativeCore.compositeArena(height, width));
        colourRow = new byte[3 * width];
        rgb = new byte[3 * height * width];
    }

    /**
     * Composites an image over a background image.
     *
     * @param image RGB bytes of the foreground image.
     * @param alpha the alpha of the foreground image.
     * @param background RGB bytes of the background image.
     * @param argb receives opaque pixels, 0xFFRRGGBB.
     */
    public void over(@NonNull byte[] image, @NonNull byte[] alpha, @NonNull byte[] background, @NonNull int[] argb) {
        composite(image, alpha, background, 3 * width, argb);
    }

    /**
     * Composites an image over one colour.
     *
     * @param image RGB bytes of the foreground image.
     * @param alpha the alpha of the foreground image.
     * @param colour 0xRRGGBB; the highest byte is ignored.
     * @param argb receives opaque pixels, 0xFFRRGGBB.
     */
    public void over(@NonNull byte[] image, @NonNull byte[] alpha, int colour, @NonNull int[] argb) {
        for (int i = 0; i < colourRow.length; i += 3) {
            colourRow[i] = (byte) (colour >> 16);
            colourRow[i + 1] = (byte) (colour >> 8);
            colourRow[i + 2] = (byte) colour;
        }
        composite(image, alpha, colourRow, 0, argb);
    }

    /** Writes a cut-out to {@code argb}: the foreground's colours with straight (not premultiplied) alpha. */
    public void cutOut(@NonNull byte[] image, @NonNull byte[] alpha, @NonNull int[] argb) {
        NativeCore.check(NativeCore.cutOut(image, alpha, height, width, foreground, rgb, argb, arena));
    }

    /** Writes an alpha to {@code argb} as opaque grey pixels: black is background, white is foreground. */
    public static void alphaAsGrey(@NonNull byte[] alpha, @NonNull int[] argb) {
        NativeCore.check(NativeCore.argbFromAlpha(alpha, argb.length, argb));
    }

    /** Writes an image to {@code argb} as opaque pixels. */
    public static void opaque(@NonNull byte[] image, @NonNull int[] argb) {
        NativeCore.check(NativeCore.argbFromRgb(image, argb.length, argb));
    }

    /** Writes the colours of ARGB pixels to {@code image} as RGB bytes: the inverse of {@link #opaque}. */
    public static void toRgb(@NonNull int[] argb, @NonNull byte[] image) {
        NativeCore.check(NativeCore.rgbFromArgb(argb, argb.length, image));
    }

    private void composite(byte[] image, byte[] alpha, byte[] background, int stride, int[] argb) {
        NativeCore.check(NativeCore.composite(image, alpha, background, stride, height, width, foreground, rgb, argb,
                arena));
    }
}
