package org.tensorflow.lite;

/** Of the stand-in for LiteRT. */
public enum DataType {
    FLOAT32, UINT8, INT8
}
