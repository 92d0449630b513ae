"""`mmnet export` and `export-tflite`."""


def export() -> None:
    """Export a checkpoint."""
