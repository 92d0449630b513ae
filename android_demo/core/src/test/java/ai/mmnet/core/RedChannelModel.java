package ai.mmnet.core;

/** A model whose alpha is the red channel of its input. */
final class RedChannelModel implements AlphaModel {
    private final int size;

    RedChannelModel(int size) {
        this.size = size;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public void run(byte[] input, byte[] alpha) {
        for (int i = 0; i < alpha.length; i++) {
            alpha[i] = input[3 * i];
        }
    }
}
