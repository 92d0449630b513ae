package ai.mmnet.demo;

import ai.mmnet.core.BlurredBackground;
import ai.mmnet.core.Compositor;

/** What lies behind the person, for pictures of one size. All buffers are allocated by the constructor. */
final class Background {
    /** In the order of the string array {@code backgrounds}. */
    enum Kind {
        NONE, BLUR, GREEN, WHITE, PICTURE, ALPHA
    }

    private static final int GREEN = 0x00B140;
    private static final int WHITE = 0xFFFFFF;

    final Kind kind;
    private final byte[] behind;
    private final BlurredBackground backdrop;

    /**
     * Prepares a kind.
     *
     * @param picture for {@link Kind#PICTURE}: 3 · height · width bytes; else it may be null.
     */
    Background(Kind kind, byte[] picture, int height, int width) {
        this.kind = kind;
        backdrop = kind == Kind.BLUR ? new BlurredBackground(height, width) : null;
        behind = kind == Kind.BLUR ? new byte[3 * height * width] : picture;
    }

    /** Fills {@code argb}, one opaque pixel each. */
    void compose(byte[] picture, byte[] alpha, int[] argb) {
        switch (kind) {
            case NONE:
                Compositor.opaque(picture, argb);
                break;
            case BLUR:
                backdrop.run(picture, alpha, behind);
                Compositor.over(picture, alpha, behind, argb);
                break;
            case GREEN:
                Compositor.over(picture, alpha, GREEN, argb);
                break;
            case WHITE:
                Compositor.over(picture, alpha, WHITE, argb);
                break;
            case PICTURE:
                Compositor.over(picture, alpha, behind, argb);
                break;
            case ALPHA:
                Compositor.alphaAsGrey(alpha, argb);
                break;
            default:
                throw new IllegalStateException("no such background: " + kind);
        }
    }
}
