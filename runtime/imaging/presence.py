"""Presence: the part of an image that people cover, and whether there is anybody at all.

docs/internals/preprocessing.md, section 9, is the specification; the names here are its names. docs/internals/nobody.md
says how the measure was chosen, and how often it errs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.runtime.imaging.fit import Placement
from mmnet.runtime.imaging.framing import PERSON

SOMEBODY = 224  # there is somebody if the confidence is at least this, 0-255
_MOST_IN_32_BITS = 2**31 // 255  # pixels
_WINDOWS = 16  # a window has 1/16 of the alpha's side


@dataclass(frozen=True)
class Presence:
    """The share of an image that people cover, and the confidence that somebody is there.

    Attributes:
        coverage: the part of the image in which alpha is at least half, in 0-1.
        confidence: the mean alpha of the window in which it is highest, in 0-1, a multiple of 1/255.
    """

    coverage: float
    confidence: float

    @property
    def nobody(self) -> bool:
        """Whether nobody was found: the confidence is too low."""
        return round(self.confidence * 255) < SOMEBODY


def measure_presence(parts: Sequence[tuple[AnyArray, Placement]], height: int, width: int) -> Presence:
    """Measure the presence of people in an image.

    Args:
        parts: each alpha that the result is made of, at least one: A, uint8 [S, S], or float32 [S, S] in 0-1, which is
            rounded; and its placement: the part of the image that the network saw, and the part of the square that this
            filled.
        height: the image's height in pixels.
        width: the image's width in pixels.
    """
    coverage, confidence = 0.0, 0
    for alpha, placement in parts:
        values = alpha if alpha.dtype == np.uint8 else _to_bytes(alpha)
        seen, filled = placement.seen, placement.filled
        part = seen.height * seen.width / (height * width)
        inside = np.count_nonzero(values[filled.slices] >= PERSON) / (filled.height * filled.width)
        coverage += inside * part
        confidence = max(confidence, confidence_of(values))
    return Presence(coverage, confidence / 255)


def _to_bytes(alpha: AnyArray) -> U8Array:
    """Round float32 in 0-1 to uint8; ties to even."""
    return np.asarray(cv2.convertScaleAbs(np.ascontiguousarray(alpha), alpha=255), np.uint8)


def confidence_of(alpha: U8Array) -> int:
    """Return c: the mean alpha, rounded down, of the window of `alpha` (uint8 [S, S]) in which it is highest, 0-255."""
    side = max(1, len(alpha) // _WINDOWS)
    # Whole numbers where they hold every sum, which takes half of the time; else doubles, which hold it exactly, too.
    sums = cv2.integral(alpha, sdepth=cv2.CV_32S if alpha.size < _MOST_IN_32_BITS else cv2.CV_64F)
    rows = sums[side:] - sums[:-side]
    windows = rows[:, side:] - rows[:, :-side]
    return int(windows.max()) // (side * side)
