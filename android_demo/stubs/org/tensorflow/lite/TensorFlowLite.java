package org.tensorflow.lite;

/** Compile-only: what the app uses of LiteRT's class of this name. Never packed. */
public final class TensorFlowLite {
    private TensorFlowLite() {
    }

    public static String runtimeVersion() {
        throw new UnsupportedOperationException();
    }
}
