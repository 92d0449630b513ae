package org.tensorflow.lite;

/** A compile-only stub of the part of LiteRT's enum that the app uses. It is never packed into the app. */
public enum DataType {
    FLOAT32, UINT8
}
