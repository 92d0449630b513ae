"""What follows the network at the photo's size, compiled (`fullres.c`), where a C compiler was there to install with.

Where none was, `upsample` and `compose` compute the same bytes with NumPy and OpenCV, in two to three times the time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ctypes import POINTER, byref, c_double, c_float, c_int64, c_void_p
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
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, Flags, Taps

Units = tuple[int, int]  # of slopes in one byte of alpha a grey level, of offsets in one byte of alpha

_MOST_THREADS = 4


class _Grid(ctypes.Structure):
    _fields_ = [(name, c_int64) for name in ("height", "width", "tile_height", "tile_width")]


class _Taps(ctypes.Structure):
    _fields_ = [(name, c_void_p) for name in ("first", "second", "fraction")]


_GRID, _TAPS = POINTER(_Grid), POINTER(_Taps)
# What the functions of the library take, before the rows that a thread is to work on.
_FUNCTIONS: dict[str, list[Any]] = {
    "mmnet_fit": [*[c_void_p] * 3, *[c_int64] * 3, *[c_double] * 3, c_void_p],
    "mmnet_sample": [c_void_p, *[c_int64] * 6, c_void_p],
    "mmnet_average": [*[c_void_p] * 4, *[c_int64] * 3, c_void_p, c_float, *[c_void_p] * 3, c_int64],
    "mmnet_guide": [_GRID, c_void_p, c_int64, _TAPS, _TAPS, c_int64, c_float, c_float, *[c_void_p] * 6],
    "mmnet_lay": [_GRID, c_void_p, c_void_p, c_int64, *[c_void_p] * 4, c_int64, c_int64, c_void_p],
}


def load(folder: Path) -> ctypes.CDLL | None:
    """The library in a folder; None where there is none for this machine."""
    for suffix in EXTENSION_SUFFIXES:
        try:
            found = ctypes.CDLL(str(folder / f"_fullres{suffix}"))
        except OSError:
            continue
        for name, arguments in _FUNCTIONS.items():
            getattr(found, name).argtypes = [*arguments, c_int64, c_int64]
        return found
    return None


LIBRARY = load(Path(__file__).parent)


def fit(words: NDArray[np.uint16], guide: U8Array, where: Flags, radius: int, epsilon: int, units: Units) -> F32Array:
    """`guided.fit`, whose constants the last three are."""
    fitted = np.empty((*words.shape, 4), np.float32)
    images = [_memory(image) for image in (words, guide, where)]
    _by_rows("mmnet_fit", words.shape, *images, *words.shape, radius, epsilon, *units, _memory(fitted))
    return fitted


def difference(
    photo: U8Array, share: U8Array, step: int, passes: Sequence[tuple[int, NDArray[np.uint16]]], parts: int
) -> F32Array:
    """`foreground.Mixture.difference`.

    Args:
        photo: uint8 [H, W, 3].
        share: the person's, uint8 [H, W].
        step: of a cell of the photo, in pixels.
        passes: the radius of each one's box, and its weights: uint16 [256], of each byte of share.
        parts: of a grey level: how finely differences are kept.
    """
    shape = tuple(-(-side // step) for side in share.shape)
    image, of_cells = np.empty((3, *shape), np.uint8), np.empty(shape, np.uint8)
    for source, samples in ((photo, image), (share, of_cells)):
        planes = _memory(source), len(samples) if samples.ndim == 3 else 1, *share.shape
        _in_threads("mmnet_sample", (*planes, step, *shape, _memory(samples)), [(0, shape[0])])
    *earlier, last = passes
    seen = [_memory(image), _memory(image), _memory(image), _memory(of_cells), *shape]
    for radius, weights in earlier:
        agreeing = [_memory(np.empty(image.shape, np.uint8)) for _ in range(2)]
        _by_rows("mmnet_average", shape, *seen, radius, _memory(weights), parts, *agreeing, None, 0)
        seen[1:3] = agreeing
    found = np.empty((shape[0] + 2, shape[1] + 2, 3), np.float32)
    radius, weights = last
    within = found[1:, 1:].ctypes.data, 3 * found.shape[1]
    _by_rows("mmnet_average", shape, *seen, radius, _memory(weights), parts, None, None, *within)
    found[1:-1, 0], found[1:-1, -1] = found[1:-1, 1], found[1:-1, -2]
    found[0], found[-1] = found[1], found[-2]
    return found


def guide(
    fitted: F32Array, down: Taps, across: Taps, step: int, units: Units, photo: U8Array, crossed: Flags, inside: Flags
) -> AlphaU8:
    """The guided alpha of a photo.

    Args:
        fitted: float32 [S, S, 4], slopes and offsets at the network's size (`guided.fit`).
        down, across: where the photo's cells lie in it.
        step: of a cell, in pixels.
        units: of what is fitted.
        photo: uint8 [H, W, 3], contiguous.
        crossed: bool [rows, columns], the tiles that alpha has to be computed in.
        inside: bool [rows, columns], of the others those that are the person's.
    """
    share = np.empty(photo.shape[:2], np.uint8)
    opaque, edges = np.empty((2, *crossed.shape), np.bool_)
    taps = [[_memory(values) for values in (along.first, along.second, along.fraction)] for along in (down, across)]
    lies = [byref(_Taps(*(values.data for values in along))) for along in taps]
    arrays = [_memory(array) for array in (photo, crossed, inside, share, opaque, edges)]
    scales = [1 / unit for unit in units]
    _by_tiles("mmnet_guide", photo.shape, _memory(fitted), len(fitted), *lies, step, *scales, *arrays)
    return AlphaU8(share, opaque, edges)


def lay(photo: U8Array, shares: AlphaU8, behind: U8Array, difference: F32Array | None, step: int) -> U8Array:
    """The person in front of another background: `compose.composite`.

    Args:
        photo: uint8 [H, W, 3], contiguous.
        shares: the person's share of it.
        behind: uint8 [H, W, 3], each row contiguous.
        difference: float32 [rows, columns, 3], contiguous: of the person's colours from those behind, in cells of the
            photo, and one more on every side (`foreground.Mixture`); None takes the photo's colours for the person's.
        step: of a cell, in pixels.

    Returns:
        uint8 [H, W, 3].
    """
    if behind.strides[1:] != (3, 1):
        behind = np.ascontiguousarray(behind)
    out = np.empty(photo.shape, np.uint8)
    arrays = [_memory(array) for array in (shares.values, shares.opaque, shares.edges)]
    if difference is None:
        difference = np.zeros((*(-(-side // step) + 2 for side in photo.shape[:2]), 3), np.float32)
    cells = _memory(difference), 3 * difference.shape[1], step
    laid = behind.ctypes, behind.strides[0], *arrays, *cells, _memory(out)
    _by_tiles("mmnet_lay", photo.shape, _memory(photo), *laid)
    return out


def _memory(array: AnyArray) -> Any:
    """What a function of the library takes for an array; it keeps the array."""
    return np.ascontiguousarray(array).ctypes


def _by_tiles(name: str, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of tiles of an image: as only some have an edge, each thread has every n-th."""
    threads = _count(-(-shape[0] // TILE_HEIGHT))
    grid = byref(_Grid(*shape[:2], TILE_HEIGHT, TILE_WIDTH))
    _in_threads(name, (grid, *arguments), [(first, threads) for first in range(threads)])


def _by_rows(name: str, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of an image."""
    bounds = np.linspace(0, shape[0], _count(shape[0]) + 1).astype(int).tolist()
    _in_threads(name, arguments, list(pairwise(bounds)))


def _count(most: int) -> int:
    """As many threads as OpenCV has, at most four."""
    return min(max(cv2.getNumThreads(), 1), _MOST_THREADS, most)


def _in_threads(name: str, arguments: tuple[Any, ...], rows: list[tuple[int, int]]) -> None:
    """Call a function in threads, each for some rows.

    Raises:
        MemoryError: there is none left.
    """
    function = getattr(LIBRARY, name)
    others = [_threads().submit(function, *arguments, *some) for some in rows[1:]]
    failed = function(*arguments, *rows[0])
    if sum(other.result() for other in others) + failed:
        raise MemoryError("no memory left for the edge of the matte")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST_THREADS - 1, "mmnet-edges")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # a forked process has no threads but one
