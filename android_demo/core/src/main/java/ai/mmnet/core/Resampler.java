package ai.mmnet.core;

/**
 * Scales pictures of one size to one other: halvings, then bilinear in fixed point (PREPROCESSING.md, section 4, whose
 * names these are). All buffers are allocated by the constructor. For one thread at a time.
 */
public final class Resampler {
    private static final int BITS = 11;
    private static final int ONE = 1 << BITS;
    private static final int MAX_SIDE = 65535; // of the longer of the two sides of an axis: 32 bits suffice up to here
    private static final int MAX_SHORTER_SIDE = 4096;

    private final int height;
    private final int width;
    private final int targetHeight;
    private final int targetWidth;
    private final int channels;
    private final int halvingsDown;
    private final int halvingsAcross;

    private final byte[] halved; // the first halving's result; the later ones are made in place
    private final boolean exact; // after the halvings it is the target already
    private final Taps rows;
    private final int[] left; // for every byte of a target row: where its first and second neighbours are in a row
    private final int[] right;
    private final int[] weight; // of the second, in 1/2048
    private int[] upperLine;
    private int[] lowerLine;

    /**
     * For pictures of {@code height} × {@code width}.
     *
     * @throws IllegalArgumentException a side is below 1, or too long for 32 bits: of each axis' two sides, the picture's
     *     and the target's, one may be 65,535, the other 4,096.
     */
    public Resampler(int height, int width, int targetHeight, int targetWidth, int channels) {
        if (!possible(height, targetHeight) || !possible(width, targetWidth)) {
            throw new IllegalArgumentException(
                    "cannot scale " + width + "×" + height + " to " + targetWidth + "×" + targetHeight);
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
     * Scales a picture, which may be a rectangle of a larger one, as may the result.
     *
     * @param in the bytes of the picture, R, G, B or one channel.
     * @param inOffset where its first byte is.
     * @param inStride bytes from one of its rows to the next.
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

    /** Writes to {@code halved}, which may be {@code in}: a pixel is written behind all that are still to be read. */
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

    private void bilinear(byte[] in, int offset, int stride, byte[] out, int outOffset, int outStride) {
        int upper = -1; // the rows that are in the lines
        int lower = -1;
        for (int y = 0; y < targetHeight; y++) {
            int first = rows.first[y];
            int second = rows.second[y];
            if (first == lower) { // the lower line of the row before is the upper one of this
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

    private void fillLine(byte[] in, int start, int[] line) {
        for (int i = 0; i < line.length; i++) {
            int f = weight[i];
            line[i] = (in[start + left[i]] & 255) * (ONE - f) + (in[start + right[i]] & 255) * f;
        }
    }

    private void blend(int f, byte[] out, int start) {
        int[] top = upperLine;
        int[] bottom = lowerLine;
        for (int i = 0; i < top.length; i++) {
            out[start + i] = (byte) ((top[i] * (ONE - f) + bottom[i] * f + (1 << (2 * BITS - 1))) >> (2 * BITS));
        }
    }

    private static boolean possible(int side, int target) {
        int shorter = Math.min(side, target);
        return shorter >= 1 && shorter <= MAX_SHORTER_SIDE && Math.max(side, target) <= MAX_SIDE;
    }

    private static int halvings(int side, int target) {
        int count = 0;
        for (int length = side; length >= 2 * target; length = (length + 1) / 2) {
            count++;
        }
        return count;
    }

    /** For each target position of one axis: its two neighbours, and the weight of the second. */
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
