package ai.mmnet.core;

/** Camera frame → upright RGB picture (PREPROCESSING.md, sections 1 and 2). Allocates only where strides grow. */
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

    public FrameConverter(Orientation orientation) {
        this.orientation = orientation;
    }

    /**
     * Converts a frame.
     *
     * @param frame of the orientation's frame size.
     * @param picture filled with 3 · height · width bytes: R, G, B.
     */
    public void convert(YuvFrame frame, byte[] picture) {
        if (frame.height != orientation.frameHeight || frame.width != orientation.frameWidth) {
            throw new IllegalArgumentException("the frame is " + frame.width + "×" + frame.height + ", not "
                    + orientation.frameWidth + "×" + orientation.frameHeight);
        }
        int width = frame.width;
        int half = YuvFrame.half(width);
        luma = enough(luma, frame.y.rowBytes(width));
        chromaU = enough(chromaU, frame.u.rowBytes(half));
        chromaV = enough(chromaV, frame.v.rowBytes(half));
        for (int row = 0; row < frame.height; row++) {
            frame.y.readRow(row, width, luma);
            if ((row & 1) == 0) {
                frame.u.readRow(row >> 1, half, chromaU);
                frame.v.readRow(row >> 1, half, chromaV);
            }
            convertRow(frame, 3 * (orientation.origin + row * orientation.rowStep), picture);
        }
    }

    private void convertRow(YuvFrame frame, int start, byte[] picture) {
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
                picture[out] = clamp(y + red);
                picture[out + 1] = clamp(y + green);
                picture[out + 2] = clamp(y + blue);
                out += step;
            }
        }
    }

    private static byte clamp(int value) {
        return (byte) (value < 0 ? 0 : value > 255 ? 255 : value);
    }

    /** Strides are a camera's own and stay, so this allocates at the first frame alone. */
    private static byte[] enough(byte[] row, int length) {
        return row.length >= length ? row : new byte[length];
    }
}
