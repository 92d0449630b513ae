package ai.mmnet.core;

import java.util.Arrays;

/**
 * Scales the model's alpha to the size of the image, bilinearly (preprocessing.md, section 5). One object serves images
 * of one size; a run allocates nothing.
 */
public final class AlphaScaler {
    private final Placement placement;
    private final Resampler resampler;
    private final int height;
    private final int width;
    private final int size;

    /**
     * Prepares the scaling for one size of image.
     *
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @param size the side of the model's square alpha in pixels, at least 1.
     * @param fit how the image was placed in the model's input.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    public AlphaScaler(int height, int width, int size, Fit fit) {
        this(Placement.of(fit, height, width, size), height, width, size);
    }

    /**
     * Prepares the scaling to a part of images of one size.
     *
     * @param placement the part of the image, and the part of the model's alpha that belongs to it.
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @param size the side of the model's square alpha in pixels, at least 1.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    AlphaScaler(Placement placement, int height, int width, int size) {
        this.placement = placement;
        this.height = height;
        this.width = width;
        this.size = size;
        Rectangle from = placement.filled;
        Rectangle to = placement.seen;
        resampler = new Resampler(from.height, from.width, to.height, to.width, 1);
    }

    /**
     * Computes the image's alpha.
     *
     * @param alpha the model's alpha: size · size bytes.
     * @param imageAlpha receives the image's alpha: height · width bytes. Pixels that the model did not see get 0.
     */
    public void run(byte[] alpha, byte[] imageAlpha) {
        Rectangle seen = placement.seen;
        if (seen.height < height || seen.width < width) {
            Arrays.fill(imageAlpha, 0, height * width, (byte) 0);
        }
        runPart(alpha, imageAlpha);
    }

    /**
     * Computes the alpha of the part of the image that the model saw, and leaves the rest of the image as it is.
     *
     * @param alpha the model's alpha: size · size bytes.
     * @param imageAlpha receives the alpha of the part: height · width bytes.
     */
    void runPart(byte[] alpha, byte[] imageAlpha) {
        int offset = placement.seen.offset(width);
        resampler.run(alpha, placement.filled.offset(size), size, imageAlpha, offset, width);
    }
}
