package ai.mmnet.core;

/**
 * The part of an image that the model sees, and the part of the model's square input that it fills (preprocessing.md,
 * section 3).
 */
public final class Placement {
    /** The part of the image that the model sees. */
    public final Rectangle seen;
    /** The part of the model's square input that the seen part fills. */
    public final Rectangle filled;

    private Placement(Rectangle seen, Rectangle filled) {
        this.seen = seen;
        this.filled = filled;
    }

    /**
     * Returns the placement of a crop of an image that is stretched to the model's input.
     *
     * @param crop the part of the image.
     * @param size the side of the model's square input in pixels, at least 1.
     */
    public static Placement ofCrop(Rectangle crop, int size) {
        return new Placement(crop, new Rectangle(0, 0, size, size));
    }

    /**
     * Returns the placement of an image; of {@link Fit#AUTO}, that of its first pass.
     *
     * @param fit how the image is placed.
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @param size the side of the model's square input in pixels, at least 1.
     */
    public static Placement of(Fit fit, int height, int width, int size) {
        Rectangle whole = new Rectangle(0, 0, height, width);
        switch (fit) {
            case STRETCH:
            case AUTO:
                return ofCrop(whole, size);
            case CROP: {
                int side = Math.min(height, width);
                return ofCrop(new Rectangle((height - side) / 2, (width - side) / 2, side, side), size);
            }
            case LETTERBOX: {
                int filledHeight = inscribedHeight(height, width, size);
                int filledWidth = inscribedHeight(width, height, size);
                return new Placement(whole, new Rectangle((size - filledHeight) / 2, (size - filledWidth) / 2,
                        filledHeight, filledWidth));
            }
            default:
                throw new IllegalArgumentException("unknown fit: " + fit);
        }
    }

    /**
     * Returns the height of an image after its longer side was scaled to {@code size}, rounded half up, at least 1.
     * With height and width exchanged it returns the width.
     */
    static int inscribedHeight(int height, int width, int size) {
        if (height >= width) {
            return size;
        }
        return Math.max(1, (2 * size * height + width) / (2 * width));
    }
}
