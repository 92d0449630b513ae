package org.tensorflow.lite;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.IdentityHashMap;
import java.util.Map;

/**
 * Stands in for LiteRT on the JVM, for LiteRtModelTest: the alpha is the image's red. Its "model" is eight bytes of header
 * and one byte each: S, the ordinals of the types of image and alpha, the channels of the image, and what is wrong with
 * it ({@link #FINE} …).
 */
public final class Interpreter implements AutoCloseable {
    public static final int FINE = 0;
    public static final int DAMAGED = 1;
    public static final int NOT_PREPARED = 2;
    public static final int TWO_INPUTS = 3;
    public static final int NOT_A_NUMBER = 4;
    public static final int ODD_SCALE = 5;

    /** How many are open. */
    public static int open;
    /** All buffers that any was given. */
    public static final Map<Object, Object> BUFFERS = new IdentityHashMap<>();

    private final int size;
    private final DataType imageType;
    private final DataType alphaType;
    private final int channels;
    private final int wrong;

    public Interpreter(ByteBuffer model, Options options) {
        if (!model.isDirect() || model.order() != ByteOrder.nativeOrder()) {
            throw new AssertionError("LiteRT takes direct buffers in native order alone");
        }
        if (!options.xnnpack || options.threads != 3) {
            throw new AssertionError("the options are not what was asked for");
        }
        size = model.get(8);
        imageType = DataType.values()[model.get(9)];
        alphaType = DataType.values()[model.get(10)];
        channels = model.get(11);
        wrong = model.get(12);
        if (wrong == DAMAGED) {
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
        return wrong == TWO_INPUTS ? 2 : 1;
    }

    public int getOutputTensorCount() {
        return 1;
    }

    public Tensor getInputTensor(int index) {
        return new Tensor(imageType, new int[] {1, size, size, channels}, wrong == ODD_SCALE ? 0.5f : 1 / 255f);
    }

    public Tensor getOutputTensor(int index) {
        return new Tensor(alphaType, new int[] {1, size, size, 1}, 1 / 256f);
    }

    public void allocateTensors() {
        if (wrong == NOT_PREPARED) {
            throw new IllegalStateException("cannot allocate");
        }
    }

    public void runForMultipleInputsOutputs(Object[] inputs, Map<Integer, Object> outputs) {
        ByteBuffer image = take(inputs[0], imageType, 3);
        ByteBuffer alpha = take(outputs.get(0), alphaType, 1);
        for (int i = 0; i < size * size; i++) {
            float red = imageType == DataType.UINT8 ? (image.get(3 * i) & 255) / 255f : image.getFloat(12 * i);
            red = wrong == NOT_A_NUMBER ? Float.NaN : red;
            if (alphaType == DataType.UINT8) {
                alpha.put(i, (byte) Math.round(red * 255));
            } else {
                alpha.putFloat(4 * i, red);
            }
        }
        alpha.position(alpha.limit()); // as LiteRT leaves it
    }

    @Override
    public void close() {
        open--;
    }

    private ByteBuffer take(Object given, DataType type, int values) {
        BUFFERS.put(given, given);
        ByteBuffer buffer = (ByteBuffer) given;
        int bytes = values * size * size * (type == DataType.FLOAT32 ? 4 : 1);
        if (!buffer.isDirect() || buffer.order() != ByteOrder.nativeOrder() || buffer.remaining() != bytes) {
            throw new AssertionError("LiteRT does not take this buffer: " + buffer);
        }
        return buffer;
    }
}
