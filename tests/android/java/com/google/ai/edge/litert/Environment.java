package com.google.ai.edge.litert;

/** A replacement for LiteRT's class that runs on the JVM. */
public final class Environment implements AutoCloseable {
    private Environment() {
        CompiledModel.open++;
    }

    public static Environment create(NpuAcceleratorProvider provider) throws LiteRtException {
        return new Environment();
    }

    @Override
    public void close() {
        CompiledModel.open--;
    }
}
