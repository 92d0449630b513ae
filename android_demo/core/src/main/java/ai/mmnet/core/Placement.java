package ai.mmnet.core;

/**
 * The part of an image that the model sees, and the part of the model's square input that it fills (preprocessing.md,
 * section 3).
 */
final class Placement {
    /** The part of the image that the model sees. */
    final Rectangle seen = new Rectangle();
    /** The part of the model's square input that the seen part fills. */
    final Rectangle filled = new Rectangle();

    private final int[] ints = new int[NativeCore.PLACEMENT_INTS];

    private Placement() {
    }

    /**
     * Returns the placement of a crop of an image that is stretched to the model's input.
     *
     * @param crop the part of the image.
     * @param size the side of the model's square input in pixels, at least 1.
     */
    static Placement ofCrop(Rectangle crop, int size) {
        Placement placement = new Placement();
        placement.setCrop(crop, size);
        return placement;
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
    static Placement of(Fit fit, int height, int width, int size) {
        Placement placement = new Placement();
        int[] ints = placement.ints;
        int first = fit == Fit.AUTO ? Fit.STRETCH.ordinal() : fit.ordinal(); // the order is that of mmnet.h
        NativeCore.check(NativeCore.place(first, height, width, size, ints));
        placement.seen.set(ints[0], ints[1], ints[2], ints[3]);
        placement.filled.set(ints[4], ints[5], ints[6], ints[7]);
        return placement;
    }

    /** Makes this the placement of another crop; see {@link #ofCrop}. */
    void setCrop(Rectangle crop, int size) {
        seen.set(crop);
        filled.set(0, 0, size, size);
        ints[0] = crop.top;
        ints[1] = crop.left;
        ints[2] = crop.height;
        ints[3] = crop.width;
        ints[4] = 0;
        ints[5] = 0;
        ints[6] = size;
        ints[7] = size;
    }

    /** Returns the placement as the native core takes it. The array is not copied. */
    int[] ints() {
        return ints;
    }

    /** Returns the bytes of the arena for the model's input; 0 if a size is not allowed. */
    int inputArena() {
        return NativeCore.modelInputArena(ints);
    }

    /** Returns the bytes of the arena for the image's alpha; 0 if a size is not allowed. */
    int alphaArena(boolean fine, int size) {
        return NativeCore.alphaArena(fine, size, ints);
    }

    /**
     * Returns the bytes of the largest arenas that any crop of an image needs: the one for the input, then the one for the
     * alpha.
     */
    static int[] mostArenas(boolean fine, int height, int width, int size) {
        Placement placement = new Placement();
        Rectangle crop = new Rectangle();
        int[] most = new int[2];
        // An arena grows with the width of the crop, but shrinks where the core computes at another power of two of the
        // model's side. So the largest one belongs to a width just below such a step, or to that of the image. It may
        // grow or shrink with the height: a crop that is higher keeps fewer of the model's rows at a time.
        for (int high = 1; high <= height; high++) {
            for (int wide = 1; wide > 0; wide = nextStep(wide, size, width)) {
                crop.set(0, 0, high, wide);
                placement.setCrop(crop, size);
                most[0] = Math.max(most[0], placement.inputArena());
                most[1] = Math.max(most[1], placement.alphaArena(fine, size));
            }
        }
        return most;
    }

    /** Returns the largest width before the next step, at most the limit; 0 after the limit. */
    private static int nextStep(int side, int size, int limit) {
        if (side == limit) {
            return 0;
        }
        long resampler = 2L * size - 1; // halves while a side, rounded up, is at least twice the model's
        while (resampler <= side) {
            resampler *= 2;
        }
        long guide = size; // steps at the multiples themselves
        while (guide - 1 <= side) {
            guide *= 2;
        }
        return (int) Math.min(limit, Math.min(resampler, guide - 1));
    }
}
