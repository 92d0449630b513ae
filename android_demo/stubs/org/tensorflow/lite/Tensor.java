package org.tensorflow.lite;

/** Compile-only: what the app uses of LiteRT's interface of this name. Never packed. */
public interface Tensor {
    class QuantizationParams {
        public float getScale() {
            throw new UnsupportedOperationException();
        }

        public int getZeroPoint() {
            throw new UnsupportedOperationException();
        }
    }

    DataType dataType();

    int[] shape();

    QuantizationParams quantizationParams();
}
