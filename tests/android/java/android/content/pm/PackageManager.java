package android.content.pm;

/** A replacement for Android's class that runs on the JVM. */
public abstract class PackageManager {
    public static final int PERMISSION_GRANTED = 0;
    public static final int PERMISSION_DENIED = -1;
}
