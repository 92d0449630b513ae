"""Keeping the lines that native libraries write to the error stream away from the user of a command."""

from __future__ import annotations

import io
import os
import sys


def silence_native_libraries() -> None:
    """Send file descriptor 2 to nowhere for the rest of the process; Python's own `sys.stderr` still reaches the user.

    For a command, not for a library: the descriptor belongs to the whole process. LiteRT announces its delegate,
    TensorFlow the graphics card that it did not find, and libpng its complaints straight to it, and none can be told
    not to.
    """
    try:
        shown = sys.stderr
        if shown.fileno() != 2:
            return
    except (AttributeError, OSError, io.UnsupportedOperation):  # no such stream, or somebody's replacement
        return
    shown.flush()
    sys.stderr = os.fdopen(os.dup(2), "w", encoding=shown.encoding, errors=shown.errors, buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
