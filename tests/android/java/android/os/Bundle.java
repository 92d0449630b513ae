package android.os;

/** A replacement for Android's class that runs on the JVM. */
public final class Bundle {
}
