package ai.mmnet.core;

import androidx.annotation.NonNull;

/** A loaded matting network. One thread at a time may use it. */
public interface AlphaModel {
    /** Returns S, the side in pixels of the square input and of the square alpha. */
    int size();

    /**
     * Computes the alpha of one model input.
     *
     * @param input 3 · S · S bytes, row by row: R, G, B of each pixel.
     * @param alpha receives S · S bytes, row by row: 0 is background, 255 is foreground.
     */
    void run(@NonNull byte[] input, @NonNull byte[] alpha);
}
