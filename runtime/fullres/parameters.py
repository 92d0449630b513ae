"""The numbers that the compiled and the NumPy implementation share."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

AlphaU16: TypeAlias = NDArray[np.uint16]  # [S, S], OPAQUE_U16 = the foreground

# A byte of alpha is exactly 257 of these: 65535 = 257 · 255.
U16_PER_BYTE = 257
OPAQUE_U16 = 65535

CERTAIN = 2 / 255  # guided upsampling treats an alpha this near to 0 or 1 as 0 or 1

# The line alpha = slope · colour + offset is kept in whole numbers. A slope is in bytes of alpha per grey level, and is
# below 8 (see `reference._slopes`).
SLOPE_UNIT = 4096  # slopes are kept in 1/4096
OFFSET_UNIT = 16  # offsets are kept in 1/16 byte of alpha

# Of the guided filter, in the network's pixels; chosen on portraits, see docs/internals/full-resolution.md.
WINDOW_RADIUS = 2  # of the window in which a line is fitted; compiled into the core
EPSILON = 64  # squared grey levels: contrast below 8 levels counts as noise

# Of the estimated foreground: each pass averages colours over a box of this radius in samples, weighted with this power
# of alpha.
AVERAGE_PASSES = ((3, 8), (1, 3))
DIFFERENCE_UNIT = 16  # differences of colours are kept in 1/16 grey level
MAX_SAMPLES = 256  # along the longer side, where a cell of MAX_STEP pixels allows it
MAX_STEP = 16  # the largest side of a cell, in pixels


@cache
def weights(power: int) -> NDArray[np.uint16]:
    """Return the weight of each byte of alpha for a power: uint16 [256], whole, 0-255.

    Even the smallest alpha above 0 has a weight of at least 1: the faintest hair may have no other colours around it.
    """
    byte = np.arange(256)
    return np.rint(255 * (byte / 255) ** power).clip(byte > 0, None).astype(np.uint16)


def sample_step(shape: tuple[int, ...]) -> int:
    """Return the side of the cells on which the foreground of a photo [H, W, …] is estimated: 1 to 16 pixels."""
    step = 1
    while max(shape[:2]) > MAX_SAMPLES * step and step < MAX_STEP:
        step *= 2
    return step
