package com.google.ai.edge.litert;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.tensorflow.lite.DataType;

/**
 * A replacement for LiteRT's class that runs on the JVM. It reads the model file of the replacement for the interpreter, and its
 * alpha is the red channel of the image, plus {@link #wrong}.
 */
public final class CompiledModel implements AutoCloseable {
    /** The number of models, environments and buffers that are not closed. */
    public static int open;
    /** The accelerators of each model that was created. */
    public static final List<String> CREATED = new ArrayList<>();
    /** The message of the exception when a model is created; null for none. */
    public static String refusal;
    /** Whether the native library is missing. */
    public static boolean isMissing;
    /** The levels by which the alpha is wrong. */
    public static int wrong;

    private final byte[] header;

    private CompiledModel(String path, Options options) throws LiteRtException {
        if (isMissing) {
            throw new UnsatisfiedLinkError("no LiteRt in java.library.path");
        }
        if (refusal != null) {
            throw new LiteRtException(504, refusal);
        }
        try {
            header = Files.readAllBytes(Paths.get(path));
        } catch (IOException error) {
            throw new LiteRtException(500, error.getMessage());
        }
        CREATED.add(options.accelerators);
        open++;
    }

    /** The accelerators. */
    public static class Options {
        private final String accelerators;

        public Options(Accelerator... accelerators) {
            this.accelerators = java.util.Arrays.toString(accelerators);
        }
    }

    public static CompiledModel create(String path, Options options) throws LiteRtException {
        return new CompiledModel(path, options);
    }

    public static CompiledModel create(String path, Options options, Environment environment) throws LiteRtException {
        return new CompiledModel(path, options);
    }

    public List<TensorBuffer> createInputBuffers() throws LiteRtException {
        return Collections.singletonList(new TensorBuffer(3 * header[8] * header[8], isFloat(9)));
    }

    public List<TensorBuffer> createOutputBuffers() throws LiteRtException {
        return Collections.singletonList(new TensorBuffer(header[8] * header[8], isFloat(10)));
    }

    public void run(List<TensorBuffer> inputs, List<TensorBuffer> outputs) throws LiteRtException {
        TensorBuffer image = inputs.get(0);
        TensorBuffer alpha = outputs.get(0);
        int count = header[8] * header[8];
        alpha.floats = new float[count];
        alpha.bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            int red = image.isFloat ? Math.round(image.floats[3 * i] * 255) : image.bytes[3 * i] & 255;
            int value = Math.min(red + wrong, 255);
            alpha.floats[i] = value / 255f;
            alpha.bytes[i] = (byte) value;
        }
    }

    @Override
    public void close() {
        open--;
    }

    private boolean isFloat(int at) {
        return DataType.values()[header[at]] == DataType.FLOAT32;
    }
}
