package android.os;

/**
 * Compile-only, before the platform jar, which is of API 23: what the app uses of this class, which has the thermal
 * status since API 29. Never packed.
 */
public final class PowerManager {
    PowerManager() {
    }

    public int getCurrentThermalStatus() {
        throw new UnsupportedOperationException();
    }
}
