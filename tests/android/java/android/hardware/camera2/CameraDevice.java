package android.hardware.camera2;

import android.os.Handler;
import android.view.Surface;
import java.util.ArrayList;
import java.util.List;

/** A replacement for Android's class that runs on the JVM. */
public final class CameraDevice {
    public static final int TEMPLATE_PREVIEW = 1;

    /** The number of devices that are open. */
    public static int open;

    /** Receives what happens to a device. */
    public abstract static class StateCallback {
        public static final int ERROR_CAMERA_IN_USE = 1;
        public static final int ERROR_MAX_CAMERAS_IN_USE = 2;
        public static final int ERROR_CAMERA_DISABLED = 3;

        public abstract void onOpened(CameraDevice camera);

        public abstract void onDisconnected(CameraDevice camera);

        public abstract void onError(CameraDevice camera, int error);

        public void onClosed(CameraDevice camera) {
        }
    }

    private final StateCallback callback;
    private final Handler handler;
    private final List<CameraCaptureSession> sessions = new ArrayList<>();
    private boolean isOpen;
    private boolean hasFailed;

    CameraDevice(StateCallback callback, Handler handler) {
        this.callback = callback;
        this.handler = handler;
    }

    /** Opens the device, as the camera service does at some time. */
    public void opens() {
        isOpen = true;
        open++;
        handler.post(() -> callback.onOpened(this));
    }

    /** Reports an error, as the camera service does. */
    public void fails(int error) {
        hasFailed = true;
        handler.post(() -> callback.onError(this, error));
    }

    public void createCaptureSession(List<Surface> surfaces, CameraCaptureSession.StateCallback receiver,
            Handler target) throws CameraAccessException {
        CameraCaptureSession session = new CameraCaptureSession();
        sessions.add(session);
        target.post(() -> receiver.onConfigured(session));
    }

    public CaptureRequest.Builder createCaptureRequest(int template) throws CameraAccessException {
        return new CaptureRequest.Builder();
    }

    public void close() {
        if (isOpen || hasFailed) {
            open -= isOpen ? 1 : 0;
            isOpen = false;
            hasFailed = false;
            for (CameraCaptureSession session : sessions) {
                session.close();
            }
            handler.post(() -> callback.onClosed(this));
        }
    }
}
