"""The computations of `kernels.Kernels` in compiled code (runtime/core), on the rows of an image in several threads.

The library exists where a C compiler was present when the package was installed. `reference` computes the same bytes
with NumPy and OpenCV, in two to three times the time. The web page and the Android app use the same sources.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_ssize_t, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, AnyArray, F32Array, U8Array
from mmnet.runtime.core.library import arena_size, by_rows, in_threads, memory, thread_count
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference, DecidedAlpha, FittedLine
from mmnet.runtime.fullres.checks import (
    check_colour_difference,
    check_composite,
    check_decide,
    check_fit_line,
    check_guided_alpha,
)
from mmnet.runtime.fullres.parameters import (
    AVERAGE_PASSES,
    CERTAIN,
    DIFFERENCE_UNIT,
    EPSILON,
    MAX_STEP,
    OFFSET_UNIT,
    SLOPE_UNIT,
    AlphaU16,
    weights,
)
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags
from mmnet.runtime.imaging.taps import Taps


class _Grid(ctypes.Structure):
    _fields_ = [(name, c_ssize_t) for name in ("height", "width", "stride", "tile_height", "tile_width", "tile_stride")]


class _Taps(ctypes.Structure):
    _fields_ = [(name, c_void_p) for name in ("first", "second", "fraction")]


def decide(alpha: Alpha) -> DecidedAlpha:
    """Take what is nearly 0 or 1 for 0 or 1; see `Kernels.decide`."""
    check_decide(alpha)
    height, width = alpha.shape
    values, changes = np.empty(alpha.shape, np.uint16), np.empty(alpha.shape, np.bool_)
    counts = np.empty((height + 1, width + 1), np.int32)
    arrays = [memory(array) for array in (values, changes, counts)]
    in_threads("decide", 0, (memory(alpha), height, width, CERTAIN, 1 - CERTAIN, *arrays), [(0, height)])
    return DecidedAlpha(values, changes, counts)


def fit_line(alpha: AlphaU16, guide: U8Array, where: NDArray[np.bool_]) -> F32Array:
    """Fit alpha ≈ Σ slope · colour + offset; see `Kernels.fit_line`."""
    check_fit_line(alpha, guide, where)
    fitted = np.empty((*alpha.shape, 4), np.float32)
    images = [memory(image) for image in (alpha, guide, where)]
    numbers = EPSILON, SLOPE_UNIT, OFFSET_UNIT
    arena = arena_size("fit_line", *alpha.shape)
    by_rows("fit_line", arena, alpha.shape, *images, *alpha.shape, *numbers, memory(fitted))
    return fitted


def guided_alpha(line: FittedLine, photo: U8Array, crossed: TileFlags, inside: TileFlags) -> AlphaU8:
    """Compute the guided alpha of a photo; see `Kernels.guided_alpha`."""
    check_guided_alpha(line, photo, crossed, inside)
    alpha = np.empty(photo.shape[:2], np.uint8)
    opaque, edges = np.empty(crossed.shape, np.bool_), np.empty(crossed.shape, np.bool_)
    arrays = [memory(array) for array in (photo, crossed, inside, alpha, opaque, edges)]
    taps = [[memory(values) for values in _tap_arrays(along)] for along in (line.rows, line.columns)]
    taps_by_reference = [byref(_Taps(*(values.data for values in along))) for along in taps]
    units = 1 / SLOPE_UNIT, 1 / OFFSET_UNIT
    fitted = memory(line.values), line.values.shape[1]
    _by_tiles("guided_alpha", line.step, photo.shape, *fitted, *taps_by_reference, line.step, *units, *arrays)
    return AlphaU8(alpha, opaque, edges)


def colour_difference(photo: U8Array, alpha: U8Array, step: int) -> ColourDifference:
    """Estimate by how much foreground and background colours differ; see `Kernels.colour_difference`."""
    check_colour_difference(photo, alpha, step)
    shape = tuple(-(-side // step) for side in alpha.shape)
    image, sampled_alpha = np.empty((3, *shape), np.uint8), np.empty(shape, np.uint8)
    for source, samples in ((photo, image), (alpha, sampled_alpha)):
        channels = len(samples) if samples.ndim == 3 else 1
        layout = memory(source), alpha.shape[1] * channels, channels, *alpha.shape
        in_threads("sample_cells", 0, (*layout, step, *shape, memory(samples)), [(0, shape[0])])
    *earlier_passes, (last_radius, last_power) = AVERAGE_PASSES
    # The image, the foreground and background colours to average, and alpha.
    planes = [memory(image), memory(image), memory(image), memory(sampled_alpha)]
    for radius, power in earlier_passes:
        refined = [memory(np.empty(image.shape, np.uint8)) for _ in range(2)]
        numbers = radius, memory(weights(power)), DIFFERENCE_UNIT
        arena = arena_size("average_colours", *shape, radius)
        by_rows("average_colours", arena, shape, *planes, *shape, *numbers, *refined, None, 0)
        planes[1:3] = refined
    cells = np.empty((shape[0] + 2, shape[1] + 2, 3), np.float32)
    numbers = last_radius, memory(weights(last_power)), DIFFERENCE_UNIT
    inner = cells[1:, 1:].ctypes.data, 3 * cells.shape[1]
    arena = arena_size("average_colours", *shape, last_radius)
    by_rows("average_colours", arena, shape, *planes, *shape, *numbers, None, None, *inner)
    cells[1:-1, 0], cells[1:-1, -1] = cells[1:-1, 1], cells[1:-1, -2]
    cells[0], cells[-1] = cells[1], cells[-2]
    return ColourDifference(cells, step)


def composite(photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None) -> U8Array:
    """Composite a photo over a background; see `Kernels.composite`."""
    check_composite(photo, alpha, background, difference)
    if background.strides[1:] != (3, 1):
        background = np.ascontiguousarray(background)
    out = np.empty(photo.shape, np.uint8)
    images = memory(photo), background.ctypes, background.strides[0]
    arrays = [memory(array) for array in (alpha.values, alpha.opaque, alpha.edges)]
    cells: tuple[Any, int, int] = None, 0, MAX_STEP
    if difference is not None:
        cells = memory(difference.cells), 3 * difference.cells.shape[1], difference.step
    _by_tiles("composite", cells[-1], photo.shape, *images, *arrays, *cells, memory(out))
    return out


def _tap_arrays(taps: Taps) -> tuple[AnyArray, AnyArray, AnyArray]:
    return taps.first.astype(np.intp, copy=False), taps.second.astype(np.intp, copy=False), taps.fraction


def _by_tiles(name: str, step: int, shape: tuple[int, ...], *arguments: Any) -> None:
    """Call a function for the rows of tiles of an image. Each of n threads computes every n-th row.

    Only some rows have an edge, and those lie together; so each thread gets some of them.
    """
    height, width = shape[:2]
    threads = thread_count(-(-height // TILE_HEIGHT))
    grid = byref(_Grid(height, width, width, TILE_HEIGHT, TILE_WIDTH, -(-width // TILE_WIDTH)))
    arena = arena_size("tiles", grid, step)
    in_threads(name, arena, (grid, *arguments), [(first, threads) for first in range(threads)])
