package com.google.ai.edge.litert;

/** A replacement for LiteRT's class that runs on the JVM. */
public final class LiteRtException extends Exception {
    private static final long serialVersionUID = 1;

    public LiteRtException(int code, String message) {
        super(message);
    }
}
