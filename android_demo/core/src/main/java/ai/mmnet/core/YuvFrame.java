package ai.mmnet.core;

import java.nio.Buffer;
import java.nio.ByteBuffer;

/**
 * The three planes of a YUV_420_888 camera frame, as {@code android.media.Image} hands them out. One object is filled
 * again for every frame; it copies nothing.
 */
public final class YuvFrame {
    /** One plane: sample (row, column) is byte {@code row * rowStride + column * pixelStride} of the buffer. */
    static final class Plane {
        private ByteBuffer data;
        private int rowStride;
        int pixelStride;

        void set(String name, ByteBuffer buffer, int row, int pixel, int rows, int columns) {
            if (row < 1 || pixel < 1) {
                throw new IllegalArgumentException("plane " + name + " has strides " + row + " and " + pixel);
            }
            // In 64 bits, since a stride may be anything.
            long needed = (rows - 1L) * row + (columns - 1L) * pixel + 1;
            if (buffer.limit() < needed) {
                throw new IllegalArgumentException(
                        "plane " + name + " has " + buffer.limit() + " bytes; its strides take " + needed);
            }
            data = buffer;
            rowStride = row;
            pixelStride = pixel;
        }

        /** Copies a row's bytes, those between the samples too: sample c is {@code into[c * pixelStride]}. */
        void readRow(int row, int columns, byte[] into) {
            Buffer cursor = data; // ByteBuffer has a method of its own for this since Java 9, and Android only since 9
            cursor.position(row * rowStride);
            data.get(into, 0, (columns - 1) * pixelStride + 1);
        }

        /** How many bytes {@link #readRow} needs. */
        int rowBytes(int columns) {
            return (columns - 1) * pixelStride + 1;
        }

        void forget() {
            data = null;
        }
    }

    final int height;
    final int width;
    final Plane y = new Plane();
    final Plane u = new Plane();
    final Plane v = new Plane();

    /** For frames of {@code height} × {@code width} pixels, both ≥ 1. */
    public YuvFrame(int height, int width) {
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException("the frame is " + width + "×" + height);
        }
        this.height = height;
        this.width = width;
    }

    public int height() {
        return height;
    }

    public int width() {
        return width;
    }

    /**
     * Names the planes of the next frame. Buffers are read from index 0, whatever their position, which changes; they
     * may end with the last sample of the last row.
     *
     * @throws IllegalArgumentException a stride is below 1, or a buffer is shorter than its strides say.
     */
    public void set(ByteBuffer yData, int yRow, int yPixel, ByteBuffer uData, int uRow, int uPixel, ByteBuffer vData,
            int vRow, int vPixel) {
        y.set("Y", yData, yRow, yPixel, height, width);
        u.set("U", uData, uRow, uPixel, half(height), half(width));
        v.set("V", vData, vRow, vPixel, half(height), half(width));
    }

    /** Lets go of the buffers, which belong to the camera. */
    public void clear() {
        y.forget();
        u.forget();
        v.forget();
    }

    static int half(int side) {
        return (side + 1) / 2;
    }
}
