package android.graphics;

/** A replacement for Android's class that runs on the JVM. Its alpha is straight, other than Android's. */
public final class Bitmap {
    /** The formats of pixels. */
    public enum Config {
        ARGB_8888, HARDWARE
    }

    /** The number of copies that are not recycled. */
    public static int copies;

    private final int[] pixels;
    private final int width;
    private final int height;
    private final Config config;

    private Bitmap(int[] pixels, int width, int height, Config config) {
        this.config = config;
        this.pixels = pixels.clone();
        this.width = width;
        this.height = height;
    }

    public static Bitmap createBitmap(int[] colours, int width, int height, Config config) {
        return new Bitmap(colours, width, height, config);
    }

    public Bitmap copy(Config wanted, boolean isMutable) {
        copies++;
        return new Bitmap(pixels, width, height, wanted);
    }

    public void recycle() {
        copies--;
    }

    public Config getConfig() {
        return config;
    }

    public int getWidth() {
        return width;
    }

    public int getHeight() {
        return height;
    }

    public void getPixels(int[] out, int offset, int stride, int x, int y, int columns, int rows) {
        if (config == Config.HARDWARE) {
            throw new IllegalStateException("the pixels of a hardware bitmap cannot be read");
        }
        for (int row = 0; row < rows; row++) {
            System.arraycopy(pixels, (y + row) * width + x, out, offset + row * stride, columns);
        }
    }
}
