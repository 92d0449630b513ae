package ai.mmnet.core;

/**
 * Where each pixel of a frame lies in the upright picture (PREPROCESSING.md, section 2): the frame turned clockwise by
 * 0, 90, 180 or 270 degrees, then mirrored left to right if asked.
 */
public final class Orientation {
    public final int frameHeight;
    public final int frameWidth;
    /** Of the picture. */
    public final int height;
    /** Of the picture. */
    public final int width;

    /** Frame pixel (r, c) is picture pixel number {@code origin + r * rowStep + c * columnStep}, row by row. */
    final int origin;
    final int rowStep;
    final int columnStep;

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
                throw new IllegalArgumentException("the rotation is " + degrees + "; 0, 90, 180 or 270 is taken");
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

    /** Picture → frame, one byte a pixel: the inverse. Both arrays hold height · width bytes. */
    public void undo(byte[] picture, byte[] frame) {
        int out = 0;
        for (int row = 0; row < frameHeight; row++) {
            int in = origin + row * rowStep;
            for (int column = 0; column < frameWidth; column++) {
                frame[out++] = picture[in];
                in += columnStep;
            }
        }
    }
}
