package org.tensorflow.lite;

/** Of the stand-in for LiteRT. */
public final class TensorFlowLite {
    private TensorFlowLite() {
    }

    public static String runtimeVersion() {
        throw new UnsatisfiedLinkError("no library on this machine");
    }
}
