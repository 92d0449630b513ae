package ai.mmnet.core;

/** Picture → model input (PREPROCESSING.md, sections 3 and 4), for pictures of one size. Allocates nothing per run. */
public final class InputMaker {
    private final Rectangle filled;
    private final Resampler resampler;
    private final int size;
    private final int seenOffset;
    private final int pictureStride;

    public InputMaker(int height, int width, int size, Fit fit) {
        Placement placement = Placement.of(fit, height, width, size);
        Rectangle seen = placement.seen;
        this.size = size;
        filled = placement.filled;
        resampler = new Resampler(seen.height, seen.width, filled.height, filled.width, 3);
        seenOffset = 3 * seen.offset(width);
        pictureStride = 3 * width;
    }

    /**
     * Fills the model's input.
     *
     * @param picture 3 · height · width bytes.
     * @param input 3 · size · size bytes, all of which are written.
     */
    public void run(byte[] picture, byte[] input) {
        if (filled.height < size || filled.width < size) {
            java.util.Arrays.fill(input, 0, 3 * size * size, (byte) 0);
        }
        resampler.run(picture, seenOffset, pictureStride, input, 3 * filled.offset(size), 3 * size);
    }
}
