package com.google.ai.edge.litert;

/** A compile-only stub of the part of LiteRT's class that the library uses. It is never packed into the app. */
public interface NpuAcceleratorProvider {
    boolean isDeviceSupported();
}
