package android.os;

import java.util.ArrayDeque;
import java.util.Deque;

/** A replacement for Android's class that runs on the JVM, on the thread of the test. */
public final class Looper {
    final Deque<Runnable> waiting = new ArrayDeque<>();
    boolean isQuit;

    /** Returns whether the thread takes no more actions. */
    public boolean isQuit() {
        return isQuit;
    }

    /** Runs everything that waits. */
    public void runAll() {
        while (!waiting.isEmpty()) {
            waiting.removeFirst().run();
        }
    }
}
