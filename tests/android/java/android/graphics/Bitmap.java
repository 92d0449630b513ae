package android.graphics;

/** A replacement for Android's class that runs on the JVM. Its alpha is straight, other than Android's. */
public final class Bitmap {
    /** The formats of pixels. */
    public enum Config {
        ARGB_8888
    }

    private final int[] pixels;
    private final int width;
    private final int height;

    private Bitmap(int[] pixels, int width, int height) {
        this.pixels = pixels.clone();
        this.width = width;
        this.height = height;
    }

    public static Bitmap createBitmap(int[] colours, int width, int height, Config config) {
        return new Bitmap(colours, width, height);
    }

    public int getWidth() {
        return width;
    }

    public int getHeight() {
        return height;
    }

    public void getPixels(int[] out, int offset, int stride, int x, int y, int columns, int rows) {
        for (int row = 0; row < rows; row++) {
            System.arraycopy(pixels, (y + row) * width + x, out, offset + row * stride, columns);
        }
    }
}
