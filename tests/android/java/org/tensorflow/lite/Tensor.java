package org.tensorflow.lite;

/** A part of the replacement for LiteRT in the tests; see {@link Interpreter}. */
public final class Tensor {
    private final DataType type;
    private final int[] shape;
    private final float scale;

    Tensor(DataType type, int[] shape, float scale) {
        this.type = type;
        this.shape = shape;
        this.scale = scale;
    }

    public DataType dataType() {
        return type;
    }

    public int[] shape() {
        return shape;
    }

    public QuantizationParams quantizationParams() {
        return new QuantizationParams(type == DataType.UINT8 ? scale : 0);
    }

    public static final class QuantizationParams {
        private final float scale;

        QuantizationParams(float scale) {
            this.scale = scale;
        }

        public float getScale() {
            return scale;
        }

        public int getZeroPoint() {
            return 0;
        }
    }
}
