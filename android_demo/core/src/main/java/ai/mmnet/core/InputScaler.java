package ai.mmnet.core;

import java.util.Arrays;

/**
 * Scales an image to the model's input (preprocessing.md, sections 3 and 4). One object serves images of one size; a
 * run allocates nothing.
 */
public final class InputScaler {
    private final Rectangle filled;
    private final Resampler resampler;
    private final int size;
    private final int seenOffset;
    private final int imageStride;

    /**
     * Prepares the scaling for one size of image.
     *
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @param size the side of the model's square input in pixels, at least 1.
     * @param fit how the image is placed in the model's input.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    public InputScaler(int height, int width, int size, Fit fit) {
        this(Placement.of(fit, height, width, size), width, size);
    }

    /**
     * Prepares the scaling of a part of images of one size.
     *
     * @param placement the part of the image, and the part of the model's input that it fills.
     * @param width of the image in pixels, at least 1.
     * @param size the side of the model's square input in pixels, at least 1.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    InputScaler(Placement placement, int width, int size) {
        Rectangle seen = placement.seen;
        this.size = size;
        filled = placement.filled;
        resampler = new Resampler(seen.height, seen.width, filled.height, filled.width, 3);
        seenOffset = 3 * seen.offset(width);
        imageStride = 3 * width;
    }

    /**
     * Computes the model's input.
     *
     * @param image 3 · height · width bytes: R, G, B of each pixel.
     * @param input receives 3 · size · size bytes: R, G, B of each pixel.
     */
    public void run(byte[] image, byte[] input) {
        if (filled.height < size || filled.width < size) {
            Arrays.fill(input, 0, 3 * size * size, (byte) 0);
        }
        resampler.run(image, seenOffset, imageStride, input, 3 * filled.offset(size), 3 * size);
    }
}
