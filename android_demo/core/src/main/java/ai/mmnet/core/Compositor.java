package ai.mmnet.core;

/** Picture in front of another background (PREPROCESSING.md, section 6), as opaque ARGB pixels. Allocates nothing. */
public final class Compositor {
    private Compositor() {
    }

    /**
     * Lays the picture over another.
     *
     * @param picture 3 bytes a pixel.
     * @param alpha 1 byte a pixel.
     * @param behind 3 bytes a pixel.
     * @param argb one int a pixel, 0xFFRRGGBB, as {@code android.graphics.Bitmap.setPixels} takes them.
     */
    public static void over(byte[] picture, byte[] alpha, byte[] behind, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            int a = alpha[i] & 255;
            int at = 3 * i;
            argb[i] = 0xFF000000
                    | mix(picture[at], behind[at] & 255, a) << 16
                    | mix(picture[at + 1], behind[at + 1] & 255, a) << 8
                    | mix(picture[at + 2], behind[at + 2] & 255, a);
        }
    }

    /** Lays the picture over one colour, 0xRRGGBB; its upper byte is not looked at. */
    public static void over(byte[] picture, byte[] alpha, int colour, int[] argb) {
        int red = colour >> 16 & 255;
        int green = colour >> 8 & 255;
        int blue = colour & 255;
        for (int i = 0; i < argb.length; i++) {
            int a = alpha[i] & 255;
            int at = 3 * i;
            argb[i] = 0xFF000000 | mix(picture[at], red, a) << 16 | mix(picture[at + 1], green, a) << 8
                    | mix(picture[at + 2], blue, a);
        }
    }

    /** The alpha itself as grey pixels. */
    public static void grey(byte[] alpha, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xFF000000 | (alpha[i] & 255) * 0x010101;
        }
    }

    /** The picture as it is. */
    public static void opaque(byte[] picture, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xFF000000 | (picture[3 * i] & 255) << 16 | (picture[3 * i + 1] & 255) << 8
                    | (picture[3 * i + 2] & 255);
        }
    }

    /** The picture with its alpha, straight (not premultiplied). */
    public static void cutout(byte[] picture, byte[] alpha, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = (alpha[i] & 255) << 24 | (picture[3 * i] & 255) << 16 | (picture[3 * i + 1] & 255) << 8
                    | (picture[3 * i + 2] & 255);
        }
    }

    /** The inverse of {@link #opaque}: 0x..RRGGBB pixels → 3 bytes each. */
    public static void toRgb(int[] argb, byte[] picture) {
        for (int i = 0; i < argb.length; i++) {
            picture[3 * i] = (byte) (argb[i] >> 16);
            picture[3 * i + 1] = (byte) (argb[i] >> 8);
            picture[3 * i + 2] = (byte) argb[i];
        }
    }

    private static int mix(byte front, int back, int alpha) {
        return (alpha * (front & 255) + (255 - alpha) * back + 127) / 255;
    }
}
