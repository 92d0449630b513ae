package ai.mmnet.core;

/**
 * Camera frame → upright picture and its alpha, with the time of each stage. All buffers are allocated by the
 * constructor and overwritten by every run. For one thread at a time.
 */
public final class MattePipeline {
    public final Orientation orientation;
    /** The upright picture: 3 · height · width bytes. */
    public final byte[] picture;
    /** The upright picture's alpha: height · width bytes. */
    public final byte[] alpha;

    private final AlphaModel model;
    private final FrameConverter converter;
    private final InputMaker inputMaker;
    private final AlphaPlacer alphaPlacer;
    private final byte[] input;
    private final byte[] modelAlpha;
    private long preprocessNanos;
    private long invokeNanos;
    private long postprocessNanos;

    public MattePipeline(Orientation orientation, AlphaModel model, Fit fit) {
        this.orientation = orientation;
        this.model = model;
        int height = orientation.height;
        int width = orientation.width;
        int size = model.size();
        picture = new byte[3 * height * width];
        alpha = new byte[height * width];
        converter = new FrameConverter(orientation);
        inputMaker = new InputMaker(height, width, size, fit);
        alphaPlacer = new AlphaPlacer(height, width, size, fit);
        input = new byte[3 * size * size];
        modelAlpha = new byte[size * size];
    }

    /** Fills {@link #picture} and {@link #alpha}. */
    public void run(YuvFrame frame) {
        long start = System.nanoTime();
        converter.convert(frame, picture);
        matte(start);
    }

    /** As {@link #run}, where {@link #picture} has been filled already, such as with a photo. */
    public void runOnPicture() {
        matte(System.nanoTime());
    }

    /** Of the last run: colour, orientation and scaling. */
    public long preprocessNanos() {
        return preprocessNanos;
    }

    /** Of the last run: the network. */
    public long invokeNanos() {
        return invokeNanos;
    }

    /** Of the last run: scaling the alpha back. */
    public long postprocessNanos() {
        return postprocessNanos;
    }

    private void matte(long start) {
        inputMaker.run(picture, input);
        long prepared = System.nanoTime();
        model.run(input, modelAlpha);
        long computed = System.nanoTime();
        alphaPlacer.run(modelAlpha, alpha);
        preprocessNanos = prepared - start;
        invokeNanos = computed - prepared;
        postprocessNanos = System.nanoTime() - computed;
    }
}
