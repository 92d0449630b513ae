package android.os;

/**
 * A compile-only stub of the part of Android's class that the app uses. It replaces the class of the platform jar,
 * which is that of API 23 and lacks the thermal status of API 29. It is never packed into the app.
 */
public final class PowerManager {
    PowerManager() {
    }

    public int getCurrentThermalStatus() {
        throw new UnsupportedOperationException();
    }
}
