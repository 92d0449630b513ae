"""Scaling of an image: halvings, then bilinear, in integers (docs/internals/preprocessing.md, section 4).

The core in C computes the bytes of `resample_with_numpy`, in a fourth of the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.runtime.core import library
from mmnet.runtime.imaging.taps import Taps

FRACTION_BITS = 11
_ONE = 1 << FRACTION_BITS
_BAND_ROWS = 32  # rows halved at a time: the intermediate sums then stay in the processor's cache
_CORE_CHANNELS, _CORE_SIDE = (1, 3), 65535  # what the core takes: numbers of channels, and sides up to this


def resample(image: U8Array, height: int, width: int) -> U8Array:
    """Scale an image, each axis with its own scale: halvings, then bilinear (preprocessing.md, section 4).

    Args:
        image: uint8 [H, W] or [H, W, C], every side >= 1.
        height: the result's height in pixels, >= 1.
        width: the result's width in pixels, >= 1.

    Returns:
        uint8 [height, width] or [height, width, C], a copy.
    """
    height, width = int(height), int(width)
    channels = image.shape[2] if image.ndim == 3 else 1
    in_core = channels in _CORE_CHANNELS and max(*image.shape[:2], height, width) <= _CORE_SIDE
    if library.LIBRARY is None or not in_core or image.dtype != np.uint8:
        return resample_with_numpy(image, height, width)
    if image.strides[1:] != ((channels, 1) if image.ndim == 3 else (1,)) or image.strides[0] < channels:
        image = np.ascontiguousarray(image)
    out = np.empty((height, width, *image.shape[2:]), np.uint8)
    sizes = (*image.shape[:2], channels, height, width)
    arena = library.arena_size("resample", *sizes)
    library.by_rows("resample", arena, out.shape, image.ctypes, image.strides[0], *sizes, out.ctypes)
    return out


def resample_with_numpy(image: U8Array, height: int, width: int) -> U8Array:
    """Scale an image with NumPy: this function defines the bytes of `resample`, whose arguments it takes."""
    original_height, original_width = image.shape[:2]
    down, across = _halvings(original_height, height), _halvings(original_width, width)
    planes = image if image.ndim == 3 else image[..., None]

    # Whether an axis is still halved depends on that axis alone, so the first steps halve both, the rest one.
    for step in range(max(down, across)):
        planes = _halve(planes, vertical=step < down, horizontal=step < across)
    if (original_height, original_width) == (height << down, width << across):
        planes = planes.copy()  # every target pixel lies on a halved one
    else:
        planes = _bilinear(planes, _taps(original_height, height, down), _taps(original_width, width, across))
    return planes.reshape(height, width, *image.shape[2:])


def _halvings(side: int, size: int) -> int:
    """Return how often a side is halved (rounding up) while it is at least twice the target."""
    count = 0
    while side >= 2 * size:
        side = (side + 1) // 2
        count += 1
    return count


def _halve(image: U8Array, *, vertical: bool, horizontal: bool) -> U8Array:
    """Halve once: the means of boxes of 2×2, 1×2 or 2×1, rounded half up. An odd side repeats its last line."""
    height, width, channels = image.shape
    odd_rows, odd_columns = height % 2 * vertical, width % 2 * horizontal
    if odd_rows or odd_columns:
        image = np.pad(image, ((0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")
    down, across = 1 + vertical, 1 + horizontal
    halved = np.empty((image.shape[0] // down, image.shape[1] // across, channels), np.uint8)
    for top in range(0, halved.shape[0], _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        _halve_band(image[top * down : (top + _BAND_ROWS) * down], halved[rows], vertical, horizontal)
    return halved


def _halve_band(band: U8Array, out: U8Array, vertical: bool, horizontal: bool) -> None:
    """Halve some rows, with even sides, into `out`. The sums fit 16 bits: at most 4·255 + 2."""
    lines = np.ascontiguousarray(band).reshape(band.shape[0], -1)
    shift = vertical + horizontal
    total = np.add(lines[0::2], lines[1::2], dtype=np.uint16) if vertical else lines.astype(np.uint16)
    half = np.uint16(shift)  # of the box's area: 1 of 2, 2 of 4
    if not horizontal:
        out[...] = ((total + half) >> np.uint16(shift)).reshape(out.shape)
        return
    channels = out.shape[2]
    for channel in range(channels):
        pairs = total[:, channel :: 2 * channels] + total[:, channel + channels :: 2 * channels]
        out[..., channel] = (pairs + half) >> np.uint16(shift)


def _taps(side: int, size: int, halvings: int) -> Taps:
    """Return where the centres of `size` target pixels lie in a side of `side` pixels, halved `halvings` times.

    Fractions are int32, in 1/2048.
    """
    last = -(-side // (1 << halvings)) - 1
    numerator = (2 * np.arange(size, dtype=np.int64) + 1) * side
    denominator = size << (halvings + 1)
    whole, rest = numerator // denominator, numerator % denominator
    position = (whole << FRACTION_BITS) + (rest << FRACTION_BITS) // denominator - (_ONE >> 1)
    position = np.clip(position, 0, last << FRACTION_BITS)
    first = position >> FRACTION_BITS
    return Taps(first, np.minimum(first + 1, last), (position & (_ONE - 1)).astype(np.int32))


def _bilinear(image: U8Array, rows: Taps, columns: Taps) -> U8Array:
    """Interpolate bilinearly, with 11-bit weights along each axis. No sum exceeds 255·2^22 + 2^21 < 2^31."""
    weight: NDArray[np.int32] = columns.fraction[:, None]
    left: NDArray[np.int32] = image.take(columns.first, axis=1).astype(np.int32)
    right: NDArray[np.int32] = image.take(columns.second, axis=1).astype(np.int32)
    lines: NDArray[np.int32] = left * (_ONE - weight) + right * weight
    weight = rows.fraction[:, None, None]
    total: NDArray[np.int32] = (
        lines.take(rows.first, axis=0) * (_ONE - weight) + lines.take(rows.second, axis=0) * weight
    )
    rounded: NDArray[np.int32] = (total + (1 << (2 * FRACTION_BITS - 1))) >> (2 * FRACTION_BITS)
    return rounded.astype(np.uint8)
