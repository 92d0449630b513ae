package ai.mmnet.core;

import androidx.annotation.NonNull;

/**
 * The way from a camera frame to the upright image (preprocessing.md, section 2): the frame is turned clockwise by 0,
 * 90, 180 or 270 degrees, and then mirrored left to right or not.
 */
public final class Orientation {
    /** Height of the frame in pixels. */
    public final int frameHeight;
    /** Width of the frame in pixels. */
    public final int frameWidth;
    /** Height of the upright image in pixels. */
    public final int height;
    /** Width of the upright image in pixels. */
    public final int width;

    /** The clockwise rotation in degrees. */
    public final int degrees;
    /** Whether the turned frame is mirrored left to right. */
    public final boolean mirrored;

    /**
     * Describes how a frame is turned.
     *
     * @param frameHeight height of the frame in pixels.
     * @param frameWidth width of the frame in pixels.
     * @param degrees the clockwise rotation: 0, 90, 180 or 270.
     * @param mirrored whether the turned frame is mirrored left to right, as for a front camera.
     * @throws IllegalArgumentException another rotation.
     */
    public Orientation(int frameHeight, int frameWidth, int degrees, boolean mirrored) {
        if (degrees != 0 && degrees != 90 && degrees != 180 && degrees != 270) {
            throw new IllegalArgumentException("the rotation is " + degrees + "; it must be 0, 90, 180 or 270");
        }
        this.frameHeight = frameHeight;
        this.frameWidth = frameWidth;
        this.degrees = degrees;
        this.mirrored = mirrored;
        boolean quarter = degrees % 180 != 0;
        height = quarter ? frameWidth : frameHeight;
        width = quarter ? frameHeight : frameWidth;
    }

    /**
     * Turns an alpha of the upright image back to the orientation of the frame.
     *
     * @param alpha height · width bytes.
     * @param frameAlpha receives frameHeight · frameWidth bytes.
     */
    public void undo(@NonNull byte[] alpha, @NonNull byte[] frameAlpha) {
        NativeCore.check(
                NativeCore.orient(alpha, frameHeight, frameWidth, 1, degrees, mirrored, true, frameAlpha));
    }
}
