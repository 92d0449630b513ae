"""A training image with its matte, and the resize that packs and augmentation share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2

from mmnet.arrays import AnyArray


@dataclass(frozen=True)
class Sample:
    """A training image, stretched to a square.

    Attributes:
        photo: uint8 [P, P, 3], RGB.
        matte: uint8 [P, P], the alpha matte.
        foreground: uint8 [P, P, 3], the foreground's colours (`estimate_training_foreground`); None if not estimated.
        aspect: width / height of the photo before it was stretched.
        is_cutout: whether `photo` has no background of its own, so that a background must be added.
    """

    photo: AnyArray
    matte: AnyArray
    foreground: AnyArray | None = None
    aspect: float = 1.0
    is_cutout: bool = False


def resize(image: AnyArray, size: int) -> AnyArray:
    """Stretch an image to size×size pixels, by area means where it shrinks and bilinearly where it grows."""
    if image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
