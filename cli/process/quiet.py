"""Silence for the native libraries that print to the error stream."""

from __future__ import annotations

import io
import os
import sys


def silence_native_libraries() -> None:
    """Redirect file descriptor 2 to the null device for the rest of the process. Python's `sys.stderr` still works.

    Only commands may call this, since the descriptor belongs to the whole process. LiteRT writes its choice of delegate
    straight to it, TensorFlow the graphics card that it did not find, and libpng its warnings, and none has an option
    against that.
    """
    try:
        shown = sys.stderr
        if shown.fileno() != 2:
            return
    except (
        AttributeError,
        OSError,
        io.UnsupportedOperation,
    ):  # no such stream, or a replacement
        return
    shown.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=shown.encoding, errors=shown.errors, buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
