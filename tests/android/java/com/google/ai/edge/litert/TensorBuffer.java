package com.google.ai.edge.litert;

/** A replacement for LiteRT's class that runs on the JVM. It checks the length of what is written, as LiteRT does. */
public final class TensorBuffer implements AutoCloseable {
    final boolean isFloat;
    float[] floats;
    byte[] bytes;
    private final int length;

    TensorBuffer(int length, boolean isFloat) {
        this.length = length;
        this.isFloat = isFloat;
        CompiledModel.open++;
    }

    public void writeFloat(float[] data) throws LiteRtException {
        check(data.length, true);
        floats = data.clone();
    }

    public void writeInt8(byte[] data) throws LiteRtException {
        check(data.length, false);
        bytes = data.clone();
    }

    public float[] readFloat() throws LiteRtException {
        check(length, true);
        return floats.clone();
    }

    public byte[] readInt8() throws LiteRtException {
        check(length, false);
        return bytes.clone();
    }

    @Override
    public void close() {
        CompiledModel.open--;
    }

    private void check(int count, boolean asFloat) throws LiteRtException {
        if (count != length || asFloat != isFloat) {
            throw new LiteRtException(1, "this buffer has another type or length");
        }
    }
}
