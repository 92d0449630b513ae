"""Locks that tell the files of a living process from those that a killed one left behind.

A lock is that of `flock`, which the system releases when its process ends, however it ends. Where there is none, as on
Windows and on some network file systems, everything counts as in use.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]


def hold(path: Path) -> Callable[[], None] | None:
    """Lock a file or folder that was just created, until the function that is returned is called.

    Returns:
        The function that releases the lock; None where another process removed the file before it was locked.
    """
    if fcntl is None:
        return _nothing
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:  # a file system without locks
        os.close(handle)
        return _nothing
    if not _is_at(handle, path):
        os.close(handle)
        return None
    return lambda: os.close(handle)


@contextmanager
def is_abandoned(path: Path) -> Iterator[bool]:
    """Yield whether a file or folder of this user belongs to no living process. It stays locked for the context."""
    handle = -1
    try:
        if fcntl is not None:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # locked, gone, of another user, or on a file system without locks
        if handle >= 0:
            os.close(handle)
        yield False
        return
    try:
        yield handle >= 0 and os.fstat(handle).st_uid == os.geteuid() and _is_at(handle, path)
    finally:
        if handle >= 0:
            os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether a path still leads to an open file or folder."""
    try:
        return os.path.samestat(os.fstat(handle), path.lstat())
    except OSError:
        return False


def _nothing() -> None:
    pass
