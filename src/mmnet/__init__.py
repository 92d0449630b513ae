"""MMNet for phones: from a trained checkpoint to an 8-bit .tflite, and a runtime that computes what the phone does."""

from importlib.metadata import version

__version__ = version("mmnet")
