package org.tensorflow.lite;

/** A part of the replacement for LiteRT in the tests; see {@link Interpreter}. */
public enum DataType {
    FLOAT32, UINT8, INT8
}
