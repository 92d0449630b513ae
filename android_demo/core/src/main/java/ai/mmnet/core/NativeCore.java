package ai.mmnet.core;

import java.nio.ByteBuffer;

/**
 * The core in C (runtime/core/mmnet.h), which computes the same bytes on every platform. Images are rows of R, G, B, 3
 * bytes per pixel; alphas have 1 byte per pixel. An arena is an array whose content has no meaning between calls; a
 * method ending in {@code Arena} returns how long it must be, or 0 if a size is not allowed. The other methods return a
 * status, for {@link #check}. No method allocates anything.
 */
final class NativeCore {
    /** The number of ints of a placement: top, left, height, width of what is seen, and of what is filled. */
    static final int PLACEMENT_INTS = 8;

    static {
        System.loadLibrary("mmnet");
    }

    private NativeCore() {
    }

    /**
     * Throws if a call was refused.
     *
     * @throws IllegalArgumentException an argument is not allowed.
     */
    static void check(int status) {
        switch (status) {
            case 0:
                return;
            case 1:
                throw new IllegalArgumentException("a side, a stride or an array has a size that is not allowed");
            case 2:
                throw new IllegalArgumentException("an argument is not allowed");
            default:
                throw new IllegalArgumentException("the arena is too small");
        }
    }

    /**
     * Returns an array for an arena.
     *
     * @param size what a method ending in {@code Arena} returned.
     * @throws IllegalArgumentException it is 0.
     */
    static byte[] arena(int size) {
        check(size == 0 ? 1 : 0);
        return new byte[size];
    }

    static native int place(int fit, int height, int width, int size, int[] placement);

    static native int rgbFromYuv(ByteBuffer y, int yRow, int yPixel, ByteBuffer u, int uRow, int uPixel, ByteBuffer v,
            int vRow, int vPixel, int height, int width, int rotation, boolean mirrored, byte[] image);

    static native int orient(byte[] source, int height, int width, int pixel, int rotation, boolean mirrored,
            boolean inverse, byte[] out);

    static native int resampleArena(int height, int width, int outHeight, int outWidth);

    static native int resample(byte[] image, int height, int width, byte[] out, int outHeight, int outWidth,
            byte[] arena);

    static native int modelInputArena(int[] placement);

    static native int modelInput(byte[] image, int height, int width, int[] placement, int size, byte[] input,
            byte[] arena);

    static native int alphaArena(boolean fine, int size, int[] placement);

    static native int alpha(boolean fine, byte[] modelAlpha, byte[] input, int size, int[] placement, byte[] image,
            int height, int width, byte[] alpha, byte[] arena);

    static native int smoothState(int size);

    static native int smoothArena(int size);

    static native int smooth(byte[] state, byte[] input, int size, int least, int tolerance, byte[] alpha,
            byte[] arena);

    static native int blurredBackgroundArena(int height, int width);

    static native int blurredBackground(byte[] image, byte[] alpha, int height, int width, byte[] blurred,
            byte[] arena);

    static native int compositeArena(int height, int width);

    static native int composite(byte[] image, byte[] alpha, byte[] background, int stride, int height, int width,
            boolean foreground, byte[] rgb, int[] argb, byte[] arena);

    static native int cutOut(byte[] image, byte[] alpha, int height, int width, boolean foreground, byte[] rgb,
            int[] argb, byte[] arena);

    static native int argbFromRgb(byte[] rgb, int count, int[] argb);

    static native int argbFromAlpha(byte[] alpha, int count, int[] argb);

    static native int rgbFromArgb(int[] argb, int count, byte[] rgb);
}
