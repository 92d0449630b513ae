"""`mmnet inspect`: what is inside a .tflite."""


def inspect() -> None:
    """Show what is inside a .tflite."""
