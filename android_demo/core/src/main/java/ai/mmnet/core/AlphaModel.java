package ai.mmnet.core;

/** A loaded matting network. For one thread at a time. */
public interface AlphaModel {
    /** S, the side of its input and of its alpha, in pixels. */
    int size();

    /**
     * Computes the alpha of one input.
     *
     * @param input 3 · S · S bytes, R, G, B.
     * @param alpha filled with S · S bytes, 255 = the person.
     */
    void run(byte[] input, byte[] alpha);
}
