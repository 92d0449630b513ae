"""The person's own colours, where the photo shows them mixed with what was behind.

A pixel of hair with α = 0.5 is half background. Laid before another background with the photo's colours, that half
comes along, as a fringe. FULL_RESOLUTION.md has how near the estimate comes and what it costs.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.runtime.fit import Rectangle
from mmnet.runtime.model import Alpha
from mmnet.runtime.preprocess import Bytes, ImageError, check_rgb_bytes
from mmnet.runtime.tiles import Field, Floats, for_edges, tile_ranges

SIDE = 256  # colours are averaged over samples, of which the longer side has at most this many
# Each pass: the radius of its box in samples, and the power of alpha that colours are weighted with.
PASSES = ((4, 8), (1, 2))
_FRACTION = 16  # of a grey level: how finely differences are kept


def estimate_foreground(photo: Bytes, alpha: Alpha) -> Bytes:
    """What the photo would show of the person alone.

    Blur-fusion in two passes (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 4-6), on evenly
    spaced samples: the means F̂ and B̂ of the colours around, weighted by α and 1 − α, and
    F = F̂ + α (I − α F̂ − (1 − α) B̂), which agrees better with the photo I and is what the second pass averages.
    Weights are powers of α, so that nearly pure colours count most. At each of the photo's pixels, then,
    F = I + (1 − α)(F̂ − B̂): the photo less what was mixed into it, as far as F̂ − B̂ is smooth.

    Args:
        photo: uint8 [H, W, 3], RGB.
        alpha: float32 [H, W] in 0-1.

    Returns:
        uint8 [H, W, 3]: the photo's own bytes where alpha is 0 or 1. The same on any processor.

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
    """
    check_pair(photo, alpha)
    low, high = tile_ranges(alpha)
    check_range(low, high)
    foreground = np.array(photo, order="C")
    mixed = (high > 0) & (low < 1)
    if mixed.any():
        mixture = Mixture(photo, alpha)

        def lay(place: Rectangle) -> None:
            foreground[place.slices] = mixture.undone(place, photo[place.slices], alpha[place.slices])

        for_edges(mixed, alpha.shape, lay)
    return foreground


class Mixture:
    """By how much the person's colours differ from those behind, F̂ − B̂, everywhere in a photo."""

    def __init__(self, photo: Bytes, alpha: Alpha) -> None:
        """Estimate it; see `estimate_foreground`."""
        step = 1
        while max(alpha.shape) > SIDE * step:
            step *= 2
        image = _samples(photo, step).astype(np.float32).transpose(2, 0, 1).copy()
        share = _samples(alpha, step)
        solid = share.astype(np.float32) / np.float32(255)
        front = behind = image
        for radius, power in PASSES:
            near, behind = _mean(front, share, radius, power), _mean(behind, 255 - share, radius, power)
            front = (near + solid * (image - solid * near - (1 - solid) * behind)).clip(0, 255)
        self._difference = Field(np.rint((near - behind) * np.float32(_FRACTION)), step)

    def undone(self, place: Rectangle, pixels: Bytes, alpha: Alpha) -> Bytes:
        """The person's colours in a rectangle that begins at a tile.

        Args:
            place: the rectangle.
            pixels: its of the photo, uint8 [height, width, 3].
            alpha: its, float32 [height, width].

        Returns:
            uint8 [height, width, 3].
        """
        missing = (1 - alpha) * np.float32(1 / _FRACTION)
        missing[alpha == 0] = 0  # where nothing of the person is, the photo's bytes stay
        more = self._difference.at(place)
        planes = cv2.split(pixels)
        mine = [cv2.add(plane, each * missing, dtype=cv2.CV_8U) for plane, each in zip(planes, more, strict=True)]
        return np.asarray(cv2.merge(mine), np.uint8)


def _samples(picture: NDArray[Any], step: int) -> Bytes:
    """Bytes, or floats in 0-1 as bytes: the mean of the two by two pixels in the middle of each cell of step × step."""
    if step > 1:
        for axis, side in enumerate(picture.shape[:2]):
            middle = np.arange(-(-side // step)) * step + step // 2
            both = np.stack([middle - 1, middle], axis=1).clip(0, side - 1)
            picture = picture.take(both.ravel(), axis=axis)
    taken = np.rint(picture * np.float32(255)) if picture.dtype == np.float32 else picture
    wide: NDArray[np.uint16] = taken.astype(np.uint16)
    if step > 1:
        wide = (wide[::2, ::2] + wide[::2, 1::2] + wide[1::2, ::2] + wide[1::2, 1::2] + np.uint16(2)) >> np.uint16(2)
    return wide.astype(np.uint8)


def _mean(colours: Floats, share: Bytes, radius: int, power: int) -> Floats:
    """The mean of the colours around each sample, weighted with a power of its share: float32 [3, h, w].

    Where nothing has weight, its own. OpenCV adds floats in float64, in which sums of whole numbers are exact.
    """
    weight = _weights(power)[share]
    planes = np.concatenate([np.rint(colours) * weight, weight[None]])
    box = 2 * radius + 1, 2 * radius + 1
    sums = np.stack(
        [cv2.boxFilter(plane, -1, box, normalize=False, borderType=cv2.BORDER_REPLICATE) for plane in planes]
    )
    return np.where(sums[3] > 0, sums[:3] / np.maximum(sums[3], 1), colours)


def _weights(power: int) -> Floats:
    """Of each byte of alpha, whole, 0-255. Even the faintest hair has one: where it is, there may be no other."""
    byte = np.arange(256)
    return np.rint(255 * (byte / 255) ** power).clip(byte > 0, None).astype(np.float32)


def check_pair(image: Bytes, alpha: Alpha) -> None:
    """Refuse a picture and an alpha that do not belong together.

    Raises:
        ImageError: as the message says.
    """
    check_rgb_bytes(image)
    if alpha.shape != image.shape[:2]:
        raise ImageError(f"the alpha has shape {alpha.shape}, the image {image.shape}")
    if alpha.dtype != np.float32:
        raise ImageError("the alpha is not float32 in 0-1")


def check_range(low: Floats, high: Floats) -> None:
    """Refuse an alpha whose tiles have these least and greatest values, unless they lie in 0-1.

    Raises:
        ImageError: they do not, or are not numbers.
    """
    if not (low.min() >= 0 and high.max() <= 1):
        raise ImageError("the alpha is not float32 in 0-1")
