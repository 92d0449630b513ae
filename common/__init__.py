"""MMNet for phones: from a trained checkpoint to an 8-bit .tflite, and the runtime that computes what the phone computes."""

from importlib.metadata import version

__version__ = version("mmnet")
