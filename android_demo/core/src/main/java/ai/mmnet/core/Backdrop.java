package ai.mmnet.core;

/** The picture's own background out of focus (PREPROCESSING.md, section 6), for one size. Allocates nothing per run. */
public final class Backdrop {
    private static final int SIDE = 128;
    private static final int PASSES = 3;
    private static final int RADIUS = 2;
    private static final int SUMS = 4; // R, G, B and the weight itself

    private final int height;
    private final int width;
    private final int smallHeight;
    private final int smallWidth;
    private final Resampler shrinkPicture;
    private final Resampler shrinkAlpha;
    private final Resampler enlarge;
    private final byte[] smallPicture;
    private final byte[] smallAlpha;
    private final int[] sums;
    private final int[] line;

    public Backdrop(int height, int width) {
        this.height = height;
        this.width = width;
        int side = Math.min(SIDE, Math.max(height, width));
        smallHeight = Placement.inscribedHeight(height, width, side);
        smallWidth = Placement.inscribedHeight(width, height, side);
        shrinkPicture = new Resampler(height, width, smallHeight, smallWidth, 3);
        shrinkAlpha = new Resampler(height, width, smallHeight, smallWidth, 1);
        enlarge = new Resampler(smallHeight, smallWidth, height, width, 3);
        smallPicture = new byte[3 * smallHeight * smallWidth];
        smallAlpha = new byte[smallHeight * smallWidth];
        sums = new int[SUMS * smallHeight * smallWidth];
        line = new int[Math.max(smallHeight, smallWidth) + 2 * RADIUS];
    }

    /**
     * Blurs what lies behind the person.
     *
     * @param picture 3 · height · width bytes.
     * @param alpha height · width bytes.
     * @param blurred 3 · height · width bytes, all of which are written.
     */
    public void run(byte[] picture, byte[] alpha, byte[] blurred) {
        shrinkPicture.run(picture, 0, 3 * width, smallPicture, 0, 3 * smallWidth);
        shrinkAlpha.run(alpha, 0, width, smallAlpha, 0, smallWidth);
        weigh();
        for (int pass = 0; pass < PASSES; pass++) {
            for (int y = 0; y < smallHeight; y++) {
                for (int c = 0; c < SUMS; c++) {
                    box(SUMS * y * smallWidth + c, SUMS, smallWidth);
                }
            }
            for (int x = 0; x < smallWidth; x++) {
                for (int c = 0; c < SUMS; c++) {
                    box(SUMS * x + c, SUMS * smallWidth, smallHeight);
                }
            }
        }
        divide();
        enlarge.run(smallPicture, 0, 3 * smallWidth, blurred, 0, 3 * width);
    }

    private void weigh() {
        for (int i = 0; i < smallAlpha.length; i++) {
            int weight = 256 - (smallAlpha[i] & 255);
            for (int c = 0; c < 3; c++) {
                sums[SUMS * i + c] = weight * (smallPicture[3 * i + c] & 255);
            }
            sums[SUMS * i + 3] = weight * 255;
        }
    }

    /** The mean of 2 · RADIUS + 1 neighbours along one line of {@code sums}, edges repeated, rounded half up. */
    private void box(int start, int step, int length) {
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

    private void divide() {
        for (int i = 0; i < smallAlpha.length; i++) {
            int total = sums[SUMS * i + 3];
            for (int c = 0; c < 3; c++) {
                smallPicture[3 * i + c] = (byte) Math.min(255, (255 * sums[SUMS * i + c] + total / 2) / total);
            }
        }
    }
}
