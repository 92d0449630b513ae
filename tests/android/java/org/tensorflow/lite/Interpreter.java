package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * A replacement for LiteRT's interpreter that runs on the JVM, for InterpreterModelTest. Its alpha is the red channel of the
 * image. Its model file is a header of eight bytes and then five bytes: the side S, the ordinals of the data types of
 * image and alpha, the channels of the image, and a fault to simulate, such as {@link #DAMAGED}.
 */
public final class Interpreter implements AutoCloseable {
    public static final int NO_FAULT = 0;
    public static final int DAMAGED = 1;
    public static final int NOT_PREPARED = 2;
    public static final int TWO_INPUTS = 3;
    public static final int NOT_A_NUMBER = 4;
    public static final int ODD_SCALE = 5;

    /** The number of open interpreters. */
    public static int open;
    /** The number of threads of the interpreter that was made last. */
    public static int threads;
    /** All buffers that any interpreter has received. */
    public static final Map<Object, Object> USED_BUFFERS = new IdentityHashMap<>();

    private final int size;
    private final DataType imageType;
    private final DataType alphaType;
    private final int channels;
    private final int fault;

    public Interpreter(ByteBuffer model, Options options) {
        if (!model.isDirect() || model.order() != ByteOrder.nativeOrder()) {
            throw new AssertionError("LiteRT takes only direct buffers in native order");
        }
        if (!options.xnnpack || options.threads < 1) {
            throw new AssertionError("the options must be XNNPACK and at least one thread");
        }
        threads = options.threads;
        size = model.get(8);
        imageType = DataType.values()[model.get(9)];
        alphaType = DataType.values()[model.get(10)];
        channels = model.get(11);
        fault = model.get(12);
        if (fault == DAMAGED) {
            throw new IllegalArgumentException("not a valid flatbuffer");
        }
        open++;
    }

    public static class Options {
        private boolean xnnpack;
        private int threads;

        public Options setNumThreads(int number) {
            threads = number;
            return this;
        }

        public Options setUseXNNPACK(boolean use) {
            xnnpack = use;
            return this;
        }
    }

    public int getInputTensorCount() {
        return fault == TWO_INPUTS ? 2 : 1;
    }

    public int getOutputTensorCount() {
        return 1;
    }

    public Tensor getInputTensor(int index) {
        return new Tensor(imageType, new int[] {1, size, size, channels}, fault == ODD_SCALE ? 0.5f : 1 / 255f);
    }

    public Tensor getOutputTensor(int index) {
        return new Tensor(alphaType, new int[] {1, size, size, 1}, 1 / 256f);
    }

    public void allocateTensors() {
        if (fault == NOT_PREPARED) {
            throw new IllegalStateException("cannot allocate");
        }
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        ByteBuffer image = take(inputs[0], imageType, 3);
        ByteBuffer alpha = take(outputs.get(0), alphaType, 1);
        for (int i = 0; i < size * size; i++) {
            float red = imageType == DataType.UINT8 ? (image.get(3 * i) & 255) / 255f : image.getFloat(12 * i);
            red = fault == NOT_A_NUMBER ? Float.NaN : red;
            if (alphaType == DataType.UINT8) {
                alpha.put(i, (byte) Math.round(red * 255));
            } else {
                alpha.putFloat(4 * i, red);
            }
        }
        alpha.position(alpha.limit()); // LiteRT leaves the position there
    }

    @Override
    public void close() {
        open--;
    }

    /** Checks a buffer as LiteRT does, and records it. */
    private ByteBuffer take(Object given, DataType type, int values) {
        USED_BUFFERS.put(given, given);
        ByteBuffer buffer = (ByteBuffer) given;
        int bytes = values * size * size * (type == DataType.FLOAT32 ? 4 : 1);
        if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder() || buffer.remaining() != bytes) {
            throw new AssertionError("LiteRT does not take this buffer: " + buffer);
        }
        return buffer;
    }
}
