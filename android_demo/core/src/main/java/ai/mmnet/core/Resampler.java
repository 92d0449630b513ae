package ai.mmnet.core;

/**
 * Scales images of one size to one other size: first by halving, then bilinearly in fixed point (preprocessing.md,
 * section 4; the names of the variables are from there). The constructor allocates all buffers. One thread at a time
 * may use it.
 */
public final class Resampler {
    private static final int BITS = 11;
    private static final int ONE = 1 << BITS;
    // Up to these limits 32 bits suffice. An axis has two sides: that of the image and that of the target.
    private static final int MAX_LONGER_SIDE = 65535;
    private static final int MAX_SHORTER_SIDE = 4096;

    private final int height;
    private final int width;
    private final int targetHeight;
    private final int targetWidth;
    private final int channels;
    private final int halvingsDown;
    private final int halvingsAcross;

    private final byte[] halved; // receives the first halving; later halvings are done in place
    private final boolean exact; // whether the halvings alone give the target size
    private final Taps rows;
    private final int[] left; // index of the first neighbour in a row, for each byte of a target row
    private final int[] right; // index of the second neighbour
    private final int[] weight; // of the second neighbour, in 1/2048
    private int[] upperLine;
    private int[] lowerLine;

    /**
     * Prepares the scaling from one size to one other.
     *
     * @param height of the image in pixels.
     * @param width of the image in pixels.
     * @param targetHeight of the scaled image in pixels.
     * @param targetWidth of the scaled image in pixels.
     * @param channels bytes per pixel.
     * @throws IllegalArgumentException a side is below 1, or too long for 32 bits. On each axis, the longer of the
     *     image's side and the target's side may have 65,535 pixels, the shorter 4,096.
     */
    public Resampler(int height, int width, int targetHeight, int targetWidth, int channels) {
        if (!withinLimits(height, targetHeight) || !withinLimits(width, targetWidth)) {
            throw new IllegalArgumentException(
                    "cannot scale an image of " + width + "×" + height + " to " + targetWidth + "×" + targetHeight
                            + "; sides are at least 1, the longer of each axis at most " + MAX_LONGER_SIDE
                            + ", the shorter at most " + MAX_SHORTER_SIDE);
        }
        this.height = height;
        this.width = width;
        this.targetHeight = targetHeight;
        this.targetWidth = targetWidth;
        this.channels = channels;
        halvingsDown = halvings(height, targetHeight);
        halvingsAcross = halvings(width, targetWidth);
        int firstHeight = halvingsDown > 0 ? (height + 1) / 2 : height;
        int firstWidth = halvingsAcross > 0 ? (width + 1) / 2 : width;
        boolean halves = halvingsDown + halvingsAcross > 0;
        halved = new byte[halves ? firstHeight * firstWidth * channels : 0];
        exact = height == targetHeight << halvingsDown && width == targetWidth << halvingsAcross;

        rows = new Taps(height, targetHeight, halvingsDown);
        Taps columns = new Taps(width, targetWidth, halvingsAcross);
        int rowBytes = targetWidth * channels;
        left = new int[rowBytes];
        right = new int[rowBytes];
        weight = new int[rowBytes];
        for (int i = 0; i < rowBytes; i++) {
            int column = i / channels;
            left[i] = columns.first[column] * channels + i % channels;
            right[i] = columns.second[column] * channels + i % channels;
            weight[i] = columns.fraction[column];
        }
        upperLine = new int[rowBytes];
        lowerLine = new int[rowBytes];
    }

    /**
     * Scales one image. The image and the result may each be a rectangle of a larger one.
     *
     * @param in the bytes of the image, {@code channels} per pixel.
     * @param inOffset the index of the image's first byte.
     * @param inStride bytes from the start of one row to the start of the next.
     * @param out receives the scaled image.
     * @param outOffset as {@code inOffset}, for the scaled image.
     * @param outStride as {@code inStride}, for the scaled image.
     */
    public void run(byte[] in, int inOffset, int inStride, byte[] out, int outOffset, int outStride) {
        byte[] from = in;
        int offset = inOffset;
        int stride = inStride;
        int h = height;
        int w = width;
        int steps = Math.max(halvingsDown, halvingsAcross);
        for (int step = 0; step < steps; step++) {
            boolean vertical = step < halvingsDown;
            boolean horizontal = step < halvingsAcross;
            halve(from, offset, stride, h, w, vertical, horizontal);
            h = vertical ? (h + 1) / 2 : h;
            w = horizontal ? (w + 1) / 2 : w;
            from = halved;
            offset = 0;
            stride = w * channels;
        }
        if (exact) {
            for (int y = 0; y < targetHeight; y++) {
                System.arraycopy(from, offset + y * stride, out, outOffset + y * outStride, targetWidth * channels);
            }
        } else {
            bilinear(from, offset, stride, out, outOffset, outStride);
        }
    }

    /**
     * Halves an image vertically, horizontally or both, and writes it to {@code halved}. This may be the same array as
     * {@code in}, because no index is read after it was written.
     */
    private void halve(byte[] in, int offset, int stride, int h, int w, boolean vertical, boolean horizontal) {
        int newHeight = vertical ? (h + 1) / 2 : h;
        int newWidth = horizontal ? (w + 1) / 2 : w;
        int written = 0;
        for (int y = 0; y < newHeight; y++) {
            int upper = offset + (vertical ? 2 * y : y) * stride;
            int lower = vertical && 2 * y + 1 < h ? upper + stride : upper;
            for (int x = 0; x < newWidth; x++) {
                int near = (horizontal ? 2 * x : x) * channels;
                int far = horizontal && 2 * x + 1 < w ? near + channels : near;
                for (int c = 0; c < channels; c++) {
                    int a = in[upper + near + c] & 255;
                    int value;
                    if (vertical && horizontal) {
                        int b = in[upper + far + c] & 255;
                        value = (a + b + (in[lower + near + c] & 255) + (in[lower + far + c] & 255) + 2) >> 2;
                    } else {
                        value = (a + (in[(horizontal ? upper + far : lower + near) + c] & 255) + 1) >> 1;
                    }
                    halved[written++] = (byte) value;
                }
            }
        }
    }

    /** Scales the halved image bilinearly. */
    private void bilinear(byte[] in, int offset, int stride, byte[] out, int outOffset, int outStride) {
        int upper = -1; // the row that upperLine holds
        int lower = -1; // the row that lowerLine holds
        for (int y = 0; y < targetHeight; y++) {
            int first = rows.first[y];
            int second = rows.second[y];
            if (first == lower) { // the lower line of the previous target row is the upper line of this one
                int[] line = upperLine;
                upperLine = lowerLine;
                lowerLine = line;
                lower = upper;
                upper = first;
            }
            if (first != upper) {
                fillLine(in, offset + first * stride, upperLine);
                upper = first;
            }
            if (second != lower) {
                fillLine(in, offset + second * stride, lowerLine);
                lower = second;
            }
            blend(rows.fraction[y], out, outOffset + y * outStride);
        }
    }

    /** Interpolates one row horizontally. */
    private void fillLine(byte[] in, int start, int[] line) {
        for (int i = 0; i < line.length; i++) {
            int f = weight[i];
            line[i] = (in[start + left[i]] & 255) * (ONE - f) + (in[start + right[i]] & 255) * f;
        }
    }

    /** Interpolates vertically between the two lines; {@code f} is the weight of the lower one in 1/2048. */
    private void blend(int f, byte[] out, int start) {
        int[] top = upperLine;
        int[] bottom = lowerLine;
        for (int i = 0; i < top.length; i++) {
            out[start + i] = (byte) ((top[i] * (ONE - f) + bottom[i] * f + (1 << (2 * BITS - 1))) >> (2 * BITS));
        }
    }

    private static boolean withinLimits(int side, int target) {
        int shorter = Math.min(side, target);
        return shorter >= 1 && shorter <= MAX_SHORTER_SIDE && Math.max(side, target) <= MAX_LONGER_SIDE;
    }

    private static int halvings(int side, int target) {
        int count = 0;
        for (int length = side; length >= 2 * target; length = (length + 1) / 2) {
            count++;
        }
        return count;
    }

    /** The two neighbours of each target position on one axis, and the weight of the second neighbour in 1/2048. */
    private static final class Taps {
        final int[] first;
        final int[] second;
        final int[] fraction;

        Taps(int side, int target, int halvings) {
            first = new int[target];
            second = new int[target];
            fraction = new int[target];
            int last = side;
            for (int k = 0; k < halvings; k++) {
                last = (last + 1) / 2;
            }
            last--;
            int d = target << (halvings + 1);
            for (int t = 0; t < target; t++) {
                int n = (2 * t + 1) * side;
                int q = n / d;
                int p = q * ONE + (n - q * d) * ONE / d - ONE / 2;
                p = Math.min(Math.max(p, 0), last * ONE);
                first[t] = p >> BITS;
                second[t] = Math.min(first[t] + 1, last);
                fraction[t] = p & (ONE - 1);
            }
        }
    }
}
