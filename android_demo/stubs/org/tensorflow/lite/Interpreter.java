package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.util.Map;

/** A compile-only stub of the part of LiteRT's class that the app uses. It is never packed into the app. */
public final class Interpreter implements AutoCloseable {
    public Interpreter(ByteBuffer model, Options options) {
        throw new UnsupportedOperationException();
    }

    public static class Options {
        public Options setNumThreads(int threads) {
            throw new UnsupportedOperationException();
        }

        public Options setUseXNNPACK(boolean use) {
            throw new UnsupportedOperationException();
        }
    }

    public int getInputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public int getOutputTensorCount() {
        throw new UnsupportedOperationException();
    }

    public Tensor getInputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public Tensor getOutputTensor(int index) {
        throw new UnsupportedOperationException();
    }

    public void allocateTensors() {
        throw new UnsupportedOperationException();
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        throw new UnsupportedOperationException();
    }
}
