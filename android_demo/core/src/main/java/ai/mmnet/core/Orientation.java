package ai.mmnet.core;

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

    // Frame pixel (r, c) is pixel number origin + r * rowStep + c * columnStep of the image, counted row by row.
    final int origin;
    final int rowStep;
    final int columnStep;

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
        this.frameHeight = frameHeight;
        this.frameWidth = frameWidth;
        boolean quarter = degrees == 90 || degrees == 270;
        height = quarter ? frameWidth : frameHeight;
        width = quarter ? frameHeight : frameWidth;
        int y;
        int x;
        switch (degrees) { // where frame pixel (0, 0) goes
            case 0:
                y = 0;
                x = 0;
                break;
            case 90:
                y = 0;
                x = width - 1;
                break;
            case 180:
                y = height - 1;
                x = width - 1;
                break;
            case 270:
                y = height - 1;
                x = 0;
                break;
            default:
                throw new IllegalArgumentException("the rotation is " + degrees + "; it must be 0, 90, 180 or 270");
        }
        int across = x == 0 ? 1 : -1;
        int down = y == 0 ? width : -width;
        if (mirrored) {
            x = width - 1 - x;
            across = -across;
        }
        origin = y * width + x;
        rowStep = quarter ? across : down;
        columnStep = quarter ? down : across;
    }

    /**
     * Turns an alpha of the upright image back to the orientation of the frame.
     *
     * @param alpha height · width bytes.
     * @param frameAlpha receives frameHeight · frameWidth bytes.
     */
    public void undo(byte[] alpha, byte[] frameAlpha) {
        int out = 0;
        for (int row = 0; row < frameHeight; row++) {
            int in = origin + row * rowStep;
            for (int column = 0; column < frameWidth; column++) {
                frameAlpha[out++] = alpha[in];
                in += columnStep;
            }
        }
    }
}
