package android.hardware.camera2;

import android.hardware.camera2.params.StreamConfigurationMap;
import android.os.Handler;
import java.util.ArrayList;
import java.util.List;

/** A replacement for Android's class that runs on the JVM: a camera on each side. The test opens and closes them. */
public final class CameraManager {
    /** The cameras that were asked for, in their order. */
    public final List<CameraDevice> asked = new ArrayList<>();
    public CameraAccessException refusal; // null unless cameras cannot be opened

    public String[] getCameraIdList() throws CameraAccessException {
        return new String[] {"0", "1"};
    }

    public CameraCharacteristics getCameraCharacteristics(String id) throws CameraAccessException {
        CameraCharacteristics camera = new CameraCharacteristics();
        camera.values.put(CameraCharacteristics.LENS_FACING, id.equals("0") ? CameraCharacteristics.LENS_FACING_BACK
                : CameraCharacteristics.LENS_FACING_FRONT);
        camera.values.put(CameraCharacteristics.SENSOR_ORIENTATION, 90);
        camera.values.put(CameraCharacteristics.SCALER_STREAM_CONFIGURATION_MAP, new StreamConfigurationMap());
        return camera;
    }

    public void openCamera(String id, CameraDevice.StateCallback callback, Handler handler)
            throws CameraAccessException {
        if (refusal != null) {
            throw refusal;
        }
        asked.add(new CameraDevice(callback, handler));
    }
}
