package android.hardware.camera2;

import java.util.HashMap;
import java.util.Map;
import android.hardware.camera2.params.StreamConfigurationMap;

/** A replacement for Android's class that runs on the JVM. */
public final class CameraCharacteristics {
    public static final int LENS_FACING_FRONT = 0;
    public static final int LENS_FACING_BACK = 1;
    public static final Key<Integer> LENS_FACING = new Key<>(Integer.class);
    public static final Key<Integer> SENSOR_ORIENTATION = new Key<>(Integer.class);
    public static final Key<StreamConfigurationMap> SCALER_STREAM_CONFIGURATION_MAP =
            new Key<>(StreamConfigurationMap.class);

    public final Map<Key<?>, Object> values = new HashMap<>();

    /** The name of a value. */
    public static final class Key<T> {
        private final Class<T> type;

        Key(Class<T> type) {
            this.type = type;
        }
    }

    public <T> T get(Key<T> key) {
        return key.type.cast(values.get(key));
    }
}
