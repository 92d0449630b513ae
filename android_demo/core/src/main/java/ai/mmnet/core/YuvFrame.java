package ai.mmnet.core;

import androidx.annotation.NonNull;
import java.nio.ByteBuffer;

/**
 * A YUV_420_888 camera frame: three planes as {@code android.media.Image} gives them. One object serves all frames of
 * one size; it refers to the camera's buffers and copies nothing.
 */
public final class YuvFrame {
    /** One plane: sample (row, column) is byte {@code row * rowStride + column * pixelStride} of the buffer. */
    static final class Plane {
        ByteBuffer data;
        int rowStride;
        int pixelStride;

        /** Sets a buffer of {@code rows} × {@code columns} samples, whose strides are {@code row} and {@code pixel}. */
        void set(String name, ByteBuffer buffer, int row, int pixel, int rows, int columns) {
            if (row < 1 || pixel < 1) {
                throw new IllegalArgumentException("plane " + name + " has strides of " + row + " and " + pixel
                        + " bytes; they must be at least 1");
            }
            if (!buffer.isDirect()) {
                throw new IllegalArgumentException("plane " + name + " is not a direct buffer");
            }
            // In 64 bits, because a camera may give any stride.
            long needed = (rows - 1L) * row + (columns - 1L) * pixel + 1;
            if (buffer.limit() < needed) {
                throw new IllegalArgumentException(
                        "plane " + name + " has " + buffer.limit() + " bytes; its strides need " + needed);
            }
            data = buffer;
            rowStride = row;
            pixelStride = pixel;
        }

        void clear() {
            data = null;
        }
    }

    final int height;
    final int width;
    final Plane y = new Plane();
    final Plane u = new Plane();
    final Plane v = new Plane();

    /**
     * Prepares a frame of {@code height} × {@code width} pixels, without planes.
     *
     * @throws IllegalArgumentException a side is below 1.
     */
    public YuvFrame(int height, int width) {
        if (height < 1 || width < 1) {
            throw new IllegalArgumentException(
                    "the frame is " + width + "×" + height + "; both sides must be at least 1");
        }
        this.height = height;
        this.width = width;
    }

    /** Returns the height in pixels. */
    public int height() {
        return height;
    }

    /** Returns the width in pixels. */
    public int width() {
        return width;
    }

    /**
     * Sets the planes of the next frame. Each plane has a direct buffer, a row stride and a pixel stride in bytes.
     * Buffers are read from index 0; their position is ignored. A buffer may end with the last sample of the last row.
     *
     * @throws IllegalArgumentException a stride is below 1, or a buffer is not direct or shorter than its strides need.
     */
    public void set(@NonNull ByteBuffer yData, int yRow, int yPixel, @NonNull ByteBuffer uData, int uRow, int uPixel,
            @NonNull ByteBuffer vData, int vRow, int vPixel) {
        y.set("Y", yData, yRow, yPixel, height, width);
        u.set("U", uData, uRow, uPixel, half(height), half(width));
        v.set("V", vData, vRow, vPixel, half(height), half(width));
    }

    /** Drops the references to the buffers, which belong to the camera. */
    public void clear() {
        y.clear();
        u.clear();
        v.clear();
    }

    /** Returns the side of a chroma plane, for a side of the frame. */
    static int half(int side) {
        return (side + 1) / 2;
    }
}
