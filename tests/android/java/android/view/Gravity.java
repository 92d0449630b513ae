package android.view;

/** A replacement for Android's class that runs on the JVM. */
public class Gravity {
    public static final int CENTER = 17;
}
