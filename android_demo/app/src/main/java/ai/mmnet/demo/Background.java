package ai.mmnet.demo;

import ai.mmnet.core.BlurredBackground;
import ai.mmnet.core.Compositor;

/**
 * A background that images of one size are composited over. The images keep their own colours, as in the profile
 * {@code fast}. The constructor allocates all buffers.
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
                Compositor.over(image, alpha, background, argb);
                break;
            case GREEN:
                Compositor.over(image, alpha, GREEN, argb);
                break;
            case WHITE:
                Compositor.over(image, alpha, WHITE, argb);
                break;
            case IMAGE:
                Compositor.over(image, alpha, background, argb);
                break;
            case ALPHA:
                Compositor.alphaAsGrey(alpha, argb);
                break;
            default:
                throw new IllegalStateException("unknown background: " + kind);
        }
    }
}
