package org.tensorflow.lite;

/** A compile-only stub of the part of LiteRT's interface that the app uses. It is never packed into the app. */
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
