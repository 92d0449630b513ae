"""Settings of the whole process that training changes: the memory of the C library, and OpenCV's threads."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_GIBIBYTE = 1 << 30


@contextmanager
def one_opencv_thread() -> Iterator[None]:
    """Let OpenCV use one thread inside the context, and as many as before after it.

    The input pipeline runs OpenCV in threads of its own, which OpenCV's threads would slow down.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def keep_freed_memory() -> None:
    """Let glibc keep freed memory instead of returning it to the system, until the process ends.

    TensorFlow sets glibc's threshold to 128 KiB whenever data come from Python (`generator_dataset_op` reports it in
    the log). Every step then obtains its memory anew, page by page, which takes half of the time of a step on two
    cores. Call it after the first step, because TensorFlow's own setting comes with the data. With another C library
    it does nothing.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_TRIM_THRESHOLD, _GIBIBYTE)
    # Larger blocks are mapped and unmapped each time.
    mallopt(_M_MMAP_THRESHOLD, _GIBIBYTE)
