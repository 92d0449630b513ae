package com.google.ai.edge.litert;

import java.util.List;

/** A compile-only stub of the part of LiteRT's class that the library uses. It is never packed into the app. */
public final class CompiledModel implements AutoCloseable {
    private CompiledModel() {
    }

    public static class Options {
        public Options(Accelerator... accelerators) {
            throw new UnsupportedOperationException();
        }
    }

    public static CompiledModel create(String path, Options options) throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    public static CompiledModel create(String path, Options options, Environment environment) throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    public List<TensorBuffer> createInputBuffers() throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    public List<TensorBuffer> createOutputBuffers() throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    public void run(List<TensorBuffer> inputs, List<TensorBuffer> outputs) throws LiteRtException {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
