"""Images on their way through the network: as bytes, as the network's input, and with the network's alpha."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, AnyArray, F32Array, U8Array
from mmnet.runtime.imaging.fit import Placement
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes, fill_square
from mmnet.runtime.video.stream import Milliseconds

Image = U8Array | F32Array | NDArray[np.float64]


@dataclass(frozen=True)
class Prepared:
    """An image, and the part of it that the network sees.

    Attributes:
        frame: uint8 [H, W, 3].
        timestamp_ms: of a frame; 0 for a photo.
        placement: the part, and where it lies in the network's square.
        size: S.
    """

    frame: U8Array
    timestamp_ms: Milliseconds
    placement: Placement
    size: int

    @cached_property
    def model_input(self) -> U8Array:
        """The network's input, uint8 [S, S, 3]; computed when it is first read."""
        return fill_square(self.frame, self.placement, self.size)


@dataclass(frozen=True)
class Inferred:
    """An image and the network's alpha, [S, S]."""

    prepared: Prepared
    alpha: Alpha


def as_bytes(image: Image) -> U8Array:
    """Return an image [H, W, 3] as uint8: uint8 as it is, float in 0-1 as round(255 · value).

    Raises:
        ImageError: another shape or dtype; not finite; outside 0-1.
    """
    if not isinstance(image, np.ndarray) or image.dtype not in (np.float32, np.float64):
        return check_rgb_bytes(image)
    values: AnyArray = image
    if values.size:
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ImageError("the image has values that are not finite (NaN or infinity)")
        if low < 0 or high > 1:
            raise ImageError(f"the image has values from {low:g} to {high:g}; a float image lies in 0-1")
    return check_rgb_bytes(np.rint(values * 255).astype(np.uint8))
