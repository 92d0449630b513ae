package com.google.ai.edge.litert;

import android.content.Context;

/** A replacement for LiteRT's class that runs on the JVM. */
public final class BuiltinNpuAcceleratorProvider implements NpuAcceleratorProvider {
    public BuiltinNpuAcceleratorProvider(Context context) {
    }
}
