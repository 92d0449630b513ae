"""The shared library of the core, loaded with ctypes, and threads that divide the rows of an image among them.

The library exists where a C compiler was present when the package was installed. Its callers can also compute with
NumPy and OpenCV: the same bytes, in two to four times the time. The web page and the Android app use the same sources.
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from ctypes import c_float, c_int, c_int32, c_size_t, c_ssize_t, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.failures import note

_VERSION = 2  # MMNET_KERNELS_VERSION of kernels.h
_MAX_THREADS = 4

# The argument types of the library's functions (kernels.h), without the four at the end: an arena, its size, and the
# rows that a thread computes.
_FUNCTIONS: dict[str, list[Any]] = {
    "resample": [c_void_p, *[c_ssize_t] * 6, c_void_p],
    "sample_cells": [c_void_p, *[c_ssize_t] * 7, c_void_p],
    "average_colours": [*[c_void_p] * 4, *[c_ssize_t] * 3, c_void_p, c_float, *[c_void_p] * 3, c_ssize_t],
    "guided_alpha": [*[c_void_p] * 3, *[c_ssize_t] * 2, *[c_void_p] * 4],
    "composite": [c_void_p, c_void_p, c_void_p, c_ssize_t, *[c_void_p] * 4, c_ssize_t, c_ssize_t, c_void_p],
}
# Functions that return the size of an arena in bytes.
_ARENAS: dict[str, list[Any]] = {
    "guided_alpha": [c_void_p, *[c_ssize_t] * 2],
    "resample": [c_ssize_t] * 5,
    "tiles": [c_void_p, c_ssize_t],
    "average_colours": [c_ssize_t] * 3,
}
# Whole stages of mmnet.h.
_STAGES: dict[str, tuple[list[Any], Any]] = {
    "mmnet_smooth_state": ([c_int32], c_size_t),
    "mmnet_smooth_arena": ([c_int32], c_size_t),
    "mmnet_smooth_words": ([c_void_p, c_size_t, c_void_p, *[c_int32] * 3, c_void_p, c_void_p, c_size_t], c_int),
}


def load(folder: Path) -> ctypes.CDLL | None:
    """Load the library from a folder; None where there is none for this machine and this version of the sources."""
    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"_core{suffix}"
        try:
            library = ctypes.CDLL(str(path))
            if not _fits(library):
                note(f"{path}: is of other sources, so NumPy computes in its place; build it again: pip install -e .")
                continue
            for name, arguments in _FUNCTIONS.items():
                function = library[f"mmnet_kernel_{name}"]
                function.argtypes = [*arguments, c_void_p, c_size_t, c_ssize_t, c_ssize_t]
                setattr(library, name, function)
            for name, arguments in _ARENAS.items():
                function = library[f"mmnet_kernel_{name}_arena"]
                function.argtypes, function.restype = arguments, c_size_t
                setattr(library, f"{name}_arena", function)
            for name, (arguments, result) in _STAGES.items():
                function = library[name]
                function.argtypes, function.restype = arguments, result
                setattr(library, name, function)
        except (OSError, AttributeError):  # of another machine
            continue
        return library
    return None


def _fits(library: ctypes.CDLL) -> bool:
    """Whether a library has the functions that this module declares: wrong arguments would end the process."""
    version = getattr(library, "mmnet_kernels_version", None)
    return version is not None and version() == _VERSION


LIBRARY = load(Path(__file__).parent)


def memory(array: AnyArray) -> Any:
    """Return what the library's functions take for an array; it keeps the array alive."""
    return np.ascontiguousarray(array).ctypes


def by_rows(name: str, arena: int, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of an image: each thread computes one range of them."""
    threads = thread_count(shape[0])
    bounds = [shape[0] * thread // threads for thread in range(threads + 1)]
    in_threads(name, arena, arguments, list(pairwise(bounds)))


def arena_size(name: str, *arguments: Any) -> int:
    """Return the bytes that a function needs in each thread."""
    return int(getattr(LIBRARY, f"{name}_arena")(*arguments))


def thread_count(rows: int) -> int:
    """Return as many threads as OpenCV has, at most four, and at most one per row."""
    return min(max(cv2.getNumThreads(), 1), _MAX_THREADS, rows)


def in_threads(name: str, arena: int, arguments: tuple[Any, ...], rows: list[tuple[int, int]]) -> None:
    """Call a function of the library in threads, one for each entry of `rows`, each with an arena of its own."""
    function = getattr(LIBRARY, name)
    arenas = np.empty((len(rows), arena), np.uint8)
    calls = [(*arguments, each.ctypes, arena, *some) for each, some in zip(arenas, rows, strict=True)]
    others = [_threads().submit(function, *call) for call in calls[1:]]
    statuses = [function(*calls[0]), *(other.result() for other in others)]
    assert not any(statuses), f"{name} of the core returned {statuses}; its arguments should have been refused"


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MAX_THREADS - 1, "mmnet-core")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not survive a fork
