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
     * @throws IllegalArgumentException a side is not allowed.
     */
    public static Placement of(Fit fit, int height, int width, int size) {
        int[] ints = new int[NativeCore.PLACEMENT_INTS];
        int first = fit == Fit.AUTO ? Fit.STRETCH.ordinal() : fit.ordinal(); // the order is that of mmnet.h
        NativeCore.check(NativeCore.place(first, height, width, size, ints));
        return new Placement(new Rectangle(ints[0], ints[1], ints[2], ints[3]),
                new Rectangle(ints[4], ints[5], ints[6], ints[7]));
    }

    /** Returns the placement as the native core takes it. */
    int[] toInts() {
        return new int[] {seen.top, seen.left, seen.height, seen.width, filled.top, filled.left, filled.height,
                filled.width};
    }
}
