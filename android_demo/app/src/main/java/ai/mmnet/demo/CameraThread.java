package ai.mmnet.demo;

import android.os.Handler;
import android.os.HandlerThread;

/**
 * The one thread for cameras and live mattes. It lives as long as the app, so that a camera that opens after its stream
 * was closed is still received, and closed; and so that nobody has to wait for a thread to end. Streams use it one after
 * another: a camera is opened only when the one before it is closed.
 */
final class CameraThread {
    private static Handler handler; // guarded by the class

    // Only the thread uses the fields below.
    private static int unfinished; // cameras that are opening or open
    private static Runnable waiting; // null if nobody waits for a camera to be closed

    private CameraThread() {
    }

    /** Returns the handler of the thread, which the first call starts. */
    static synchronized Handler handler() {
        if (handler == null) {
            HandlerThread thread = new HandlerThread("matte");
            thread.start();
            handler = new Handler(thread.getLooper());
        }
        return handler;
    }

    /** Runs an action at once if no camera is open, or else when the last one is closed. It replaces one that waits. */
    static void whenFree(Runnable action) {
        if (unfinished == 0) {
            action.run();
        } else {
            waiting = action;
        }
    }

    /** Counts a camera that begins to open. */
    static void begin() {
        unfinished++;
    }

    /** Counts a camera that is closed. */
    static void end() {
        unfinished--;
        if (unfinished == 0 && waiting != null) {
            Runnable action = waiting;
            waiting = null;
            handler().post(action);
        }
    }
}
