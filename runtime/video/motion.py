"""The motion between two frames, in blocks of a small grey image: integers, computed with NumPy.

docs/internals/preprocessing.md, section 10, specifies the steps. `runtime/core/motion.c` computes the same values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array

Integers = NDArray[np.int32]

GREY_SIDE = 128
BLOCKS = 16  # per side
SUBPIXELS = 16  # parts of a pixel that motion is measured in

_BLOCK, _WINDOW = 8, 16  # pixels per side of a block, and of what is compared for it
_MARGIN = (_WINDOW - _BLOCK) // 2
_LEVELS = 3
_EDGE = 24  # pixels that are repeated beyond an edge; no motion and window reach further
_RANGE = 3  # pixels of the smallest frames that are searched in every direction
_PENALTY = 8  # sum of differences that a pixel further away must save
_STILL_PARTS = 3  # a motion must make the difference smaller than 3/4 of what it is without motion
_BESIDE = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))  # row and column


def find_motion(frame: U8Array, before: U8Array) -> Integers:
    """Find where the content of every block of a frame was in the frame before, relative to where it is.

    Args:
        frame, before: uint8 [128, 128], grey.

    Returns:
        int32 [2, 16, 16]: x and y, in 1/16 pixel.
    """
    brighter = median(frame.astype(np.int32) - before)
    levels = [(frame.astype(np.int32), before.astype(np.int32) + np.int32(brighter))]
    for _ in range(_LEVELS - 1):
        levels.append((_halve(levels[-1][0]), _halve(levels[-1][1])))
    motion: Integers | None = None
    for finer in reversed(levels):
        windows = _Windows.of(*finer)
        motion = _search(windows, motion)
    assert motion is not None
    return _refine(windows, motion).reshape(2, BLOCKS, BLOCKS)


def average_motion(motion: Integers, weight: Integers) -> Integers:
    """Return the mean motion of each block and the eight around it, weighted with `weight`, int32 [16, 16] >= 1."""
    total = _sum_around(weight)
    sums = np.stack([_sum_around(weight * values) for values in motion])
    return np.asarray((2 * sums + total) // (2 * total), np.int32)


def median(values: Integers) -> int:
    """Return the median of every fourth row and column: the lower one of the two in the middle."""
    samples = values[::4, ::4].ravel()
    middle = (samples.size - 1) // 2
    return int(np.partition(samples, middle)[middle])


@dataclass(frozen=True)
class _Windows:
    """The pixels of two frames that are compared for their blocks.

    Attributes:
        frame: int32 [blocks², 16, 16], the windows of the frame.
        before: int32 [side + 48, side + 48], the frame before, with its edges repeated around it.
        rows, columns: int [blocks², 17], where the windows lie in it, each with one pixel more.
    """

    frame: Integers
    before: Integers
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @classmethod
    def of(cls, frame: Integers, before: Integers) -> _Windows:
        """Cut the windows of all blocks from a frame, int32 [side, side]."""
        blocks = len(frame) // _BLOCK
        starts = np.arange(blocks) * _BLOCK + _EDGE - _MARGIN
        places = starts[:, None] + np.arange(_WINDOW + 1)
        rows, columns = np.repeat(places, blocks, axis=0), np.tile(places, (blocks, 1))
        framed, framed_before = (np.pad(image, _EDGE, mode="edge") for image in (frame, before))
        windows = framed[rows[:, :-1, None], columns[:, None, :-1]]
        return cls(windows, framed_before, rows, columns)

    def difference(self, motion: Integers) -> Integers:
        """Return the sum of the differences of each window for a motion in whole pixels: int32 [2, blocks²]."""
        x, y = motion[..., None]
        moved = self.before[(self.rows + y)[:, :-1, None], (self.columns + x)[:, None, :-1]]
        return np.asarray(np.abs(self.frame - moved).sum(axis=(1, 2)), np.int32)

    def difference_between(self, motion: Integers) -> Integers:
        """Return the same for a motion in 1/16 pixel."""
        x, y = motion[..., None]
        moved = self.before[(self.rows + (y >> 4))[:, :, None], (self.columns + (x >> 4))[:, None, :]]
        right, down = (x & 15)[..., None], (y & 15)[..., None]
        lines = moved[:, :, :-1] * (SUBPIXELS - right) + moved[:, :, 1:] * right
        values = (lines[:, :-1] * (SUBPIXELS - down) + lines[:, 1:] * down + 128) >> 8
        return np.asarray(np.abs(self.frame - values).sum(axis=(1, 2)), np.int32)


class _Best:
    """The best motion of each block among those that were tried; of equals, the first."""

    def __init__(self, motion: Integers, cost: Integers) -> None:
        self.motion, self.cost = motion, cost

    def take(self, motion: Integers, cost: Integers) -> None:
        """Take a motion, int32 [2, blocks²], where it costs less."""
        better = cost < self.cost
        self.motion = np.where(better, motion, self.motion)
        self.cost = np.where(better, cost, self.cost)


def _search(windows: _Windows, coarse: Integers | None) -> Integers:
    """Return the motion of each block in whole pixels: int32 [2, blocks²]; `coarse` is that of half as many blocks."""
    count = len(windows.frame)
    nothing = np.zeros((2, count), np.int32)
    best = _Best(nothing, np.full(count, np.iinfo(np.int32).max, np.int32))
    for penalty, motion in enumerate(_candidates(coarse, count)):
        best.take(motion, windows.difference(motion) + _PENALTY * min(penalty, 1))
    best.take(nothing, windows.difference(nothing))
    centre, reach = best.motion, _RANGE if coarse is None else 1
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            if x or y:
                motion = centre + np.array([[x], [y]], np.int32)
                best.take(motion, windows.difference(motion) + _PENALTY * max(abs(x), abs(y)))
    return best.motion


def _candidates(coarse: Integers | None, count: int) -> Iterator[Integers]:
    """Yield what the smaller frames gave for each block: the motion of the block it lies in, and of the four beside."""
    if coarse is None:
        return
    blocks = round(count**0.5)
    half = blocks // 2
    grid = coarse.reshape(2, half, half)
    for down, right in _BESIDE:
        rows = (np.arange(blocks) // 2 + down).clip(0, half - 1)
        columns = (np.arange(blocks) // 2 + right).clip(0, half - 1)
        yield 2 * grid[:, rows[:, None], columns].reshape(2, count)


def _refine(windows: _Windows, whole: Integers) -> Integers:
    """Return the motion of each block in 1/16 pixel, accurate to 1/8 pixel; `whole` is in pixels.

    Values between pixels have less noise, so that they are nearer to a noisy frame: a block only moves if that makes
    the difference clearly smaller.
    """
    best = _Best(SUBPIXELS * whole, windows.difference(whole))
    for step in (8, 4, 2):
        centre = best.motion
        for index in range(9):
            if index != 4:
                motion = centre + step * np.array([[index % 3 - 1], [index // 3 - 1]], np.int32)
                best.take(motion, windows.difference_between(motion))
    still = windows.difference(np.zeros_like(whole))
    return np.where(_STILL_PARTS * still <= (_STILL_PARTS + 1) * best.cost, 0, best.motion)


def _halve(image: Integers) -> Integers:
    return (image[::2, ::2] + image[::2, 1::2] + image[1::2, ::2] + image[1::2, 1::2] + 2) >> 2


def _sum_around(values: Integers) -> Integers:
    framed = np.pad(values, 1, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(framed, (3, 3)).sum(axis=(2, 3)), np.int32)
