package android.os;

/** A replacement for Android's class that runs on the JVM: the test runs what waits. */
public final class HandlerThread {
    public static HandlerThread latest; // null before the first one

    private final Looper looper = new Looper();

    public HandlerThread(String name) {
        latest = this;
    }

    public void start() {
    }

    public Looper getLooper() {
        return looper;
    }

    public boolean quitSafely() {
        looper.isQuit = true;
        return true;
    }
}
