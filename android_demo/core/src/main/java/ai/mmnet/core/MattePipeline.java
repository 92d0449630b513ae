package ai.mmnet.core;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Turns a camera frame into an upright image and its alpha, and measures the time of each stage. The result is that of
 * the profile {@code fast}: the alpha is scaled bilinearly, and the image keeps its own colours. The constructor
 * allocates all buffers, and every run overwrites them; with {@link Fit#AUTO}, a run also allocates what new crops
 * need. One thread at a time may use it.
 */
public final class MattePipeline {
    /** How the frame is turned to be upright. */
    public final Orientation orientation;
    /** The upright image of the last run: 3 · height · width bytes, R, G, B of each pixel. */
    public final byte[] image;
    /** The alpha of the upright image of the last run: height · width bytes, 0 is background, 255 is foreground. */
    public final byte[] alpha;

    private static final int NO_CROPS = -1;

    private final AlphaModel model;
    private final CropTracker tracker; // null if the fit is not AUTO
    private final PeopleFinder finder; // null if the fit is not AUTO
    private final FrameConverter converter;
    private final Scalers wholeScalers;
    private Scalers cropScalers; // null before the first crop
    private final byte[] input;
    private final byte[] modelAlpha;
    private int cropsConfidence = NO_CROPS;
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
        tracker = fit == Fit.AUTO ? new CropTracker(size) : null;
        finder = fit == Fit.AUTO ? new PeopleFinder(size) : null;
        wholeScalers = new Scalers(Placement.of(fit, height, width, size));
        input = new byte[3 * size * size];
        modelAlpha = new byte[size * size];
    }

    /**
     * Mattes a camera frame: fills {@link #image} and {@link #alpha}. With {@link Fit#AUTO}, the model sees a crop that
     * follows the people from frame to frame.
     *
     * @throws IllegalArgumentException the frame has another size than the orientation says.
     */
    public void run(YuvFrame frame) {
        long start = System.nanoTime();
        converter.convert(frame, image);
        cropsConfidence = NO_CROPS;
        preprocessNanos = 0;
        invokeNanos = 0;
        Scalers scalers = wholeScalers;
        long now = start;
        if (tracker == null) {
            now = pass(scalers, now);
        } else {
            scalers = scalersOf(tracker.start(orientation.height, orientation.width));
            now = pass(scalers, now);
            Rectangle crop = tracker.refine(modelAlpha);
            if (crop != null) {
                scalers = scalersOf(crop);
                now = pass(scalers, now);
            }
            tracker.finish(modelAlpha);
        }
        scalers.runAlpha();
        postprocessNanos = System.nanoTime() - now;
    }

    /**
     * Mattes the upright image that the caller has written to {@link #image}, such as a photo: fills {@link #alpha}.
     * With {@link Fit#AUTO}, people who fill little of the image are seen again, in a crop for each group. The next frame
     * is the first of another video.
     */
    public void runOnImage() {
        cropsConfidence = NO_CROPS;
        preprocessNanos = 0;
        invokeNanos = 0;
        postprocessNanos = 0;
        long now = pass(wholeScalers, System.nanoTime());
        List<Rectangle> crops = new ArrayList<Rectangle>();
        if (finder != null) {
            tracker.restart();
            crops = finder.findCrops(modelAlpha, wholeScalers.placement.seen);
        }
        if (crops.isEmpty()) {
            wholeScalers.runAlpha();
            postprocessNanos = System.nanoTime() - now;
            return;
        }
        Arrays.fill(alpha, (byte) 0);
        for (Rectangle crop : crops) {
            Scalers scalers = new Scalers(Placement.ofCrop(crop, model.size()));
            long computed = pass(scalers, now);
            scalers.runPartOfAlpha();
            cropsConfidence = Math.max(cropsConfidence, Presence.confidence(modelAlpha, model.size()));
            now = System.nanoTime();
            postprocessNanos += now - computed;
        }
    }

    /** Returns the nanoseconds that the last run took for colours, orientation and scaling to the model's input. */
    public long preprocessNanos() {
        return preprocessNanos;
    }

    /** Returns the nanoseconds that the last run took for the network, in all passes. */
    public long invokeNanos() {
        return invokeNanos;
    }

    /** Returns the nanoseconds that the last run took for scaling the alpha to the image. */
    public long postprocessNanos() {
        return postprocessNanos;
    }

    /** Returns the confidence, 0-255, that somebody is in the image of the last run; see {@link Presence}. */
    public int confidence() {
        return cropsConfidence == NO_CROPS ? Presence.confidence(modelAlpha, model.size()) : cropsConfidence;
    }

    /** Runs the network on one part of the image, and returns when it was done; {@code start} is when this began. */
    private long pass(Scalers scalers, long start) {
        scalers.runInput();
        long prepared = System.nanoTime();
        model.run(input, modelAlpha);
        long computed = System.nanoTime();
        preprocessNanos += prepared - start;
        invokeNanos += computed - prepared;
        return computed;
    }

    private Scalers scalersOf(Rectangle crop) {
        if (crop.isSame(wholeScalers.placement.seen)) {
            return wholeScalers;
        }
        if (cropScalers == null || !crop.isSame(cropScalers.placement.seen)) {
            cropScalers = new Scalers(Placement.ofCrop(crop, model.size()));
        }
        return cropScalers;
    }

    /** Scales one part of the image to the model's input, and the model's alpha back. */
    private final class Scalers {
        final Placement placement;
        private final InputScaler inputScaler;
        private AlphaScaler alphaScaler; // null until it is needed

        Scalers(Placement placement) {
            this.placement = placement;
            inputScaler = new InputScaler(placement, orientation.width, model.size());
        }

        void runInput() {
            inputScaler.run(image, input);
        }

        void runAlpha() {
            alphaScaler().run(modelAlpha, alpha);
        }

        void runPartOfAlpha() {
            alphaScaler().runPart(modelAlpha, alpha);
        }

        private AlphaScaler alphaScaler() {
            if (alphaScaler == null) {
                alphaScaler = new AlphaScaler(placement, orientation.height, orientation.width, model.size());
            }
            return alphaScaler;
        }
    }
}
