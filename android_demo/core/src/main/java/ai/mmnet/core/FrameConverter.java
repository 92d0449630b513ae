package ai.mmnet.core;

/** Converts a YUV camera frame to an upright RGB image (preprocessing.md, sections 1 and 2). */
public final class FrameConverter {
    private static final int RED_V = 91881;
    private static final int GREEN_U = 22554;
    private static final int GREEN_V = 46802;
    private static final int BLUE_U = 116130;
    private static final int HALF = 1 << 15;

    private final Orientation orientation;
    private byte[] luma = new byte[0];
    private byte[] chromaU = new byte[0];
    private byte[] chromaV = new byte[0];

    /** Prepares the conversion of frames of one size and orientation. */
    public FrameConverter(Orientation orientation) {
        this.orientation = orientation;
    }

    /**
     * Converts one frame. Row buffers are allocated at the first frame, and again only when strides grow.
     *
     * @param frame a frame of the size that the orientation says.
     * @param image receives 3 · height · width bytes: R, G, B of each pixel.
     * @throws IllegalArgumentException the frame has another size.
     */
    public void convert(YuvFrame frame, byte[] image) {
        if (frame.height != orientation.frameHeight || frame.width != orientation.frameWidth) {
            throw new IllegalArgumentException("the frame is " + frame.width + "×" + frame.height + ", not "
                    + orientation.frameWidth + "×" + orientation.frameHeight);
        }
        int width = frame.width;
        int half = YuvFrame.half(width);
        luma = atLeast(luma, frame.y.rowBytes(width));
        chromaU = atLeast(chromaU, frame.u.rowBytes(half));
        chromaV = atLeast(chromaV, frame.v.rowBytes(half));
        for (int row = 0; row < frame.height; row++) {
            frame.y.readRow(row, width, luma);
            if ((row & 1) == 0) {
                frame.u.readRow(row >> 1, half, chromaU);
                frame.v.readRow(row >> 1, half, chromaV);
            }
            convertRow(frame, 3 * (orientation.origin + row * orientation.rowStep), image);
        }
    }

    private void convertRow(YuvFrame frame, int start, byte[] image) {
        int step = 3 * orientation.columnStep;
        int lumaStride = frame.y.pixelStride;
        int strideU = frame.u.pixelStride;
        int strideV = frame.v.pixelStride;
        int out = start;
        for (int column = 0; column < frame.width; column += 2) {
            int u = (chromaU[(column >> 1) * strideU] & 255) - 128;
            int v = (chromaV[(column >> 1) * strideV] & 255) - 128;
            int red = (RED_V * v + HALF) >> 16;
            int green = (-GREEN_U * u - GREEN_V * v + HALF) >> 16;
            int blue = (BLUE_U * u + HALF) >> 16;
            int end = Math.min(column + 2, frame.width);
            for (int pixel = column; pixel < end; pixel++) {
                int y = luma[pixel * lumaStride] & 255;
                image[out] = clamp(y + red);
                image[out + 1] = clamp(y + green);
                image[out + 2] = clamp(y + blue);
                out += step;
            }
        }
    }

    private static byte clamp(int value) {
        return (byte) (value < 0 ? 0 : value > 255 ? 255 : value);
    }

    /** Returns the row buffer, or a longer one. A camera's strides do not change, so only its first frame allocates. */
    private static byte[] atLeast(byte[] row, int length) {
        return row.length >= length ? row : new byte[length];
    }
}
