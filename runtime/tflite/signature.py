"""The signature of every model: the names by which a program finds its input and its output.

`export-tflite` writes these names, the runtime and the demos ask for them, and MediaPipe and LiteRT show them.
"""

SIGNATURE = "serving_default"
INPUT = "image"  # [1, S, S, 3]
OUTPUT = "alpha"  # [1, S, S, 1]
