package android.hardware.camera2.params;

import android.util.Size;

/** A replacement for Android's class that runs on the JVM. */
public final class StreamConfigurationMap {
    public Size[] getOutputSizes(int format) {
        return new Size[] {new Size(3840, 2160), new Size(1920, 1080), new Size(640, 480), new Size(320, 240)};
    }
}
