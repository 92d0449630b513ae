package com.google.ai.edge.litert;

/** A compile-only stub of the part of LiteRT's class that the library uses. It is never packed into the app. */
public final class LiteRtException extends Exception {
    private static final long serialVersionUID = 1;

    public LiteRtException(int code, String message) {
        throw new UnsupportedOperationException();
    }
}
