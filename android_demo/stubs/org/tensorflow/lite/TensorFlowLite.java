package org.tensorflow.lite;

/** A compile-only stub of the part of LiteRT's class that the app uses. It is never packed into the app. */
public final class TensorFlowLite {
    private TensorFlowLite() {
    }

    public static String runtimeVersion() {
        throw new UnsupportedOperationException();
    }
}
