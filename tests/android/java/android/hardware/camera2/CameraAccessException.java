package android.hardware.camera2;

/** A replacement for Android's class that runs on the JVM. */
public final class CameraAccessException extends Exception {
    public static final int CAMERA_DISABLED = 1;
    public static final int CAMERA_DISCONNECTED = 2;
    public static final int CAMERA_IN_USE = 4;
    public static final int MAX_CAMERAS_IN_USE = 5;
    private static final long serialVersionUID = 1;

    private final int reason;

    public CameraAccessException(int reason) {
        this.reason = reason;
    }

    public int getReason() {
        return reason;
    }
}
