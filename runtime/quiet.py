"""Keeping the lines that native libraries write to the error stream away from the user."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_libraries_silenced() -> Iterator[None]:
    """For a command, not for a library: file descriptor 2 belongs to the whole process.

    LiteRT announces its delegate and libpng its complaints straight to that descriptor; neither can be told
    not to. Python's own `sys.stderr` goes on reaching the user.
    """
    try:
        shown = sys.stderr
        shown.flush()
        if shown.fileno() != 2:
            raise OSError
        kept = os.dup(2)
    except (AttributeError, OSError, io.UnsupportedOperation):  # no such stream, or somebody's replacement
        yield
        return
    with (
        open(os.devnull, "wb") as nowhere,  # noqa: PTH123
        open(kept, "w", encoding=shown.encoding, errors=shown.errors, buffering=1) as own,  # noqa: PTH123
    ):
        restore = os.dup(2)
        os.dup2(nowhere.fileno(), 2)
        sys.stderr = own
        try:
            yield
        finally:
            sys.stderr = shown
            os.dup2(restore, 2)
            os.close(restore)
