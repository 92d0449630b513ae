package ai.mmnet.demo;

import android.content.Context;
import ai.mmnet.core.BlurredBackground;
import ai.mmnet.core.Compositor;
import ai.mmnet.core.Profile;

/**
 * A background that images of one size are composited over, with the estimated colours of the foreground
 * ({@link Profile#FINE}). The constructor allocates all buffers.
 */
final class Background {
    /** The kinds of background. */
    enum Kind {
        /** The image itself: nothing is removed. */
        ORIGINAL(R.string.background_original),
        /** No background: the foreground alone, with alpha. */
        CUT_OUT(R.string.background_cut_out),
        /** The image's own background, blurred. */
        BLUR(R.string.background_blurred),
        /** One colour. */
        GREEN(R.string.background_green),
        /** One colour. */
        WHITE(R.string.background_white),
        /** An image that the user chose. */
        IMAGE(R.string.background_image),
        /** The alpha as grey, instead of the image. */
        ALPHA(R.string.background_alpha);

        /** The kinds that a camera has, in the order of the menu. A screen shows no transparency. */
        static final Kind[] OF_CAMERA = {ORIGINAL, BLUR, GREEN, WHITE, IMAGE, ALPHA};
        /** The kinds that a photo has, in the order of the menu. The user has the original already. */
        static final Kind[] OF_PHOTO = {CUT_OUT, BLUR, GREEN, WHITE, IMAGE, ALPHA};

        private final int label;

        Kind(int label) {
            this.label = label;
        }

        /** Returns the labels of kinds, for a menu. */
        static String[] labels(Context context, Kind[] kinds) {
            String[] labels = new String[kinds.length];
            for (int i = 0; i < kinds.length; i++) {
                labels[i] = context.getString(kinds[i].label);
            }
            return labels;
        }
    }

    private static final int GREEN = 0x00B140;
    private static final int WHITE = 0xFFFFFF;

    final Kind kind;
    final int height;
    final int width;
    private final byte[] background;
    private final BlurredBackground blurredBackground;
    private final Compositor compositor;

    /**
     * Prepares a background.
     *
     * @param kind what the background shows.
     * @param image the RGB bytes of the background image, 3 · height · width; only {@link Kind#IMAGE} uses it.
     * @param height of the images that are composited, in pixels.
     * @param width of the images that are composited, in pixels.
     */
    Background(Kind kind, byte[] image, int height, int width) {
        this.kind = kind;
        this.height = height;
        this.width = width;
        compositor = new Compositor(height, width, Profile.FINE);
        blurredBackground = kind == Kind.BLUR ? new BlurredBackground(height, width) : null;
        background = kind == Kind.BLUR ? new byte[3 * height * width] : image;
    }

    /**
     * Composites an image over the background.
     *
     * @param image RGB bytes of the image, 3 · height · width.
     * @param alpha the image's alpha, height · width bytes.
     * @param argb receives height · width pixels, 0xAARRGGBB; all but those of {@link Kind#CUT_OUT} are opaque.
     */
    void composite(byte[] image, byte[] alpha, int[] argb) {
        switch (kind) {
            case ORIGINAL:
                Compositor.opaque(image, argb);
                break;
            case CUT_OUT:
                compositor.cutOut(image, alpha, argb);
                break;
            case BLUR:
                blurredBackground.run(image, alpha, background);
                compositor.over(image, alpha, background, argb);
                break;
            case GREEN:
                compositor.over(image, alpha, GREEN, argb);
                break;
            case WHITE:
                compositor.over(image, alpha, WHITE, argb);
                break;
            case IMAGE:
                compositor.over(image, alpha, background, argb);
                break;
            case ALPHA:
                Compositor.alphaAsGrey(alpha, argb);
                break;
            default:
                throw new IllegalStateException("unknown background: " + kind);
        }
    }
}
