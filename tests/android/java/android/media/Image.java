package android.media;

import java.nio.ByteBuffer;

/** A replacement for Android's class that runs on the JVM: a frame whose samples all have one value per plane. */
public final class Image implements AutoCloseable {
    /** The number of images that are not closed. */
    public static int open;

    private final int height;
    private final int width;
    private final Plane[] planes;

    public Image(int height, int width, int y, int u, int v) {
        this.height = height;
        this.width = width;
        int half = (height + 1) / 2 * ((width + 1) / 2);
        planes = new Plane[] {new Plane(height * width, width, y), new Plane(half, (width + 1) / 2, u),
            new Plane(half, (width + 1) / 2, v)};
        open++;
    }

    /** A plane without padding. */
    public static final class Plane {
        private final ByteBuffer buffer;
        private final int rowStride;

        private Plane(int samples, int rowStride, int value) {
            buffer = ByteBuffer.allocateDirect(samples);
            for (int i = 0; i < samples; i++) {
                buffer.put(i, (byte) value);
            }
            this.rowStride = rowStride;
        }

        public ByteBuffer getBuffer() {
            return buffer;
        }

        public int getRowStride() {
            return rowStride;
        }

        public int getPixelStride() {
            return 1;
        }
    }

    /** Sets the luma of a rectangle. */
    public void brighten(int top, int left, int rows, int columns, int value) {
        for (int row = top; row < top + rows; row++) {
            for (int column = left; column < left + columns; column++) {
                planes[0].getBuffer().put(row * width + column, (byte) value);
            }
        }
    }

    public int getHeight() {
        return height;
    }

    public int getWidth() {
        return width;
    }

    public Plane[] getPlanes() {
        return planes;
    }

    @Override
    public void close() {
        open--;
    }
}
