"""The crop that follows people through a video, for `Fit.AUTO`.

docs/internals/preprocessing.md, section 8, is the specification; the names here are its names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.fit import Rectangle, bounding_rectangle
from mmnet.runtime.imaging.framing import fills, find_crop, find_people, widen

Alpha = TypeVar("Alpha", bound=AnyArray)

LOOK = 30  # frames from one look at the whole frame to the next
_PAUSE = 8  # frames after a look in which only the loss of everybody causes another
_MARGIN = 5  # the margin is 1/5 of the longer side, so that people who move stay inside the crop
_FURTHER = 8  # where people touch a side of the crop, the goal is further out by 1/8 of its longer side
# A side of the crop stays where it is if the goal is this part of its longer side further out, or further in.
_DEAD_OUTWARDS, _DEAD_INWARDS = 32, 8
_INWARDS = 8  # a side of the crop goes 1/8 of its way inwards in a frame; outwards it goes all of it


class CropTracker:
    """The crop that the network sees of each frame of one video. For one thread at a time.

    The crop of a frame follows from the alpha of the frame before, so that most frames need one pass. The first frame,
    and about one in thirty, is looked at as a whole first, which finds people outside of the crop.

    Attributes:
        jumped: whether the crop of the last frame lies elsewhere than that of the frame before it.
    """

    def __init__(self) -> None:
        """Begin a video."""
        self.jumped = False
        self._whole = self._crop = self._goal = Rectangle(0, 0, 0, 0)  # the first frame has another size
        self._is_first = self._is_look = self._is_lost = True
        self._since = 0

    def follow(self, height: int, width: int, compute: Callable[[Rectangle], Alpha]) -> tuple[Rectangle, Alpha]:
        """Compute the alpha of the next frame.

        Args:
            height: the frame's height in pixels; a frame of another size than the one before begins another video.
            width: the frame's width in pixels.
            compute: called with a rectangle of the frame; it returns the alpha that the network computes of it,
                uint8 [S, S], or float32 [S, S] in 0-1. Called once or twice.

        Returns:
            The rectangle that the network saw last, and its alpha.
        """
        seen = self.start(height, width)
        alpha = compute(seen)
        crop = self.refine(alpha)
        if crop is not None:
            seen, alpha = crop, compute(crop)
        self.finish(alpha)
        return seen, alpha

    def start(self, height: int, width: int) -> Rectangle:
        """Begin the next frame, and return the rectangle of it that the network sees first.

        Args:
            height: the frame's height in pixels.
            width: the frame's width in pixels.
        """
        whole = Rectangle(0, 0, height, width)
        self._is_first = whole != self._whole
        self._is_look = self._is_first or self._is_lost or self._crop == whole or self._since >= LOOK
        self._whole, self.jumped = whole, False
        if self._is_look:
            return whole
        self._crop = move(self._crop, self._goal)
        return self._crop

    def refine(self, alpha: AnyArray) -> Rectangle | None:
        """Return the rectangle that the network sees next; None where the first alpha of the frame stands.

        Args:
            alpha: the first alpha of the frame.
        """
        if not self._is_look:
            return None
        self._since = 0
        goal = find_crop(alpha, self._whole.height, self._whole.width) or self._whole
        if self._is_first or not is_near(self._crop, goal):
            self._crop, self.jumped = goal, not self._is_first
        else:
            self._crop = move(self._crop, goal)
        return None if self._crop == self._whole else self._crop

    def finish(self, alpha: AnyArray) -> None:
        """End the frame.

        Args:
            alpha: the alpha that stands: the second one where `refine` returned a rectangle.
        """
        self._since += 1
        whole, crop, size = self._whole, self._crop, len(alpha)
        boxes = find_people(alpha)
        if not boxes:
            self._is_lost = True
            return
        box = bounding_rectangle(boxes)
        goal = widen(box, size, crop, whole.height, whole.width, _MARGIN)
        touched = (
            box.top == 0 and crop.top > 0,
            box.left == 0 and crop.left > 0,
            box.top + box.height == size and crop.top + crop.height < whole.height,
            box.left + box.width == size and crop.left + crop.width < whole.width,
        )
        goal = extend(goal, touched, whole)
        self._goal = whole if fills([goal], whole) else goal
        self._is_lost = self._since > _PAUSE and (any(touched) or not is_near(crop, self._goal))


def extend(goal: Rectangle, touched: tuple[bool, bool, bool, bool], whole: Rectangle) -> Rectangle:
    """Return a goal that lies further out on the sides that people touch: top, left, bottom and right."""
    further = max(goal.height, goal.width) // _FURTHER
    top = max(0, goal.top - further * touched[0])
    left = max(0, goal.left - further * touched[1])
    bottom = min(whole.height, goal.top + goal.height + further * touched[2])
    right = min(whole.width, goal.left + goal.width + further * touched[3])
    return Rectangle(top, left, bottom - top, right - left)


def move(crop: Rectangle, goal: Rectangle) -> Rectangle:
    """Return a crop whose sides have moved towards those of a goal: all of the way outwards, part of it inwards.

    A side that is less than a dead zone away stays where it is.
    """
    longer = max(goal.height, goal.width)
    top = crop.top - _step(crop.top - goal.top, longer)
    left = crop.left - _step(crop.left - goal.left, longer)
    bottom, right = crop.top + crop.height, crop.left + crop.width
    bottom += _step(goal.top + goal.height - bottom, longer)
    right += _step(goal.left + goal.width - right, longer)
    return Rectangle(top, left, bottom - top, right - left)


def is_near(crop: Rectangle, goal: Rectangle) -> bool:
    """Whether two rectangles have at least a third of their union in common."""
    rows = min(crop.top + crop.height, goal.top + goal.height) - max(crop.top, goal.top)
    columns = min(crop.left + crop.width, goal.left + goal.width) - max(crop.left, goal.left)
    common = max(0, rows) * max(0, columns)
    return 4 * common >= crop.height * crop.width + goal.height * goal.width


def _step(outwards: int, longer: int) -> int:
    """Return how far a side moves outwards, in pixels; negative is inwards.

    Args:
        outwards: how far outwards the goal is.
        longer: the longer side of the goal, in pixels.
    """
    if outwards >= 0:
        return max(0, outwards - longer // _DEAD_OUTWARDS)
    return -(max(0, -outwards - longer // _DEAD_INWARDS + _INWARDS - 1) // _INWARDS)
