package ai.mmnet.core;

/** Which part of a picture lies on which part of the model's square (PREPROCESSING.md, section 3). */
public final class Placement {
    /** The part of the picture that the network sees. */
    public final Rectangle seen;
    /** The part of the square that it fills. */
    public final Rectangle filled;

    private Placement(Rectangle seen, Rectangle filled) {
        this.seen = seen;
        this.filled = filled;
    }

    /** Places a picture of {@code height} × {@code width} in a square of {@code size}, all ≥ 1. */
    public static Placement of(Fit fit, int height, int width, int size) {
        Rectangle whole = new Rectangle(0, 0, height, width);
        Rectangle square = new Rectangle(0, 0, size, size);
        switch (fit) {
            case STRETCH:
                return new Placement(whole, square);
            case CROP: {
                int side = Math.min(height, width);
                return new Placement(new Rectangle((height - side) / 2, (width - side) / 2, side, side), square);
            }
            case LETTERBOX: {
                int filledHeight = inscribedHeight(height, width, size);
                int filledWidth = inscribedHeight(width, height, size);
                return new Placement(whole, new Rectangle((size - filledHeight) / 2, (size - filledWidth) / 2,
                        filledHeight, filledWidth));
            }
            default:
                throw new IllegalArgumentException("no such fit: " + fit);
        }
    }

    /** One side of a picture whose longer side is made {@code size}; give the other side second. */
    static int inscribedHeight(int height, int width, int size) {
        if (height >= width) {
            return size;
        }
        return Math.max(1, (2 * size * height + width) / (2 * width));
    }
}
