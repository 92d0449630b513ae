package android.os;

/** A replacement for Android's class that runs on the JVM. */
public final class Handler {
    private final Looper looper;

    public Handler(Looper looper) {
        this.looper = looper;
    }

    public Looper getLooper() {
        return looper;
    }

    public boolean post(Runnable action) {
        return !looper.isQuit && looper.waiting.add(action);
    }
}
