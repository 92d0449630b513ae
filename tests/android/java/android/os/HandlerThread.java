package android.os;

/** A replacement for Android's class that runs on the JVM: the test runs what waits. */
public final class HandlerThread {
    private final Looper looper = new Looper();

    public HandlerThread(String name) {
    }

    public void start() {
    }

    public Looper getLooper() {
        return looper;
    }
}
