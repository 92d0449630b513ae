package com.google.ai.edge.litert;

/** A replacement for LiteRT's class that runs on the JVM. */
public interface NpuAcceleratorProvider {
    boolean isDeviceSupported();
}
