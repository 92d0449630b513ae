package ai.mmnet.matting;

import ai.mmnet.core.AlphaModel;
import android.content.Context;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * A model on the accelerator that was asked for, or on the CPU where that does not work. Any thread may use it; the
 * network runs for one call at a time.
 */
final class LoadedModel implements AlphaModel {
    private final ClosableModel model;
    private boolean closed;

    /** What runs the network. */
    final Accelerator accelerator;
    /** Why the CPU runs the network although another accelerator was asked for; null if that is not so. */
    final String problem;

    private LoadedModel(ClosableModel model, Accelerator accelerator, String problem) {
        this.model = model;
        this.accelerator = accelerator;
        this.problem = problem;
    }

    /**
     * Loads a model. An accelerator must give nearly the alpha of the interpreter for a drawn portrait; else, or if it is
     * missing, the interpreter is used.
     *
     * @param content a direct buffer in native byte order with the bytes of a .tflite.
     * @throws MattingException the bytes are not a .tflite, are damaged, or the model has other tensors.
     */
    static LoadedModel load(Context context, ByteBuffer content, int threads, Accelerator wanted)
            throws MattingException {
        InterpreterModel interpreter = new InterpreterModel(content, threads);
        if (wanted == Accelerator.CPU) {
            return new LoadedModel(interpreter, Accelerator.CPU, null);
        }
        AcceleratedModel accelerated = null;
        String problem;
        try {
            accelerated = compile(context, content, wanted, interpreter);
            problem = Trial.compare(interpreter, accelerated);
        } catch (LinkageError error) { // an app without LiteRT's library, or with another version of it
            problem = "LiteRT cannot be loaded: " + error;
        } catch (Exception error) { // LiteRT's own, and anything that a maker's driver causes
            problem = error.getMessage() == null ? error.toString() : error.getMessage();
        }
        if (problem == null) {
            interpreter.close();
            return new LoadedModel(accelerated, wanted, null);
        }
        if (accelerated != null) {
            accelerated.close();
        }
        return new LoadedModel(interpreter, Accelerator.CPU, wanted + ": " + problem.replaceAll("\\s+", " "));
    }

    @Override
    public int size() {
        return model.size();
    }

    @Override
    public synchronized void run(byte[] input, byte[] alpha) {
        if (closed) {
            throw new IllegalStateException("the Matting is closed; create another one");
        }
        model.run(input, alpha);
    }

    /** Frees the model, after a call that is using it. */
    synchronized void close() {
        if (!closed) {
            closed = true;
            model.close();
        }
    }

    /** Compiles a model, by way of a file in the app's cache: LiteRT takes no bytes. */
    private static AcceleratedModel compile(Context context, ByteBuffer content, Accelerator wanted,
            InterpreterModel interpreter) throws Exception {
        File file = File.createTempFile("model", ".tflite", context.getCacheDir());
        boolean isWritten = false;
        try (FileOutputStream out = new FileOutputStream(file)) {
            ByteBuffer bytes = content.duplicate();
            while (bytes.hasRemaining()) {
                out.getChannel().write(bytes);
            }
            isWritten = true;
        } catch (IOException error) {
            throw new IOException("the model cannot be written to the cache: " + error.getMessage(), error);
        } finally {
            if (!isWritten) {
                file.delete();
            }
        }
        return new AcceleratedModel(context, file, wanted, interpreter);
    }
}
