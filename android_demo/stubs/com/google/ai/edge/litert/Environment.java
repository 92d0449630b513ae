package com.google.ai.edge.litert;

/** A compile-only stub of the part of LiteRT's class that the library uses. It is never packed into the app. */
public final class Environment implements AutoCloseable {
    private Environment() {
    }

    public static Environment create(NpuAcceleratorProvider provider) throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
