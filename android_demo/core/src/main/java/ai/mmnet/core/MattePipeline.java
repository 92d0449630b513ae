package ai.mmnet.core;

/**
 * Turns a camera frame into an upright image and its alpha, and measures the time of each stage. The result is that of
 * the profile {@code fast}: the alpha is scaled bilinearly, and the image keeps its own colours. The constructor
 * allocates all buffers, and every run overwrites them. One thread at a time may use it.
 */
public final class MattePipeline {
    /** How the frame is turned to be upright. */
    public final Orientation orientation;
    /** The upright image of the last run: 3 · height · width bytes, R, G, B of each pixel. */
    public final byte[] image;
    /** The alpha of the upright image of the last run: height · width bytes, 0 is background, 255 is foreground. */
    public final byte[] alpha;

    private final AlphaModel model;
    private final FrameConverter converter;
    private final InputScaler inputScaler;
    private final AlphaScaler alphaScaler;
    private final byte[] input;
    private final byte[] modelAlpha;
    private long preprocessNanos;
    private long invokeNanos;
    private long postprocessNanos;

    /**
     * Prepares the pipeline for frames of one size and orientation.
     *
     * @param orientation the size of the frames, and how they are turned to be upright.
     * @param model the network; the caller closes it.
     * @param fit how the image is placed in the model's input.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    public MattePipeline(Orientation orientation, AlphaModel model, Fit fit) {
        this.orientation = orientation;
        this.model = model;
        int height = orientation.height;
        int width = orientation.width;
        int size = model.size();
        image = new byte[3 * height * width];
        alpha = new byte[height * width];
        converter = new FrameConverter(orientation);
        inputScaler = new InputScaler(height, width, size, fit);
        alphaScaler = new AlphaScaler(height, width, size, fit);
        input = new byte[3 * size * size];
        modelAlpha = new byte[size * size];
    }

    /**
     * Mattes a camera frame: fills {@link #image} and {@link #alpha}.
     *
     * @throws IllegalArgumentException the frame has another size than the orientation says.
     */
    public void run(YuvFrame frame) {
        long start = System.nanoTime();
        converter.convert(frame, image);
        matte(start);
    }

    /**
     * Mattes the upright image that the caller has written to {@link #image}, such as a photo: fills {@link #alpha}.
     */
    public void runOnImage() {
        matte(System.nanoTime());
    }

    /** Returns the nanoseconds that the last run took for colours, orientation and scaling to the model's input. */
    public long preprocessNanos() {
        return preprocessNanos;
    }

    /** Returns the nanoseconds that the last run took for the network. */
    public long invokeNanos() {
        return invokeNanos;
    }

    /** Returns the nanoseconds that the last run took for scaling the alpha to the image. */
    public long postprocessNanos() {
        return postprocessNanos;
    }

    private void matte(long start) {
        inputScaler.run(image, input);
        long prepared = System.nanoTime();
        model.run(input, modelAlpha);
        long computed = System.nanoTime();
        alphaScaler.run(modelAlpha, alpha);
        preprocessNanos = prepared - start;
        invokeNanos = computed - prepared;
        postprocessNanos = System.nanoTime() - computed;
    }
}
