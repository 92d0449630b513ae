"""The average of a matte with the one before it, along the motion: integers, computed with NumPy.

docs/internals/preprocessing.md, section 10, specifies the steps. `runtime/core/smoothing.c` computes the same values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.runtime.imaging.resampling import resample_with_numpy
from mmnet.runtime.video.motion import BLOCKS, GREY_SIDE, SUBPIXELS, Integers, average_motion, find_motion, median

Words = NDArray[np.uint16]

WHITE = 65535  # 257 · 255, so that a byte is exact in 16 bits
ONE = 256  # the weight 1
TOLERANCE_ONE = 400  # a residual of one grey level: 1/16 grey level, summed over the box

_BOX = 5  # side of the box over which the residual is summed, in pixels of the grey frame
_CUT = 12 * TOLERANCE_ONE  # a median residual above it is a cut, because no noise reaches it
_POSITION_ONE = 64
# The weights of four neighbours for a place k/16 behind the second of them, in 1/128: cubic convolution.
_CUBIC = np.array(
    [
        [0, 128, 0, 0],
        [-5, 127, 7, -1],
        [-9, 124, 15, -2],
        [-12, 119, 24, -3],
        [-13, 113, 34, -6],
        [-14, 105, 44, -7],
        [-14, 96, 55, -9],
        [-13, 86, 65, -10],
        [-12, 76, 76, -12],
        [-10, 65, 86, -13],
        [-9, 55, 96, -14],
        [-7, 44, 105, -14],
        [-6, 34, 113, -13],
        [-3, 24, 119, -12],
        [-2, 15, 124, -9],
        [-1, 7, 127, -5],
    ],
    np.int32,
)


@dataclass(frozen=True)
class Before:
    """The frame before.

    Attributes:
        alpha: its smoothed matte, uint16 [S, S], 65535 = the foreground.
        grey: its brightness, uint8 [128, 128].
    """

    alpha: Words
    grey: U8Array


def to_grey(frame: U8Array) -> U8Array:
    """Return the brightness of a frame, uint8 [S, S, 3]: uint8 [128, 128]."""
    red, green, blue = np.moveaxis(frame.astype(np.int32), 2, 0)
    luma = (77 * red + 150 * green + 29 * blue + 128) >> 8
    return resample_with_numpy(luma.astype(np.uint8), GREY_SIDE, GREY_SIDE)


def average(alpha: Words, grey: U8Array, before: Before, least: int, tolerance: int) -> Words:
    """Average a matte with the one before it.

    Args:
        alpha: uint16 [S, S], 65535 = the foreground.
        grey: uint8 [128, 128], the brightness of its frame.
        before: the frame before.
        least: weight of the new matte where nothing but noise changed, 1-256.
        tolerance: residual at which the new matte has the whole weight, in 1/400 of a grey level, >= 1.

    Returns:
        uint16 [S, S]; `alpha` itself at a cut.
    """
    side = len(alpha)
    motion = average_motion(find_motion(grey, before.grey), _person(alpha))
    weight = _weight(grey, before.grey, motion, least, tolerance)
    if weight is None:
        return alpha
    right, down = (np.stack([_enlarge(values, side) for values in motion]) * side) >> 7
    earlier = _earlier(before.alpha, right, down)
    smoothed = earlier + ((_enlarge(weight, side) * (alpha - earlier) + ONE // 2) >> 8)
    return smoothed.astype(np.uint16)


def _person(alpha: Words) -> Integers:
    """Return the weight of each block's motion: int32 [16, 16]. That of the background counts where nobody is near."""
    shares = resample_with_numpy(to_bytes(alpha), BLOCKS, BLOCKS).astype(np.int32)
    return np.asarray(shares * shares // 16 + 1, np.int32)


def to_bytes(words: Words) -> U8Array:
    """Return a matte of 16 bits in bytes, rounded to nearest."""
    return ((words.astype(np.int32) + 128) // 257).astype(np.uint8)


def _weight(grey: U8Array, before: U8Array, motion: Integers, least: int, tolerance: int) -> Integers | None:
    """Return the weight of the new matte, int32 [128, 128] in 0-256; None at a cut."""
    last = SUBPIXELS * (GREY_SIDE - 1)
    grid = SUBPIXELS * np.arange(GREY_SIDE, dtype=np.int32)
    x, y = grid + _enlarge(motion[0], GREY_SIDE), grid[:, None] + _enlarge(motion[1], GREY_SIDE)
    outside = (np.minimum(x, y) < -SUBPIXELS // 2) | (np.maximum(x, y) > last + SUBPIXELS // 2)
    moved = _bilinear(before.astype(np.int32), x.clip(0, last), y.clip(0, last))
    residual = SUBPIXELS * grey.astype(np.int32) - moved
    residual = _sum_boxes(np.abs(residual - np.int32(median(residual))))
    noise = median(residual)
    if noise > _CUT:
        return None
    weight = least + (residual - np.int32(noise)) * (ONE - least) // tolerance
    return np.where(outside, ONE, weight.clip(least, ONE)).astype(np.int32)


def _bilinear(image: Integers, x: Integers, y: Integers) -> Integers:
    """Return the values of an image at places in 1/16 pixel, times 16, rounded down."""
    column, row, right, down = x >> 4, y >> 4, x & 15, y & 15
    next_column, next_row = np.minimum(column + 1, GREY_SIDE - 1), np.minimum(row + 1, GREY_SIDE - 1)
    above = image[row, column] * (SUBPIXELS - right) + image[row, next_column] * right
    under = image[next_row, column] * (SUBPIXELS - right) + image[next_row, next_column] * right
    return np.asarray((above * (SUBPIXELS - down) + under * down) >> 4, np.int32)


def _earlier(alpha: Words, right: Integers, down: Integers) -> Integers:
    """Return the matte before along a motion in 1/16 pixel, int32 [S, S].

    With bilinear interpolation, it would become softer with every frame that it is moved to.
    """
    side = len(alpha)
    grid = SUBPIXELS * np.arange(side, dtype=np.int32)
    x, y = grid + right, grid[:, None] + down
    across, along = _CUBIC[x & 15], _CUBIC[y & 15]
    values, total = alpha.astype(np.int32), np.full((side, side), 1 << 13, np.int32)
    for row in range(4):
        rows = ((y >> 4) - 1 + row).clip(0, side - 1)
        line = np.zeros((side, side), np.int32)
        for column in range(4):
            line += across[..., column] * values[rows, ((x >> 4) - 1 + column).clip(0, side - 1)]
        total += along[..., row] * line
    return (total >> 14).clip(0, WHITE)


def _enlarge(values: Integers, side: int) -> Integers:
    """Interpolate int32 [n, n] bilinearly to [side, side], with half-pixel centres and 6-bit weights."""
    count = len(values)
    place = (2 * np.arange(side, dtype=np.int32) + 1) * count * _POSITION_ONE // (2 * side) - _POSITION_ONE // 2
    place = place.clip(0, (count - 1) * _POSITION_ONE)
    first, weight = place >> 6, place & (_POSITION_ONE - 1)
    second = np.minimum(first + 1, count - 1)
    lines = values[first] * (_POSITION_ONE - weight[:, None]) + values[second] * weight[:, None]
    total = lines[:, first] * (_POSITION_ONE - weight) + lines[:, second] * weight
    return np.asarray((total + 2048) >> 12, np.int32)


def _sum_boxes(values: Integers) -> Integers:
    for axis in (0, 1):
        widths = [(_BOX // 2, _BOX // 2) if axis == each else (0, 0) for each in (0, 1)]
        framed = np.pad(values, widths, mode="edge")
        values = np.sum([np.roll(framed, -step, axis) for step in range(_BOX)], axis=0, dtype=np.int32)
        values = values[:GREY_SIDE] if axis == 0 else values[:, :GREY_SIDE]
    return values
