package ai.mmnet.matting;

import ai.mmnet.core.AlphaModel;

/** A network that holds memory outside of Java's heap until it is closed. */
interface ClosableModel extends AlphaModel, AutoCloseable {
    @Override
    void close();
}
