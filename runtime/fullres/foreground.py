"""The person's own colours, where the photo shows them mixed with what was behind.

A pixel of hair with α = 0.5 is half background. Laid before another background with the photo's colours, that half
comes along, as a fringe. full-resolution.md has how near the estimate comes and what it costs.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime.fullres import compiled
from mmnet.runtime.fullres.alpha import AnyAlpha, alpha_u8_of
from mmnet.runtime.fullres.tiles import Strip, strips

SIDE = 256  # colours are averaged over samples, of which the longer side has at most this many
COARSEST = 16  # but no sample is for more than 16×16 pixels
# Each pass: the radius of its box in samples, and the power of alpha that colours are weighted with.
PASSES = ((3, 8), (1, 3))
_FRACTION = 16  # of a grey level: how finely differences are kept


def estimate_foreground(photo: U8Array, alpha: AnyAlpha) -> U8Array:
    """What the photo would show of the person alone.

    Blur-fusion in two passes (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 4-6), on evenly
    spaced samples: the means F̂ and B̂ of the colours around, weighted by α and 1 − α, and
    F = F̂ + α (I − α F̂ − (1 − α) B̂), which agrees better with the photo I and is what the second pass averages.
    Weights are powers of α, so that nearly pure colours count most. At each of the photo's pixels, then,
    F = I + (1 − α)(F̂ − B̂): the photo less what was mixed into it, as far as F̂ − B̂ is smooth.

    Args:
        photo: uint8 [H, W, 3], RGB.
        alpha: float32 [H, W] in 0-1, which is rounded to bytes, or `AlphaU8`.

    Returns:
        uint8 [H, W, 3]: the photo's own bytes where alpha is 0 or 1. The same on any processor.

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
    """
    shares = alpha_u8_of(photo, alpha)
    own = np.array(photo, order="C")
    if shares.edges.any():
        mixture = Mixture(own, shares.values)
        for strip in strips(shares.edges, own.shape):
            if strip:
                strip.put(mixture.undone(strip, strip.take(own), strip.take(shares.values)), own)
    return own


class Mixture:
    """By how much the person's colours differ from those behind, F̂ − B̂, everywhere in a photo.

    Attributes:
        step: of a cell of the photo, in pixels.
        difference: float32 [rows, columns, 3], contiguous: of each cell, and of one more on every side. Multiplied by
            255 − share it is what the photo's colours lack.
    """

    def __init__(self, photo: U8Array, share: U8Array) -> None:
        """Estimate it; see `estimate_foreground`.

        Args:
            photo: uint8 [H, W, 3].
            share: the person's, uint8 [H, W], 255 = all.
        """
        self.step = 1
        while max(share.shape) > SIDE * self.step and self.step < COARSEST:
            self.step *= 2
        self.difference = _difference(photo, share, self.step)

    def undone(self, strip: Strip, pixels: U8Array, share: U8Array) -> U8Array:
        """The person's colours in a strip.

        Args:
            strip: the strip.
            pixels: its of the photo, uint8 [height, width, 3].
            share: its, uint8 [height, width].

        Returns:
            uint8 [height, width, 3].
        """
        # Where nothing of the person is, the photo's bytes stay.
        _, missing = cv2.threshold(~share, 254, 0, cv2.THRESH_TOZERO_INV)
        rows, columns = strip.cells(self.step)
        more = strip.enlarge(self.difference[rows].take(columns, axis=1), self.step)
        cv2.multiply(more, _thrice(missing), dst=more, dtype=cv2.CV_32F)
        # OpenCV adds floats to bytes in whole numbers: it rounds them before.
        return np.asarray(cv2.add(pixels, more, dtype=cv2.CV_8U), np.uint8)


def _samples(image: U8Array, step: int) -> U8Array:
    """The mean of the two by two pixels in the middle of each cell of step × step, rounded half up.

    Cells cut by the image's edge repeat their neighbours.
    """
    sides = image.shape[:2]
    rows, columns = (max(1, side // step) for side in sides)
    inner = image[: rows * step, : columns * step]
    # Halfway between pixels, bilinear interpolation is that mean.
    taken = cv2.resize(inner, (columns, rows), interpolation=cv2.INTER_LINEAR_EXACT)
    below, beside = (-(-side // step) - whole for side, whole in zip(sides, (rows, columns), strict=True))
    return np.asarray(cv2.copyMakeBorder(taken, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8)


def _difference(photo: U8Array, share: U8Array, step: int) -> F32Array:
    if compiled.LIBRARY is not None:
        passes = [(radius, _weights(power)) for radius, power in PASSES]
        return compiled.difference(photo, share, step, passes, _FRACTION)
    image, share = _samples(photo, step), _samples(share, step)
    seen, solid = image.astype(np.float32), _thrice(share.astype(np.float32) / np.float32(255))
    (radius, power), *others = PASSES
    near, far = _mean(image, share, radius, power), _mean(image, ~share, radius, power)
    for radius, power in others:
        front = np.asarray(cv2.add(near, solid * (seen - (far + solid * (near - far))), dtype=cv2.CV_8U), np.uint8)
        behind = np.asarray(cv2.convertScaleAbs(far), np.uint8)
        near, far = _mean(front, share, radius, power), _mean(behind, ~share, radius, power)
    # Divided by 256 in place of 255, a power of two, so exact.
    difference = np.rint((near - far) * np.float32(_FRACTION)) * np.float32(1 / (256 * _FRACTION))
    return np.asarray(cv2.copyMakeBorder(difference, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)


def _mean(colours: U8Array, share: U8Array, radius: int, power: int) -> F32Array:
    """The mean of the colours around each sample, weighted with a power of its share: float32 [h, w, 3].

    Where nothing has weight, its own. Sums are of whole numbers, below 2^24.
    """
    weight = np.asarray(cv2.LUT(share, _weights(power)), np.uint16)
    box = 2 * radius + 1, 2 * radius + 1

    def total(values: NDArray[np.uint16]) -> F32Array:
        return np.asarray(
            cv2.boxFilter(values, cv2.CV_32F, box, normalize=False, borderType=cv2.BORDER_REPLICATE), np.float32
        )

    weights = total(weight)
    mean = total(np.multiply(colours, _thrice(weight), dtype=np.uint16))
    mean /= _thrice(np.maximum(weights, 1))
    return np.asarray(cv2.copyTo(colours.astype(np.float32), (weights == 0).view(np.uint8), mean), np.float32)


@cache
def _weights(power: int) -> NDArray[np.uint16]:
    """Of each byte of alpha, whole, 0-255. Even the faintest hair has one: where it is, there may be no other."""
    byte = np.arange(256)
    return np.rint(255 * (byte / 255) ** power).clip(byte > 0, None).astype(np.uint16)


def _thrice(plane: AnyArray) -> AnyArray:
    """For each of three colours: [h, w] → [h, w, 3]."""
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB))
