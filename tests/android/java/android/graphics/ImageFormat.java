package android.graphics;

/** A replacement for Android's class that runs on the JVM. */
public final class ImageFormat {
    public static final int YUV_420_888 = 35;

    private ImageFormat() {
    }
}
