package ai.mmnet.core;

import androidx.annotation.NonNull;
import java.util.Collections;
import java.util.List;

/**
 * Turns a camera frame into an upright image and its alpha, and measures the time of each stage. The image can be smaller
 * than the frame: of the size at which it is shown. The constructor and the first frame allocate all buffers, and every
 * run overwrites them: no later frame allocates anything. A photo with {@link Fit#AUTO} allocates its crops. One thread at
 * a time may use it.
 */
public final class MattePipeline {
    /** How the frame is turned to be upright. */
    @NonNull public final Orientation orientation;
    /** The height of the image and its alpha in pixels. */
    public final int height;
    /** The width of the image and its alpha in pixels. */
    public final int width;
    /** The upright image of the last run: 3 · height · width bytes, R, G, B of each pixel. */
    @NonNull public final byte[] image;
    /** The alpha of the upright image of the last run: height · width bytes, 0 is background, 255 is foreground. */
    @NonNull public final byte[] alpha;
    /**
     * The upright image of the last frame at the frame's own size: 3 · orientation.height · orientation.width bytes, R, G, B
     * of each pixel. It is {@link #image} unless that is smaller.
     */
    @NonNull public final byte[] fullImage;

    private static final int NO_CROPS = -1;

    private final AlphaModel model;
    private final CropTracker tracker; // null if the fit is not AUTO
    private final PeopleFinder finder; // null if the fit is not AUTO
    private TemporalSmoother smoother; // null if alphas are not smoothed over time
    private final boolean fine;
    private final Scaling wholeScaling;
    private Scaling cropScaling; // null before the first crop of a photo or the first frame of a video
    private boolean isVideo; // whether buffers are allocated for every crop of a frame
    private final byte[] reductionArena; // null if the image has the size of the frame
    private final byte[] input;
    private final byte[] modelAlpha;
    private int cropsConfidence = NO_CROPS; // the highest of those of the crops of a photo
    private long preprocessNanos;
    private long invokeNanos;
    private long postprocessNanos;

    /**
     * Prepares the pipeline for frames of one size and orientation.
     *
     * @param orientation the size of the frames, and how they are turned to be upright.
     * @param model the network; the caller closes it.
     * @param fit how the image is placed in the model's input.
     * @param profile how the model's alpha is brought to the size of the image.
     * @throws IllegalArgumentException a side is not allowed.
     */
    public MattePipeline(@NonNull Orientation orientation, @NonNull AlphaModel model, @NonNull Fit fit,
            @NonNull Profile profile) {
        this(orientation, orientation.height, orientation.width, model, fit, profile);
    }

    /**
     * Prepares the pipeline for frames of one size and orientation, and images of at most another size. The image has the
     * proportions of the upright frame, rounded to whole pixels, and is never larger than it. All after the colours is
     * computed at the size of the image.
     *
     * @param maxHeight limit of the height of the image in pixels, at least 1.
     * @param maxWidth limit of the width of the image in pixels, at least 1.
     * @throws IllegalArgumentException a side is not allowed.
     */
    public MattePipeline(@NonNull Orientation orientation, int maxHeight, int maxWidth, @NonNull AlphaModel model,
            @NonNull Fit fit, @NonNull Profile profile) {
        if (maxHeight < 1 || maxWidth < 1) {
            throw new IllegalArgumentException("the image may have " + maxWidth + "×" + maxHeight
                    + " pixels; both sides must be at least 1");
        }
        this.orientation = orientation;
        this.model = model;
        int size = model.size();
        int fullHeight = orientation.height;
        int fullWidth = orientation.width;
        if (fullHeight <= maxHeight && fullWidth <= maxWidth) {
            height = fullHeight;
            width = fullWidth;
        } else if ((long) maxWidth * fullHeight <= (long) maxHeight * fullWidth) { // the width is the tighter limit
            height = scaled(fullHeight, maxWidth, fullWidth);
            width = maxWidth;
        } else {
            height = maxHeight;
            width = scaled(fullWidth, maxHeight, fullHeight);
        }
        image = new byte[3 * height * width];
        boolean isReduced = height != fullHeight || width != fullWidth;
        fullImage = isReduced ? new byte[3 * fullHeight * fullWidth] : image;
        reductionArena = isReduced
                ? NativeCore.arena(NativeCore.resampleArena(fullHeight, fullWidth, height, width)) : null;
        alpha = new byte[height * width];
        fine = profile == Profile.FINE;
        tracker = fit == Fit.AUTO ? new CropTracker(size) : null;
        finder = fit == Fit.AUTO ? new PeopleFinder(size) : null;
        wholeScaling = new Scaling(Placement.of(fit, height, width, size));
        input = new byte[3 * size * size];
        modelAlpha = new byte[size * size];
    }

    /** Smooths the alphas of frames over time from now on. */
    public void smoothOverTime() {
        smoother = new TemporalSmoother(model.size());
    }

    /**
     * Mattes a camera frame: fills {@link #image} and {@link #alpha}. With {@link Fit#AUTO}, the model sees a crop that
     * follows the people from frame to frame.
     *
     * @throws IllegalArgumentException the frame has another size than the orientation says.
     */
    public void run(@NonNull YuvFrame frame) {
        if (frame.height != orientation.frameHeight || frame.width != orientation.frameWidth) {
            throw new IllegalArgumentException("the frame is " + frame.width + "×" + frame.height + ", not "
                    + orientation.frameWidth + "×" + orientation.frameHeight);
        }
        long start = System.nanoTime();
        NativeCore.check(NativeCore.rgbFromYuv(frame.y.data, frame.y.rowStride, frame.y.pixelStride, frame.u.data,
                frame.u.rowStride, frame.u.pixelStride, frame.v.data, frame.v.rowStride, frame.v.pixelStride,
                frame.height, frame.width, orientation.degrees, orientation.mirrored, fullImage));
        if (reductionArena != null) {
            NativeCore.check(NativeCore.resample(fullImage, orientation.height, orientation.width, image, height, width,
                    reductionArena));
        }
        begin();
        Scaling scaling = wholeScaling;
        long now = start;
        if (tracker == null) {
            now = pass(scaling, now);
        } else {
            if (!isVideo) {
                allocateForCrops();
            }
            scaling = scalingOf(tracker.start(height, width));
            now = pass(scaling, now);
            Rectangle crop = tracker.refine(modelAlpha);
            if (crop != null) {
                scaling = scalingOf(crop);
                now = pass(scaling, now);
            }
            tracker.finish(modelAlpha);
        }
        if (smoother != null) {
            if (tracker != null && tracker.jumped()) {
                smoother.reset();
            }
            smoother.smooth(modelAlpha, input);
        }
        computeAlpha(scaling, now);
    }

    /**
     * Mattes the upright image that the caller has written to {@link #image}, such as a photo: fills {@link #alpha}.
     * With {@link Fit#AUTO}, people who fill little of the image are seen again, in a crop for each group. The next frame
     * is the first of another video.
     */
    public void runOnImage() {
        begin();
        if (smoother != null) {
            smoother.reset();
        }
        long now = pass(wholeScaling, System.nanoTime());
        List<Rectangle> crops = Collections.emptyList();
        if (finder != null) {
            tracker.restart();
            crops = finder.findCrops(modelAlpha, wholeScaling.placement.seen);
        }
        if (crops.isEmpty()) {
            computeAlpha(wholeScaling, now);
            return;
        }
        byte[] whole = crops.size() == 1 ? alpha : new byte[alpha.length];
        for (Rectangle crop : crops) {
            Scaling scaling = scalingOf(crop);
            now = pass(scaling, now);
            cropsConfidence = Math.max(cropsConfidence, Presence.confidence(modelAlpha, model.size()));
            now = computeAlpha(scaling, now);
            copy(alpha, whole, crop);
        }
        System.arraycopy(whole, 0, alpha, 0, alpha.length);
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

    private void begin() {
        cropsConfidence = NO_CROPS;
        preprocessNanos = 0;
        invokeNanos = 0;
        postprocessNanos = 0;
    }

    /** Computes the alpha of one part of the image, 0 elsewhere, and returns when it was done. */
    private long computeAlpha(Scaling scaling, long start) {
        scaling.computeAlpha();
        long computed = System.nanoTime();
        postprocessNanos += computed - start;
        return computed;
    }

    /** Copies the pixels of a rectangle from one alpha to another. */
    private void copy(byte[] from, byte[] to, Rectangle part) {
        for (int row = part.top; row < part.top + part.height; row++) {
            int start = row * width + part.left;
            System.arraycopy(from, start, to, start, part.width);
        }
    }

    /** Runs the network on one part of the image, and returns when it was done; {@code start} is when this began. */
    private long pass(Scaling scaling, long start) {
        scaling.prepareInput();
        long prepared = System.nanoTime();
        model.run(input, modelAlpha);
        long computed = System.nanoTime();
        preprocessNanos += prepared - start;
        invokeNanos += computed - prepared;
        return computed;
    }

    /** Allocates what any crop of a frame needs, so that no later frame allocates anything. */
    private void allocateForCrops() {
        int[] most = Placement.mostArenas(fine, height, width, model.size());
        if (cropScaling == null) {
            cropScaling = new Scaling(Placement.ofCrop(wholeScaling.placement.seen, model.size()));
        }
        cropScaling.reserve(most[0], most[1]);
        wholeScaling.reserve(0, wholeScaling.placement.alphaArena(fine, model.size()));
        isVideo = true;
    }

    private Scaling scalingOf(Rectangle crop) {
        if (crop.isSame(wholeScaling.placement.seen)) {
            return wholeScaling;
        }
        if (cropScaling == null) {
            cropScaling = new Scaling(Placement.ofCrop(crop, model.size()));
        } else if (!crop.isSame(cropScaling.placement.seen)) {
            cropScaling.setCrop(crop);
        }
        return cropScaling;
    }

    /** Returns side · to / from, rounded to the nearest whole number, and at least 1. */
    private static int scaled(int side, int to, int from) {
        return Math.max(1, (int) ((2L * side * to + from) / (2L * from)));
    }

    /** Scales one part of the image to the model's input, and the model's alpha back. Its arenas only grow. */
    private final class Scaling {
        final Placement placement;
        private byte[] inputArena;
        private byte[] alphaArena; // null until it is needed

        Scaling(Placement placement) {
            this.placement = placement;
            inputArena = NativeCore.arena(placement.inputArena());
        }

        void setCrop(Rectangle crop) {
            placement.setCrop(crop, model.size());
            inputArena = grown(inputArena, placement.inputArena());
            if (alphaArena != null) {
                alphaArena = grown(alphaArena, placement.alphaArena(fine, model.size()));
            }
        }

        /** Makes the arenas at least so many bytes long; 0 leaves one as it is. */
        void reserve(int inputBytes, int alphaBytes) {
            inputArena = inputBytes == 0 ? inputArena : grown(inputArena, inputBytes);
            alphaArena = alphaBytes == 0 ? alphaArena : grown(alphaArena, alphaBytes);
        }

        void prepareInput() {
            NativeCore.check(NativeCore.modelInput(image, height, width, placement.ints(), model.size(), input,
                    inputArena));
        }

        void computeAlpha() {
            if (alphaArena == null) {
                alphaArena = NativeCore.arena(placement.alphaArena(fine, model.size()));
            }
            NativeCore.check(NativeCore.alpha(fine, modelAlpha, input, model.size(), placement.ints(), image, height,
                    width, alpha, alphaArena));
        }

        /** Returns an arena of at least {@code size} bytes: the one that there is, or else a new one. */
        private byte[] grown(byte[] arena, int size) {
            return arena != null && size > 0 && arena.length >= size ? arena : NativeCore.arena(size);
        }
    }
}
