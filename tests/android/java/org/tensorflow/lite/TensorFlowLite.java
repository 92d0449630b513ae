package org.tensorflow.lite;

/** A part of the replacement for LiteRT in the tests; see {@link Interpreter}. */
public final class TensorFlowLite {
    private TensorFlowLite() {
    }

    public static String runtimeVersion() {
        throw new UnsatisfiedLinkError("no library on this machine");
    }
}
