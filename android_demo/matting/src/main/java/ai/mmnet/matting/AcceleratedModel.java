package ai.mmnet.matting;

import android.content.Context;
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider;
import com.google.ai.edge.litert.CompiledModel;
import com.google.ai.edge.litert.Environment;
import com.google.ai.edge.litert.LiteRtException;
import com.google.ai.edge.litert.TensorBuffer;
import java.io.File;
import java.util.List;

/**
 * A .tflite model on the graphics processor or the neural processor, in LiteRT's CompiledModel. The object owns the
 * compiled model and its buffers. LiteRT's API gives each result in a new array, so a run allocates. One thread at a time
 * may use it.
 */
final class AcceleratedModel implements ClosableModel {
    private static final int UNSUPPORTED = 5; // of LiteRT's status codes

    private final File file;
    private final int size;
    private final boolean givesFloats;
    private final float[] imageFloats; // null for uint8
    private final byte[] imageBytes; // null for float32
    private Environment environment; // null for the graphics processor
    private CompiledModel model;
    private List<TensorBuffer> inputs;
    private List<TensorBuffer> outputs;

    /**
     * Compiles a model for an accelerator.
     *
     * @param file the .tflite, which {@link #close} removes: LiteRT may read from it until then.
     * @param accelerator {@link Accelerator#GPU} or {@link Accelerator#NPU}.
     * @param same the same model in the interpreter, which has checked its tensors.
     * @throws LiteRtException the accelerator is missing, or cannot run the model.
     */
    AcceleratedModel(Context context, File file, Accelerator accelerator, InterpreterModel same)
            throws LiteRtException {
        this.file = file;
        size = same.size();
        givesFloats = same.givesFloats();
        imageFloats = same.takesFloats() ? new float[3 * size * size] : null;
        imageBytes = same.takesFloats() ? null : new byte[3 * size * size];
        boolean accepted = false;
        try {
            // Only this accelerator is listed. With the CPU as the second one, LiteRT would use it without a word.
            if (accelerator == Accelerator.NPU) {
                BuiltinNpuAcceleratorProvider provider = new BuiltinNpuAcceleratorProvider(context);
                if (!provider.isDeviceSupported()) { // LiteRT adds the CPU to the NPU: it would run everything there
                    throw new LiteRtException(UNSUPPORTED, "LiteRT supports no neural processor of this device");
                }
                environment = Environment.create(provider);
                model = CompiledModel.create(file.getPath(),
                        new CompiledModel.Options(com.google.ai.edge.litert.Accelerator.NPU), environment);
            } else {
                model = CompiledModel.create(file.getPath(),
                        new CompiledModel.Options(com.google.ai.edge.litert.Accelerator.GPU));
            }
            inputs = model.createInputBuffers();
            outputs = model.createOutputBuffers();
            accepted = true;
        } finally {
            if (!accepted) {
                close();
            }
        }
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void run(byte[] input, byte[] alpha) {
        try {
            if (imageFloats == null) {
                System.arraycopy(input, 0, imageBytes, 0, imageBytes.length); // the input may be longer
                inputs.get(0).writeInt8(imageBytes);
            } else {
                for (int i = 0; i < imageFloats.length; i++) {
                    imageFloats[i] = (input[i] & 255) / 255f;
                }
                inputs.get(0).writeFloat(imageFloats);
            }
            model.run(inputs, outputs);
            if (givesFloats) {
                float[] values = outputs.get(0).readFloat();
                for (int i = 0; i < size * size; i++) {
                    alpha[i] = InterpreterModel.toByte(values[i]);
                }
            } else {
                System.arraycopy(outputs.get(0).readInt8(), 0, alpha, 0, size * size);
            }
        } catch (LiteRtException error) {
            throw new IllegalStateException("the accelerator failed: " + error.getMessage(), error);
        }
    }

    @Override
    public void close() {
        close(inputs);
        close(outputs);
        inputs = null;
        outputs = null;
        if (model != null) {
            model.close();
            model = null;
        }
        if (environment != null) {
            environment.close();
            environment = null;
        }
        file.delete();
    }

    private static void close(List<TensorBuffer> buffers) {
        if (buffers != null) {
            for (TensorBuffer buffer : buffers) {
                buffer.close();
            }
        }
    }
}
