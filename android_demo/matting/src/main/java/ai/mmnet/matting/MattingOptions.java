package ai.mmnet.matting;

import ai.mmnet.core.Fit;
import ai.mmnet.core.Profile;
import androidx.annotation.NonNull;
import java.io.File;

/**
 * The settings of a {@link Matting}. Each method returns this object, so that calls can be chained. Without any call, the
 * model that ships with the library runs on up to four threads, in the best quality.
 */
public final class MattingOptions {
    /** The name of the model that ships with the library, among the app's assets. */
    public static final String DEFAULT_MODEL = "mmnet-1.0-256-int8.tflite";

    private static final int MAX_THREADS = 64;
    private static final int DEFAULT_MAX_THREADS = 4; // the network is small: more would only add heat

    int threads = Math.min(DEFAULT_MAX_THREADS, Runtime.getRuntime().availableProcessors());
    String asset = DEFAULT_MODEL;
    File file; // null unless the model is a file
    byte[] bytes; // null unless the model is bytes
    Profile profile = Profile.FINE;
    Fit fit = Fit.AUTO;
    boolean smoothing = true;
    Accelerator accelerator = Accelerator.CPU;

    /** Returns a copy, which does not change with this object. */
    MattingOptions copy() {
        MattingOptions copy = new MattingOptions();
        copy.threads = threads;
        copy.asset = asset;
        copy.file = file;
        copy.bytes = bytes;
        copy.profile = profile;
        copy.fit = fit;
        copy.smoothing = smoothing;
        copy.accelerator = accelerator;
        return copy;
    }

    /**
     * Sets the number of the network's threads.
     *
     * @throws IllegalArgumentException it is not 1 to 64.
     */
    @NonNull
    public MattingOptions threads(int number) {
        if (number < 1 || number > MAX_THREADS) {
            throw new IllegalArgumentException("the number of threads is " + number + "; it must be 1 to " + MAX_THREADS);
        }
        threads = number;
        return this;
    }

    /**
     * Sets what runs the network. The default is {@link Accelerator#CPU}. Where the accelerator is missing, cannot run the
     * model or computes another alpha, the CPU runs it, and {@link Matting#acceleratorProblem} says why.
     */
    @NonNull
    public MattingOptions accelerator(@NonNull Accelerator wanted) {
        accelerator = wanted;
        return this;
    }

    /** Takes the model from an asset of the app. */
    @NonNull
    public MattingOptions modelAsset(@NonNull String name) {
        asset = name;
        file = null;
        bytes = null;
        return this;
    }

    /** Takes the model from a .tflite file. */
    @NonNull
    public MattingOptions modelFile(@NonNull File path) {
        file = path;
        bytes = null;
        return this;
    }

    /** Takes the model from the bytes of a .tflite file. They are copied when the {@link Matting} is created. */
    @NonNull
    public MattingOptions modelBytes(@NonNull byte[] content) {
        bytes = content;
        file = null;
        return this;
    }

    /** Sets how much is computed at the image's size. The default is {@link Profile#FINE}. */
    @NonNull
    public MattingOptions profile(@NonNull Profile quality) {
        profile = quality;
        return this;
    }

    /** Sets how an image is placed in the model's input. The default is {@link Fit#AUTO}. */
    @NonNull
    public MattingOptions fit(@NonNull Fit placement) {
        fit = placement;
        return this;
    }

    /** Sets whether a {@link FrameAnalyzer} smooths the alphas of its frames over time. The default is true. */
    @NonNull
    public MattingOptions smoothing(boolean smooth) {
        smoothing = smooth;
        return this;
    }
}
