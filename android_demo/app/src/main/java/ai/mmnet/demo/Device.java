package ai.mmnet.demo;

import android.content.Context;
import android.content.Intent;
import android.content.IntentFilter;
import android.content.pm.PackageManager;
import android.os.BatteryManager;
import android.os.Build;
import android.os.PowerManager;
import ai.mmnet.core.JsonWriter;
import ai.mmnet.matting.Matting;

/** Describes the device in the result of a benchmark: its hardware and software, and its temperature. */
final class Device {
    private static final int API_THERMAL_STATUS = 29;
    private static final String[] THERMAL_NAMES = {
        "none", "light", "moderate", "severe", "critical", "emergency", "shutdown"
    };

    private Device() {
    }

    /** The temperature and the battery of the device at one moment. */
    static final class State {
        /** The thermal status, as PowerManager names it; null below Android 10. */
        final String thermalStatus;
        /** The temperature of the battery; NaN if it is unknown. */
        final double celsius;
        /** The charge of the battery, 0–100; NaN if it is unknown. */
        final double percent;
        /** Whether the device is plugged in. */
        final boolean charging;

        private State(String thermalStatus, double celsius, double percent, boolean charging) {
            this.thermalStatus = thermalStatus;
            this.celsius = celsius;
            this.percent = percent;
            this.charging = charging;
        }

        /** Writes the state as a JSON object. */
        void writeTo(JsonWriter json) {
            json.beginObject();
            json.name("thermal_status").value(thermalStatus);
            json.name("battery_celsius").value(celsius);
            json.name("battery_percent").value(percent);
            json.name("charging").value(charging);
            json.endObject();
        }
    }

    /** Returns the current state. */
    static State state(Context context) {
        String thermal = null;
        if (Build.VERSION.SDK_INT >= API_THERMAL_STATUS) {
            int status = ((PowerManager) context.getSystemService(Context.POWER_SERVICE)).getCurrentThermalStatus();
            thermal = status >= 0 && status < THERMAL_NAMES.length ? THERMAL_NAMES[status] : String.valueOf(status);
        }
        Intent battery = context.registerReceiver(null, new IntentFilter(Intent.ACTION_BATTERY_CHANGED));
        if (battery == null) {
            return new State(thermal, Double.NaN, Double.NaN, false);
        }
        int tenths = battery.getIntExtra(BatteryManager.EXTRA_TEMPERATURE, Integer.MIN_VALUE);
        int level = battery.getIntExtra(BatteryManager.EXTRA_LEVEL, -1);
        int scale = battery.getIntExtra(BatteryManager.EXTRA_SCALE, 0);
        return new State(thermal, tenths == Integer.MIN_VALUE ? Double.NaN : tenths / 10.0,
                level < 0 || scale <= 0 ? Double.NaN : 100.0 * level / scale,
                battery.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0);
    }

    /** Writes the hardware and software as a JSON object. */
    static void writeTo(JsonWriter json, Context context) {
        json.beginObject();
        json.name("manufacturer").value(Build.MANUFACTURER);
        json.name("model").value(Build.MODEL);
        json.name("device").value(Build.DEVICE);
        json.name("hardware").value(Build.HARDWARE);
        json.name("abis").beginArray();
        for (String abi : Build.SUPPORTED_ABIS) {
            json.value(abi);
        }
        json.endArray();
        json.name("processors").value(Runtime.getRuntime().availableProcessors());
        json.name("android").value(Build.VERSION.RELEASE);
        json.name("api").value(Build.VERSION.SDK_INT);
        json.name("fingerprint").value(Build.FINGERPRINT);
        json.name("app").value(appVersion(context));
        json.name("litert").value(Matting.runtimeVersion());
        json.endObject();
    }

    private static String appVersion(Context context) {
        try {
            return context.getPackageManager().getPackageInfo(context.getPackageName(), 0).versionName;
        } catch (PackageManager.NameNotFoundException impossible) { // the app's own package exists
            throw new IllegalStateException(impossible);
        }
    }
}
