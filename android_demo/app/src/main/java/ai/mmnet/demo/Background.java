package ai.mmnet.demo;

import ai.mmnet.core.BlurredBackground;
import ai.mmnet.core.Compositor;
import ai.mmnet.core.Profile;

/**
 * A background that images of one size are composited over, with the estimated colours of the foreground
 * ({@link Profile#FINE}). The constructor allocates all buffers.
 */
final class Background {
    /** The kinds of background, in the order of the string array {@code backgrounds}. */
    enum Kind {
        NONE, BLUR, GREEN, WHITE, IMAGE, ALPHA
    }

    private static final int GREEN = 0x00B140;
    private static final int WHITE = 0xFFFFFF;

    final Kind kind;
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
        compositor = new Compositor(height, width, Profile.FINE);
        blurredBackground = kind == Kind.BLUR ? new BlurredBackground(height, width) : null;
        background = kind == Kind.BLUR ? new byte[3 * height * width] : image;
    }

    /**
     * Composites an image over the background.
     *
     * @param image RGB bytes of the image, 3 · height · width.
     * @param alpha the image's alpha, height · width bytes.
     * @param argb receives height · width opaque pixels, 0xFFRRGGBB.
     */
    void composite(byte[] image, byte[] alpha, int[] argb) {
        switch (kind) {
            case NONE:
                Compositor.opaque(image, argb);
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
