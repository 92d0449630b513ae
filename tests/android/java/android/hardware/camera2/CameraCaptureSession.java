package android.hardware.camera2;

import android.os.Handler;

/** A replacement for Android's class that runs on the JVM. */
public final class CameraCaptureSession {
    /** The number of sessions that were asked for frames. */
    public static int running;

    /** Receives whether a session can be used. */
    public abstract static class StateCallback {
        public abstract void onConfigured(CameraCaptureSession session);

        public abstract void onConfigureFailed(CameraCaptureSession session);
    }

    /** Receives what happens to each frame. */
    public abstract static class CaptureCallback {
    }

    private boolean isRunning;
    private boolean isClosed;

    public int setRepeatingRequest(CaptureRequest request, CaptureCallback callback, Handler handler)
            throws CameraAccessException {
        if (isClosed) {
            throw new IllegalStateException("the session is closed");
        }
        isRunning = true;
        running++;
        return 0;
    }

    public void close() {
        isClosed = true;
        if (isRunning) {
            isRunning = false;
            running--;
        }
    }
}
