"""Writing a .tflite back after changing its tree, with the alignment that the runtime expects of its buffers."""
