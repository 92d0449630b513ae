package android.hardware.camera2;

import android.view.Surface;

/** A replacement for Android's class that runs on the JVM. */
public final class CaptureRequest {
    /** Makes a request. */
    public static final class Builder {
        public void addTarget(Surface surface) {
        }

        public CaptureRequest build() {
            return new CaptureRequest();
        }
    }
}
