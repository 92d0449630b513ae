"""The crops around people, which the second pass of `Fit.AUTO` sees.

docs/internals/preprocessing.md, section 7, is the specification; the names here are its names.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.fit import Rectangle, bounding_rectangle

PERSON = 128  # an alpha from here on is a pixel of a person
_KEPT = 8  # components that have at least 1/8 of the pixels of the largest are people, too
_LEAST = 1024  # a person has at least 1/1024 of the alpha's pixels
MARGIN = 10  # the margin is 1/10 of the longer side of the box
_ASPECT = 2  # a side is at most so many times the other
MOST_CROPS = 4  # people in more places are seen in one crop: each crop is one more run of the network


def find_crops(alpha: AnyArray, height: int, width: int) -> list[Rectangle]:
    """Return the crops of a photo that hold its people, with a margin: one for each group that stands apart.

    Args:
        alpha: A, the alpha that the network computed of the whole photo, uint8 [S, S], or float32 [S, S] in 0-1, which
            is rounded.
        height: the photo's height in pixels.
        width: the photo's width in pixels.

    Returns:
        At most `MOST_CROPS` crops inside the photo, of which no two share a pixel; ordered by top, then by left. Empty
        where alpha shows nobody, or where the crops would have four fifths of the photo's pixels or more.
    """
    whole = Rectangle(0, 0, height, width)
    crops = merge_overlapping(widen(box, len(alpha), whole, height, width) for box in find_people(alpha))
    if len(crops) > MOST_CROPS:
        crops = [bounding_rectangle(crops)]
    return [] if fills(crops, whole) else crops


def merge_overlapping(rectangles: Iterable[Rectangle]) -> list[Rectangle]:
    """Return rectangles of which no two share a pixel: two that do are replaced by their bounding rectangle.

    The result does not depend on the order in which they are replaced. It is ordered by top, then by left.
    """
    apart: list[Rectangle] = []
    for rectangle in rectangles:
        merged = rectangle
        while overlapping := [one for one in apart if one.overlaps(merged)]:
            apart = [one for one in apart if not one.overlaps(merged)]
            merged = bounding_rectangle([merged, *overlapping])
        apart.append(merged)
    return sorted(apart, key=lambda one: (one.top, one.left))


def find_crop(alpha: AnyArray, height: int, width: int, seen: Rectangle | None = None) -> Rectangle | None:
    """Return the one crop of an image that holds all its people, with a margin; None: the whole image is to be seen.

    Args:
        alpha: A, the alpha that the network computed, uint8 [S, S], or float32 [S, S] in 0-1, which is rounded.
        height: the image's height in pixels.
        width: the image's width in pixels.
        seen: the rectangle of the image that the network saw, stretched into its square; None: the whole image.

    Returns:
        The crop, inside the image. None where alpha shows nobody, or where the crop would have four fifths of the
        image's pixels or more.
    """
    whole, boxes = Rectangle(0, 0, height, width), find_people(alpha)
    if not boxes:
        return None
    crop = widen(bounding_rectangle(boxes), len(alpha), seen or whole, height, width)
    return None if fills([crop], whole) else crop


def fills(crops: Sequence[Rectangle], whole: Rectangle) -> bool:
    """Whether crops have four fifths of the pixels of their image or more, so that they are not worth a pass."""
    return sum(crop.height * crop.width for crop in crops) * 5 >= whole.height * whole.width * 4


def find_people(alpha: AnyArray) -> list[Rectangle]:
    """Return the rectangles that people cover in an alpha, uint8 [S, S] or float32 [S, S]; empty: there is nobody.

    A person is a 4-connected component of pixels from `PERSON` on. Components much smaller than the largest do not
    count.
    """
    if alpha.dtype != np.uint8:
        alpha = np.rint(alpha * np.float32(255)).astype(np.uint8)
    count, _, statistics, _ = cv2.connectedComponentsWithStats((alpha >= PERSON).view(np.uint8), connectivity=4)
    components = np.asarray(statistics)[1:count]  # the first is the background
    if not len(components):
        return []
    areas = components[:, cv2.CC_STAT_AREA]
    largest = areas.max()
    if largest < alpha.size // _LEAST:
        return []
    people = components[areas * _KEPT >= largest, : cv2.CC_STAT_AREA].tolist()
    return [Rectangle(top, left, height, width) for left, top, width, height in people]


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
