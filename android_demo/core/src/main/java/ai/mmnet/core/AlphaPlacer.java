package ai.mmnet.core;

import java.util.Arrays;

/** The model's alpha → alpha of the picture (PREPROCESSING.md, section 5), for one size. Allocates nothing per run. */
public final class AlphaPlacer {
    private final Placement placement;
    private final Resampler resampler;
    private final int height;
    private final int width;
    private final int size;

    public AlphaPlacer(int height, int width, int size, Fit fit) {
        placement = Placement.of(fit, height, width, size);
        this.height = height;
        this.width = width;
        this.size = size;
        Rectangle from = placement.filled;
        Rectangle to = placement.seen;
        resampler = new Resampler(from.height, from.width, to.height, to.width, 1);
    }

    /**
     * Fills the picture's alpha.
     *
     * @param alpha size · size bytes.
     * @param picture height · width bytes, all of which are written; 0 where a crop left the picture out.
     */
    public void run(byte[] alpha, byte[] picture) {
        Rectangle seen = placement.seen;
        if (seen.height < height || seen.width < width) {
            Arrays.fill(picture, 0, height * width, (byte) 0);
        }
        resampler.run(alpha, placement.filled.offset(size), size, picture, seen.offset(width), width);
    }
}
