"""The contents of a .tflite: operators, metadata, memory, delegation."""
