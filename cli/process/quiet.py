"""Silence for the native libraries that print to the error stream."""

from __future__ import annotations

import io
import os
import sys

_files: list[int] = []  # the file that native libraries print to, if it is kept
_silenced: list[bool] = []  # holds True once they print nowhere


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
    _silenced.append(True)


def keep_native_messages() -> None:
    """Keep what native libraries print from now on, for `take_native_messages`, after they were silenced.

    Decoders tell in this way alone what they repaired. Without Linux's files in memory, nothing is kept.
    """
    if _silenced and not _files and hasattr(os, "memfd_create"):
        _files.append(os.memfd_create("messages"))
        os.dup2(_files[0], 2)


def take_native_messages() -> list[str]:
    """Return the lines that native libraries printed since the last call."""
    if not _files or not (size := os.fstat(_files[0]).st_size):
        return []
    lines = os.pread(_files[0], size, 0).decode(errors="replace").splitlines()
    os.ftruncate(_files[0], 0)
    os.lseek(_files[0], 0, os.SEEK_SET)
    return lines
