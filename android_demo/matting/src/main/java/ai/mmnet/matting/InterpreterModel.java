package ai.mmnet.matting;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;
import org.tensorflow.lite.Tensor;
import org.tensorflow.lite.TensorFlowLite;

/**
 * A .tflite model in LiteRT's interpreter with XNNPACK. The object owns the interpreter and its buffers, which are
 * allocated once. One thread at a time may use it.
 *
 * <p>The model must have the tensors that export-tflite writes: one input, an RGB image [1, S, S, 3], and one output,
 * an alpha [1, S, S, 1]. Each is uint8 (0–255) or float32 (0–1).
 */
final class InterpreterModel implements ClosableModel {
    private static final int BYTES_PER_FLOAT = 4;
    private static final double SCALE_TOLERANCE = 1e-3;
    private static final double ALPHA_TOLERANCE = 1e-3; // float alpha may leave 0–1 by this much, from rounding

    private final Interpreter interpreter;
    private final ByteBuffer model; // kept, because the interpreter reads the weights from it at every run
    private final int size;
    private final ByteBuffer image;
    private final ByteBuffer alpha;
    private final FloatBuffer imageFloats; // null for uint8
    private final FloatBuffer alphaFloats; // null for uint8
    private final Object[] inputs;
    private final Map<Integer, Object> outputs;

    /**
     * Loads a model.
     *
     * @param content a direct buffer in native byte order with the bytes of a .tflite.
     * @param threads the number of LiteRT's threads, at least 1.
     * @throws MattingException the bytes are not a .tflite, are damaged, or the model has other tensors.
     */
    InterpreterModel(ByteBuffer content, int threads) throws MattingException {
        model = content;
        if (content.capacity() < 8 || content.get(4) != 'T' || content.get(5) != 'F' || content.get(6) != 'L'
                || content.get(7) != '3') {
            throw new MattingException("the file is not a .tflite model");
        }
        Interpreter loaded;
        try {
            loaded = new Interpreter(content, new Interpreter.Options().setNumThreads(threads).setUseXNNPACK(true));
        } catch (IllegalArgumentException | IllegalStateException error) {
            throw new MattingException("the model is damaged, or LiteRT does not support it", error);
        } catch (UnsatisfiedLinkError error) {
            throw new MattingException("this app has no LiteRT library for this processor", error);
        }
        boolean accepted = false;
        try {
            if (loaded.getInputTensorCount() != 1 || loaded.getOutputTensorCount() != 1) {
                throw new MattingException("the model must have one input and one output");
            }
            loaded.allocateTensors();
            Tensor in = loaded.getInputTensor(0);
            Tensor out = loaded.getOutputTensor(0);
            int[] shape = in.shape();
            size = shape.length == 4 ? shape[1] : 0;
            check("input", in, 3, 255);
            check("output", out, 1, 256);
            image = allocate(in, 3 * size * size);
            alpha = allocate(out, size * size);
            imageFloats = in.dataType() == DataType.FLOAT32 ? image.asFloatBuffer() : null;
            alphaFloats = out.dataType() == DataType.FLOAT32 ? alpha.asFloatBuffer() : null;
            accepted = true;
        } catch (IllegalArgumentException | IllegalStateException error) {
            throw new MattingException("LiteRT cannot prepare the model", error);
        } finally {
            if (!accepted) {
                loaded.close();
            }
        }
        interpreter = loaded;
        inputs = new Object[] {image};
        outputs = Collections.<Integer, Object>singletonMap(0, alpha);
    }

    /** Returns the version of LiteRT in this app; null if its library cannot be loaded. */
    static String runtimeVersion() {
        try {
            return TensorFlowLite.runtimeVersion();
        } catch (UnsatisfiedLinkError error) {
            return null;
        }
    }

    @Override
    public int size() {
        return size;
    }

    /** Returns whether the model's image is float32, not uint8. */
    boolean takesFloats() {
        return imageFloats != null;
    }

    /** Returns whether the model's alpha is float32, not uint8. */
    boolean givesFloats() {
        return alphaFloats != null;
    }

    @Override
    public void run(byte[] input, byte[] result) {
        rewind(image);
        if (imageFloats == null) {
            image.put(input, 0, 3 * size * size);
            rewind(image);
        } else {
            for (int i = 0; i < 3 * size * size; i++) {
                imageFloats.put(i, (input[i] & 255) / 255f);
            }
        }
        rewind(alpha);
        interpreter.runForMultipleInputsOutputs(inputs, outputs);
        rewind(alpha);
        if (alphaFloats == null) {
            alpha.get(result, 0, size * size);
        } else {
            for (int i = 0; i < size * size; i++) {
                result[i] = toByte(alphaFloats.get(i));
            }
        }
    }

    @Override
    public void close() {
        interpreter.close();
    }

    /** Rewinds a buffer. */
    private static void rewind(Buffer buffer) {
        // Called on Buffer: ByteBuffer.rewind() exists only since Java 9 and Android 9.
        buffer.rewind();
    }

    /**
     * Returns an alpha of 0–1 as a byte.
     *
     * @throws IllegalStateException the value is not in 0–1.
     */
    static byte toByte(float value) {
        if (!(value >= -ALPHA_TOLERANCE && value <= 1 + ALPHA_TOLERANCE)) { // true for NaN, too
            throw new IllegalStateException("the model gave the alpha " + value + ", which is not in 0–1");
        }
        return (byte) Math.rint(Math.min(Math.max(value, 0f), 1f) * 255f);
    }

    /**
     * Checks the shape, the type and the scale of a tensor.
     *
     * @param side "input" or "output", for messages.
     * @param levels the scale of a uint8 tensor is 1/255 or 1/levels.
     */
    private void check(String side, Tensor tensor, int channels, int levels) throws MattingException {
        int[] expected = {1, size, size, channels};
        DataType type = tensor.dataType();
        if (size < 1 || !Arrays.equals(tensor.shape(), expected)) {
            throw new MattingException("the model's " + side + " has the shape " + Arrays.toString(tensor.shape())
                    + ", not [1, S, S, " + channels + "]");
        }
        if (type != DataType.UINT8 && type != DataType.FLOAT32) {
            throw new MattingException("the model's " + side + " has the type " + type + ", not UINT8 or FLOAT32");
        }
        double scale = tensor.quantizationParams().getScale();
        boolean known = Math.abs(scale * 255 - 1) < SCALE_TOLERANCE || Math.abs(scale * levels - 1) < SCALE_TOLERANCE;
        if (type == DataType.UINT8 && scale != 0 && !(known && tensor.quantizationParams().getZeroPoint() == 0)) {
            throw new MattingException("the model's " + side + " has the scale " + scale + ", not 1/" + levels);
        }
    }

    private static ByteBuffer allocate(Tensor tensor, int values) {
        int bytes = tensor.dataType() == DataType.FLOAT32 ? BYTES_PER_FLOAT : 1;
        return ByteBuffer.allocateDirect(values * bytes).order(ByteOrder.nativeOrder());
    }
}
