package org.tensorflow.lite;

/** Compile-only: what the app uses of LiteRT's enum of this name. Never packed. */
public enum DataType {
    FLOAT32, UINT8
}
