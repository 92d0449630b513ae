"""The crop around the person, which the second pass of `Fit.AUTO` sees.

docs/internals/preprocessing.md, section 7, is the specification; the names here are its names.
"""

from __future__ import annotations

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.fit import Rectangle

PERSON = 128  # an alpha from here on is a pixel of a person
_KEPT = 8  # components that have at least 1/8 of the pixels of the largest are people, too
_LEAST = 1024  # a person has at least 1/1024 of the alpha's pixels
MARGIN = 10  # the margin is 1/10 of the longer side of the box
_ASPECT = 2  # a side is at most so many times the other


def find_crop(alpha: AnyArray, height: int, width: int, seen: Rectangle | None = None) -> Rectangle | None:
    """Return the crop of an image that holds its people, with a margin; None where the whole image is to be seen.

    Args:
        alpha: A, the alpha that the network computed, uint8 [S, S], or float32 [S, S] in 0-1, which is rounded.
        height: the image's height in pixels.
        width: the image's width in pixels.
        seen: the rectangle of the image that the network saw, stretched into its square; None: the whole image.

    Returns:
        The crop, inside the image. None where alpha shows nobody, or where the crop would have four fifths of the
        image's pixels or more.
    """
    whole, box = Rectangle(0, 0, height, width), find_people(alpha)
    if box is None:
        return None
    crop = widen(box, len(alpha), seen or whole, height, width)
    return None if fills(crop, whole) else crop


def fills(crop: Rectangle, whole: Rectangle) -> bool:
    """Whether a crop has four fifths of the pixels of its image or more, so that it is not worth a pass."""
    return crop.height * crop.width * 5 >= whole.height * whole.width * 4


def find_people(alpha: AnyArray) -> Rectangle | None:
    """Return the rectangle that people cover in an alpha, uint8 [S, S] or float32 [S, S]; None where there is nobody.

    A person is a 4-connected component of pixels from `PERSON` on. Components much smaller than the largest do not
    count.
    """
    if alpha.dtype != np.uint8:
        alpha = np.rint(alpha * np.float32(255)).astype(np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats((alpha >= PERSON).view(np.uint8), connectivity=4)
    components = np.asarray(statistics)[1:count]  # the first is the background
    if not len(components):
        return None
    areas = components[:, cv2.CC_STAT_AREA]
    largest = areas.max()
    if largest < alpha.size // _LEAST:
        return None
    left, top, columns, rows = components[areas * _KEPT >= largest, : cv2.CC_STAT_AREA].T
    first_row, first_column = int(top.min()), int(left.min())
    last_row, last_column = int((top + rows).max()), int((left + columns).max())
    return Rectangle(first_row, first_column, last_row - first_row, last_column - first_column)


def widen(box: Rectangle, size: int, seen: Rectangle, height: int, width: int, margin: int = MARGIN) -> Rectangle:
    """Return the crop around people: their rectangle in the image, with a margin, and not too narrow.

    Args:
        box: the rectangle of people, in an alpha of `size` × `size`.
        size: S.
        seen: the rectangle of the image that the alpha belongs to.
        height: the image's height in pixels.
        width: the image's width in pixels.
        margin: the margin is so small a part of the longer side: 10 for a tenth.
    """
    top, bottom = _in_image(box.top, box.height, seen.top, seen.height, size)
    left, right = _in_image(box.left, box.width, seen.left, seen.width, size)
    beside = max(bottom - top, right - left) // margin
    top, bottom, left, right = top - beside, bottom + beside, left - beside, right + beside
    rows, columns = bottom - top, right - left
    across = (rows - _ASPECT * columns + 3) // 4 if rows > _ASPECT * columns else 0
    down = (columns - _ASPECT * rows + 3) // 4 if columns > _ASPECT * rows else 0
    top, bottom = max(0, top - down), min(height, bottom + down)
    left, right = max(0, left - across), min(width, right + across)
    return Rectangle(top, left, bottom - top, right - left)


def _in_image(first: int, count: int, start: int, side: int, size: int) -> tuple[int, int]:
    """Return where the pixels of alpha `first` … `first + count − 1` begin and end in the image, on one axis."""
    return start + first * side // size, start + -(-(first + count) * side // size)
