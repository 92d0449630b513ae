package ai.mmnet.core;

/**
 * Composites an image over another background, and converts between RGB bytes and ARGB pixels (preprocessing.md,
 * section 6). ARGB pixels are one int each, 0xAARRGGBB, as {@code android.graphics.Bitmap.setPixels} takes them. RGB is
 * 3 bytes per pixel, alpha 1 byte per pixel; the length of the ARGB array says how many pixels there are. Nothing is
 * allocated.
 */
public final class Compositor {
    private Compositor() {
    }

    /**
     * Composites an image over a background image.
     *
     * @param image RGB bytes of the foreground image.
     * @param alpha the alpha of the foreground image.
     * @param background RGB bytes of the background image.
     * @param argb receives opaque pixels, 0xFFRRGGBB.
     */
    public static void over(byte[] image, byte[] alpha, byte[] background, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            int a = alpha[i] & 255;
            int at = 3 * i;
            argb[i] = 0xFF000000
                    | mix(image[at], background[at] & 255, a) << 16
                    | mix(image[at + 1], background[at + 1] & 255, a) << 8
                    | mix(image[at + 2], background[at + 2] & 255, a);
        }
    }

    /**
     * Composites an image over one colour.
     *
     * @param image RGB bytes of the foreground image.
     * @param alpha the alpha of the foreground image.
     * @param colour 0xRRGGBB; the highest byte is ignored.
     * @param argb receives opaque pixels, 0xFFRRGGBB.
     */
    public static void over(byte[] image, byte[] alpha, int colour, int[] argb) {
        int red = colour >> 16 & 255;
        int green = colour >> 8 & 255;
        int blue = colour & 255;
        for (int i = 0; i < argb.length; i++) {
            int a = alpha[i] & 255;
            int at = 3 * i;
            argb[i] = 0xFF000000 | mix(image[at], red, a) << 16 | mix(image[at + 1], green, a) << 8
                    | mix(image[at + 2], blue, a);
        }
    }

    /** Writes an alpha to {@code argb} as opaque grey pixels: black is background, white is foreground. */
    public static void alphaAsGrey(byte[] alpha, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xFF000000 | (alpha[i] & 255) * 0x010101;
        }
    }

    /** Writes an image to {@code argb} as opaque pixels. */
    public static void opaque(byte[] image, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xFF000000 | (image[3 * i] & 255) << 16 | (image[3 * i + 1] & 255) << 8
                    | (image[3 * i + 2] & 255);
        }
    }

    /** Writes a cut-out to {@code argb}: the image's colours with straight (not premultiplied) alpha. */
    public static void cutOut(byte[] image, byte[] alpha, int[] argb) {
        for (int i = 0; i < argb.length; i++) {
            argb[i] = (alpha[i] & 255) << 24 | (image[3 * i] & 255) << 16 | (image[3 * i + 1] & 255) << 8
                    | (image[3 * i + 2] & 255);
        }
    }

    /** Writes the colours of ARGB pixels to {@code image} as RGB bytes: the inverse of {@link #opaque}. */
    public static void toRgb(int[] argb, byte[] image) {
        for (int i = 0; i < argb.length; i++) {
            image[3 * i] = (byte) (argb[i] >> 16);
            image[3 * i + 1] = (byte) (argb[i] >> 8);
            image[3 * i + 2] = (byte) argb[i];
        }
    }

    private static int mix(byte foreground, int background, int alpha) {
        return (alpha * (foreground & 255) + (255 - alpha) * background + 127) / 255;
    }
}
