"""The C library's memory, kept between training steps."""

from __future__ import annotations

import ctypes

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_GIBIBYTE = 1 << 30


def keep_freed_memory() -> None:
    """Let glibc keep what is freed instead of giving it back to the system; does nothing with another C library.

    TensorFlow sets the threshold of giving back to 128 KiB whenever data comes from Python (`generator_dataset_op`
    says so in its log). Every step then takes its memory anew, page by page: half of the time of a step on two cores.
    Call it after the first step, since TensorFlow's own setting comes with the data.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_M_TRIM_THRESHOLD, _GIBIBYTE)
    # What is above it is mapped and unmapped each time.
    mallopt(_M_MMAP_THRESHOLD, _GIBIBYTE)
