package com.google.ai.edge.litert;

import android.content.Context;

/** A replacement for LiteRT's class that runs on the JVM. */
public final class BuiltinNpuAcceleratorProvider implements NpuAcceleratorProvider {
    /** Whether the device has a neural processor that LiteRT knows. */
    public static boolean isSupported = true;

    public BuiltinNpuAcceleratorProvider(Context context) {
    }

    @Override
    public boolean isDeviceSupported() {
        return isSupported;
    }
}
