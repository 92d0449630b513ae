package ai.mmnet.core;

/**
 * Smooths the alphas of one video, frame by frame (preprocessing.md, section 10). It keeps one alpha and one small frame,
 * and allocates nothing after it is created. One thread at a time may use it.
 */
final class TemporalSmoother {
    private static final int NEW = 64; // the weight of a new alpha where nothing but noise changed, of 256
    private static final int TOLERANCE = 1600; // the residual at which it has the whole weight, in 1/400 grey level

    private final int size;
    private final int least;
    private final int tolerance;
    private final byte[] state;
    private final byte[] arena;

    /** Begins a video, for a model whose alpha has {@code size} × {@code size} pixels. */
    TemporalSmoother(int size) {
        this(size, NEW, TOLERANCE);
    }

    /**
     * Begins a video.
     *
     * @param least the weight of a new alpha where nothing but noise changed, 1 to 256; 256 smooths nothing.
     * @param tolerance the residual at which a new alpha has the whole weight, in 1/400 of a grey level, at least 1.
     */
    TemporalSmoother(int size, int least, int tolerance) {
        this.size = size;
        this.least = least;
        this.tolerance = tolerance;
        state = NativeCore.arena(NativeCore.smoothState(size));
        arena = NativeCore.arena(NativeCore.smoothArena(size));
    }

    /** Forgets all earlier frames: the next one begins another video or scene. */
    void reset() {
        state[0] = 0;
    }

    /**
     * Replaces the alpha of the next frame by the smoothed one. The first alpha of a scene stays as it is.
     *
     * @param alpha size · size bytes.
     * @param input what the model saw: 3 · size · size bytes, R, G, B of each pixel.
     */
    void smooth(byte[] alpha, byte[] input) {
        NativeCore.check(NativeCore.smooth(state, input, size, least, tolerance, alpha, arena));
    }
}
