"""The computations of `kernels.Kernels` in compiled code (runtime/core), on the rows of an image in several threads.

The library exists where a C compiler was present when the package was installed. `reference` computes the same bytes
with NumPy and OpenCV, in two to three times the time. The web page and the Android app use the same sources.
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, byref, c_double, c_float, c_size_t, c_ssize_t, c_void_p
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference, FittedLine
from mmnet.runtime.fullres.checks import (
    check_colour_difference,
    check_composite,
    check_fit_line,
    check_guided_alpha,
)
from mmnet.runtime.fullres.parameters import (
    AVERAGE_PASSES,
    DIFFERENCE_UNIT,
    EPSILON,
    MAX_STEP,
    OFFSET_UNIT,
    SLOPE_UNIT,
    WINDOW_RADIUS,
    AlphaU16,
    weights,
)
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags
from mmnet.runtime.imaging.taps import Taps

_MAX_THREADS = 4


class _Grid(ctypes.Structure):
    _fields_ = [(name, c_ssize_t) for name in ("height", "width", "stride", "tile_height", "tile_width", "tile_stride")]


class _Taps(ctypes.Structure):
    _fields_ = [(name, c_void_p) for name in ("first", "second", "fraction")]


_GRID, _TAPS = POINTER(_Grid), POINTER(_Taps)
# The argument types of the library's functions (kernels.h), without the four at the end: an arena, its size, and the
# rows that a thread computes.
_FUNCTIONS: dict[str, list[Any]] = {
    "fit_line": [*[c_void_p] * 3, *[c_ssize_t] * 3, *[c_double] * 3, c_void_p],
    "sample_cells": [c_void_p, *[c_ssize_t] * 7, c_void_p],
    "average_colours": [*[c_void_p] * 4, *[c_ssize_t] * 3, c_void_p, c_float, *[c_void_p] * 3, c_ssize_t],
    "guided_alpha": [_GRID, c_void_p, c_ssize_t, _TAPS, _TAPS, c_ssize_t, c_float, c_float, *[c_void_p] * 6],
    "composite": [_GRID, c_void_p, c_void_p, c_ssize_t, *[c_void_p] * 4, c_ssize_t, c_ssize_t, c_void_p],
}
# Functions that return the size of an arena in bytes.
_ARENAS: dict[str, list[Any]] = {
    "fit_line": [c_ssize_t] * 3,
    "tiles": [_GRID, c_ssize_t],
    "average_colours": [c_ssize_t] * 3,
}


def load(folder: Path) -> ctypes.CDLL | None:
    """Load the library from a folder; None where there is none for this machine."""
    for suffix in EXTENSION_SUFFIXES:
        try:
            library = ctypes.CDLL(str(folder / f"_core{suffix}"))
            for name, arguments in _FUNCTIONS.items():
                function = library[f"mmnet_kernel_{name}"]
                function.argtypes = [*arguments, c_void_p, c_size_t, c_ssize_t, c_ssize_t]
                setattr(library, name, function)
            for name, arguments in _ARENAS.items():
                function = library[f"mmnet_kernel_{name}_arena"]
                function.argtypes, function.restype = arguments, c_size_t
                setattr(library, f"{name}_arena", function)
        except (OSError, AttributeError):  # of another machine, or of another version
            continue
        return library
    return None


LIBRARY = load(Path(__file__).parents[1] / "core")


def fit_line(alpha: AlphaU16, guide: U8Array, where: NDArray[np.bool_]) -> F32Array:
    """Fit alpha ≈ Σ slope · colour + offset; see `Kernels.fit_line`."""
    check_fit_line(alpha, guide, where)
    fitted = np.empty((*alpha.shape, 4), np.float32)
    images = [_memory(image) for image in (alpha, guide, where)]
    numbers = WINDOW_RADIUS, EPSILON, SLOPE_UNIT, OFFSET_UNIT
    arena = _arena_size("fit_line", *alpha.shape, WINDOW_RADIUS)
    _by_rows("fit_line", arena, alpha.shape, *images, *alpha.shape, *numbers, _memory(fitted))
    return fitted


def guided_alpha(line: FittedLine, photo: U8Array, crossed: TileFlags, inside: TileFlags) -> AlphaU8:
    """Compute the guided alpha of a photo; see `Kernels.guided_alpha`."""
    check_guided_alpha(line, photo, crossed, inside)
    alpha = np.empty(photo.shape[:2], np.uint8)
    opaque, edges = np.empty(crossed.shape, np.bool_), np.empty(crossed.shape, np.bool_)
    arrays = [_memory(array) for array in (photo, crossed, inside, alpha, opaque, edges)]
    taps = [[_memory(values) for values in _tap_arrays(along)] for along in (line.rows, line.columns)]
    taps_by_reference = [byref(_Taps(*(values.data for values in along))) for along in taps]
    units = 1 / SLOPE_UNIT, 1 / OFFSET_UNIT
    fitted = _memory(line.values), line.values.shape[1]
    _by_tiles("guided_alpha", line.step, photo.shape, *fitted, *taps_by_reference, line.step, *units, *arrays)
    return AlphaU8(alpha, opaque, edges)


def colour_difference(photo: U8Array, alpha: U8Array, step: int) -> ColourDifference:
    """Estimate by how much foreground and background colours differ; see `Kernels.colour_difference`."""
    check_colour_difference(photo, alpha, step)
    shape = tuple(-(-side // step) for side in alpha.shape)
    image, sampled_alpha = np.empty((3, *shape), np.uint8), np.empty(shape, np.uint8)
    for source, samples in ((photo, image), (alpha, sampled_alpha)):
        channels = len(samples) if samples.ndim == 3 else 1
        layout = _memory(source), alpha.shape[1] * channels, channels, *alpha.shape
        _in_threads("sample_cells", 0, (*layout, step, *shape, _memory(samples)), [(0, shape[0])])
    *earlier_passes, (last_radius, last_power) = AVERAGE_PASSES
    # The image, the foreground and background colours to average, and alpha.
    planes = [_memory(image), _memory(image), _memory(image), _memory(sampled_alpha)]
    for radius, power in earlier_passes:
        refined = [_memory(np.empty(image.shape, np.uint8)) for _ in range(2)]
        numbers = radius, _memory(weights(power)), DIFFERENCE_UNIT
        arena = _arena_size("average_colours", *shape, radius)
        _by_rows("average_colours", arena, shape, *planes, *shape, *numbers, *refined, None, 0)
        planes[1:3] = refined
    cells = np.empty((shape[0] + 2, shape[1] + 2, 3), np.float32)
    numbers = last_radius, _memory(weights(last_power)), DIFFERENCE_UNIT
    inner = cells[1:, 1:].ctypes.data, 3 * cells.shape[1]
    arena = _arena_size("average_colours", *shape, last_radius)
    _by_rows("average_colours", arena, shape, *planes, *shape, *numbers, None, None, *inner)
    cells[1:-1, 0], cells[1:-1, -1] = cells[1:-1, 1], cells[1:-1, -2]
    cells[0], cells[-1] = cells[1], cells[-2]
    return ColourDifference(cells, step)


def composite(photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None) -> U8Array:
    """Composite a photo over a background; see `Kernels.composite`."""
    check_composite(photo, alpha, background, difference)
    if background.strides[1:] != (3, 1):
        background = np.ascontiguousarray(background)
    out = np.empty(photo.shape, np.uint8)
    images = _memory(photo), background.ctypes, background.strides[0]
    arrays = [_memory(array) for array in (alpha.values, alpha.opaque, alpha.edges)]
    cells: tuple[Any, int, int] = None, 0, MAX_STEP
    if difference is not None:
        cells = _memory(difference.cells), 3 * difference.cells.shape[1], difference.step
    _by_tiles("composite", cells[-1], photo.shape, *images, *arrays, *cells, _memory(out))
    return out


def _tap_arrays(taps: Taps) -> tuple[AnyArray, AnyArray, AnyArray]:
    return taps.first.astype(np.intp, copy=False), taps.second.astype(np.intp, copy=False), taps.fraction


def _memory(array: AnyArray) -> Any:
    """Return what the library's functions take for an array; it keeps the array alive."""
    return np.ascontiguousarray(array).ctypes


def _by_tiles(name: str, step: int, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of tiles of an image. Each of n threads computes every n-th row.

    Only some rows have an edge, and those lie together; so each thread gets some of them.
    """
    height, width = shape[:2]
    threads = _thread_count(-(-height // TILE_HEIGHT))
    grid = byref(_Grid(height, width, width, TILE_HEIGHT, TILE_WIDTH, -(-width // TILE_WIDTH)))
    arena = _arena_size("tiles", grid, step)
    _in_threads(name, arena, (grid, *arguments), [(first, threads) for first in range(threads)])


def _by_rows(name: str, arena: int, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of an image: each thread computes one range of them."""
    bounds = np.linspace(0, shape[0], _thread_count(shape[0]) + 1).astype(int).tolist()
    _in_threads(name, arena, arguments, list(pairwise(bounds)))


def _arena_size(name: str, *arguments: Any) -> int:
    """Return the bytes that a function needs in each thread."""
    return int(getattr(LIBRARY, f"{name}_arena")(*arguments))


def _thread_count(rows: int) -> int:
    """Return as many threads as OpenCV has, at most four, and at most one per row."""
    return min(max(cv2.getNumThreads(), 1), _MAX_THREADS, rows)


def _in_threads(name: str, arena: int, arguments: tuple[Any, ...], rows: list[tuple[int, int]]) -> None:
    """Call a function of the library in threads, one for each entry of `rows`, each with an arena of its own."""
    function = getattr(LIBRARY, name)
    memory = np.empty((len(rows), arena), np.uint8)
    calls = [(*arguments, each.ctypes, arena, *some) for each, some in zip(memory, rows, strict=True)]
    others = [_threads().submit(function, *call) for call in calls[1:]]
    statuses = [function(*calls[0]), *(other.result() for other in others)]
    assert not any(statuses), f"{name} of the core returned {statuses}; `checks` should have refused its arguments"


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MAX_THREADS - 1, "mmnet-fullres")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not survive a fork
