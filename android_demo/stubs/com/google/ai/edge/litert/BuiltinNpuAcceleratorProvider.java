package com.google.ai.edge.litert;

import android.content.Context;

/** A compile-only stub of the part of LiteRT's class that the library uses. It is never packed into the app. */
public final class BuiltinNpuAcceleratorProvider implements NpuAcceleratorProvider {
    public BuiltinNpuAcceleratorProvider(Context context) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isDeviceSupported() {
        throw new UnsupportedOperationException();
    }
}
