package ai.mmnet.core;

/**
 * Blurs the background of an image without the colours of its foreground (preprocessing.md, section 6). One object
 * serves images of one size; a run allocates nothing.
 */
public final class BlurredBackground {
    private static final int MAX_SIDE = 128; // of the small image that is blurred
    private static final int PASSES = 3;
    private static final int RADIUS = 2;
    private static final int SUMS = 4; // per pixel: weighted R, G and B, and the weight

    private final int height;
    private final int width;
    private final int smallHeight;
    private final int smallWidth;
    private final Resampler shrinkImage;
    private final Resampler shrinkAlpha;
    private final Resampler enlarge;
    private final byte[] smallImage;
    private final byte[] smallAlpha;
    private final int[] sums;
    private final int[] line;

    /**
     * Prepares the blur for one size of image.
     *
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @throws IllegalArgumentException a side is outside the limits of {@link Resampler}.
     */
    public BlurredBackground(int height, int width) {
        this.height = height;
        this.width = width;
        int side = Math.min(MAX_SIDE, Math.max(height, width));
        smallHeight = Placement.inscribedHeight(height, width, side);
        smallWidth = Placement.inscribedHeight(width, height, side);
        shrinkImage = new Resampler(height, width, smallHeight, smallWidth, 3);
        shrinkAlpha = new Resampler(height, width, smallHeight, smallWidth, 1);
        enlarge = new Resampler(smallHeight, smallWidth, height, width, 3);
        smallImage = new byte[3 * smallHeight * smallWidth];
        smallAlpha = new byte[smallHeight * smallWidth];
        sums = new int[SUMS * smallHeight * smallWidth];
        line = new int[Math.max(smallHeight, smallWidth) + 2 * RADIUS];
    }

    /**
     * Computes the blurred background of one image.
     *
     * @param image 3 · height · width bytes: R, G, B of each pixel.
     * @param alpha the image's alpha: height · width bytes.
     * @param blurred receives 3 · height · width bytes: R, G, B of each pixel.
     */
    public void run(byte[] image, byte[] alpha, byte[] blurred) {
        shrinkImage.run(image, 0, 3 * width, smallImage, 0, 3 * smallWidth);
        shrinkAlpha.run(alpha, 0, width, smallAlpha, 0, smallWidth);
        fillSums();
        for (int pass = 0; pass < PASSES; pass++) {
            for (int y = 0; y < smallHeight; y++) {
                for (int c = 0; c < SUMS; c++) {
                    boxFilter(SUMS * y * smallWidth + c, SUMS, smallWidth);
                }
            }
            for (int x = 0; x < smallWidth; x++) {
                for (int c = 0; c < SUMS; c++) {
                    boxFilter(SUMS * x + c, SUMS * smallWidth, smallHeight);
                }
            }
        }
        divideByWeight();
        enlarge.run(smallImage, 0, 3 * smallWidth, blurred, 0, 3 * width);
    }

    /** Fills {@code sums} with the colours of the small image, weighted by how much each pixel is background. */
    private void fillSums() {
        for (int i = 0; i < smallAlpha.length; i++) {
            int weight = 256 - (smallAlpha[i] & 255);
            for (int c = 0; c < 3; c++) {
                sums[SUMS * i + c] = weight * (smallImage[3 * i + c] & 255);
            }
            sums[SUMS * i + 3] = weight * 255;
        }
    }

    /**
     * Replaces each value of one line of {@code sums} by the mean of its 2 · RADIUS + 1 neighbours, rounded half up.
     * Beyond an edge, the value at the edge is repeated.
     */
    private void boxFilter(int start, int step, int length) {
        for (int i = 0; i < length + 2 * RADIUS; i++) {
            line[i] = sums[start + step * Math.min(Math.max(i - RADIUS, 0), length - 1)];
        }
        int total = RADIUS;
        for (int i = 0; i < 2 * RADIUS; i++) {
            total += line[i];
        }
        for (int i = 0; i < length; i++) {
            total += line[i + 2 * RADIUS];
            sums[start + step * i] = total / (2 * RADIUS + 1);
            total -= line[i];
        }
    }

    /** Writes the blurred colours to {@code smallImage}: the weighted sums divided by the weight. */
    private void divideByWeight() {
        for (int i = 0; i < smallAlpha.length; i++) {
            int total = sums[SUMS * i + 3];
            for (int c = 0; c < 3; c++) {
                smallImage[3 * i + c] = (byte) Math.min(255, (255 * sums[SUMS * i + c] + total / 2) / total);
            }
        }
    }
}
