package ai.mmnet.matting;

import ai.mmnet.core.AlphaModel;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.Orientation;
import android.content.Context;
import android.graphics.Bitmap;
import androidx.annotation.NonNull;
import androidx.annotation.Nullable;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Portrait matting: photo or camera frame in, alpha matte out.
 *
 * <pre>
 * try (Matting matting = Matting.create(context)) {
 *     Bitmap cutOut = matting.matte(photo).cutOutBitmap();
 * }
 * </pre>
 *
 * <p>Every call computes on the thread that makes it, for tens of milliseconds or more: use a background thread. Any
 * thread may call; the network runs for one call at a time.
 */
public final class Matting implements AutoCloseable {
    private static final int MAX_MODEL_BYTES = 64 << 20;

    private final MattingOptions options;
    private final LoadedModel model;

    private Matting(MattingOptions options, LoadedModel model) {
        this.options = options;
        this.model = model;
    }

    /**
     * Loads the model that ships with the library.
     *
     * @throws MattingException the model cannot be loaded, for example because LiteRT lacks this processor.
     */
    @NonNull
    public static Matting create(@NonNull Context context) throws MattingException {
        return create(context, new MattingOptions());
    }

    /**
     * Loads a model.
     *
     * @param options the settings; changing them afterwards has no effect.
     * @throws MattingException the model is missing, damaged, or has other tensors than export-tflite writes.
     */
    @NonNull
    public static Matting create(@NonNull Context context, @NonNull MattingOptions options) throws MattingException {
        MattingOptions kept = options.copy();
        return new Matting(kept, LoadedModel.load(context, read(context, kept), kept.threads, kept.accelerator));
    }

    /**
     * Mattes an image at its own size. People who fill little of it are seen again, in a crop for each group.
     *
     * @param bitmap an upright image; its alpha is ignored. One in the graphics processor's memory
     *     ({@code Config.HARDWARE}) is copied first.
     * @throws IllegalStateException this object is closed, or the model gave values that are not an alpha.
     */
    @NonNull
    public Matte matte(@NonNull Bitmap bitmap) {
        Orientation upright = new Orientation(bitmap.getHeight(), bitmap.getWidth(), 0, false);
        MattePipeline pipeline = new MattePipeline(upright, model, options.fit, options.profile);
        Bitmaps.toRgb(bitmap, pipeline.image);
        pipeline.runOnImage();
        return new Matte(pipeline, options.profile);
    }

    /** Returns an analyzer for the frames of one camera. It can be used until this object is closed. */
    @NonNull
    public FrameAnalyzer analyzer() {
        return new FrameAnalyzer(model, options);
    }

    /** Returns the network alone, as {@code ai.mmnet.core.Benchmark} measures it. */
    @NonNull
    public AlphaModel network() {
        return model;
    }

    /** Returns what runs the network: the accelerator of the options, or the CPU where that does not work. */
    @NonNull
    public Accelerator accelerator() {
        return model.accelerator;
    }

    /** Returns one line that says why the options' accelerator is not used; null if it is used. */
    @Nullable
    public String acceleratorProblem() {
        return model.problem;
    }

    /** Returns the version of LiteRT in this app; null if its library cannot be loaded. */
    @Nullable
    public static String runtimeVersion() {
        return InterpreterModel.runtimeVersion();
    }

    /** Frees the model, after a call that is using it. Later calls throw {@link IllegalStateException}. */
    @Override
    public void close() {
        model.close();
    }

    /** Returns the bytes of the model in a direct buffer, as the interpreter needs it. */
    private static ByteBuffer read(Context context, MattingOptions options) throws MattingException {
        if (options.bytes != null) {
            return direct(options.bytes);
        }
        String name = options.file == null ? options.asset : options.file.getPath();
        try (InputStream in = options.file == null ? context.getAssets().open(name)
                : new FileInputStream(options.file)) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] chunk = new byte[1 << 16];
            for (int count = in.read(chunk); count >= 0; count = in.read(chunk)) {
                out.write(chunk, 0, count);
                if (out.size() > MAX_MODEL_BYTES) {
                    throw new MattingException(name + ": has more than " + MAX_MODEL_BYTES + " bytes, the limit");
                }
            }
            return direct(out.toByteArray());
        } catch (IOException error) {
            throw new MattingException(name + ": the model cannot be read: " + error.getMessage(), error);
        }
    }

    private static ByteBuffer direct(byte[] bytes) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
        buffer.put(bytes);
        Buffer cursor = buffer; // called on Buffer, as in InterpreterModel.rewind
        cursor.rewind();
        return buffer;
    }
}
