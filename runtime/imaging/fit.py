"""`Fit`: how an image of any shape is placed in the square that the network takes.

docs/internals/preprocessing.md, section 3, is the specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mmnet.errors import MMNetError


class Fit(StrEnum):
    """The ways to fit an image that is not square into the square.

    STRETCH: the whole image fills the square, as MMNet was trained.
    CROP: the largest central square of the image fills the square; the rest is background.
    LETTERBOX: the whole image in its own proportions, centred, with black beside it.
    AUTO: the whole image is stretched first. If people fill little of it, crops around them are stretched next: one for
        each group of people who stand together in a photo, one for all people in a frame of a video.
    """

    STRETCH = "stretch"
    CROP = "crop"
    LETTERBOX = "letterbox"
    AUTO = "auto"


DEFAULT_FIT = Fit.AUTO


class FitError(MMNetError):
    """The name of an unknown fit."""


def choose_fit(name: str) -> Fit:
    """Return the fit called `name`.

    Raises:
        FitError: there is no such fit; the message lists the fits.
    """
    try:
        return Fit(name)
    except ValueError:
        raise FitError(f"unknown fit {name!r}; choose one of {', '.join(Fit)}") from None


@dataclass(frozen=True)
class Rectangle:
    """A rectangle of whole pixels: rows top … top + height − 1, columns left … left + width − 1."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The rows and columns, as an index of an array [H, W, …]."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def overlaps(self, other: Rectangle) -> bool:
        """Whether two rectangles share a pixel."""
        return (
            self.top < other.top + other.height
            and other.top < self.top + self.height
            and self.left < other.left + other.width
            and other.left < self.left + self.width
        )


def bounding_rectangle(rectangles: Sequence[Rectangle]) -> Rectangle:
    """Return the smallest rectangle that holds all the given ones, of which there is at least one."""
    top, left = min(one.top for one in rectangles), min(one.left for one in rectangles)
    bottom = max(one.top + one.height for one in rectangles)
    right = max(one.left + one.width for one in rectangles)
    return Rectangle(top, left, bottom - top, right - left)


@dataclass(frozen=True)
class Placement:
    """The part of the image that the network sees (`seen`), and the part of the square that it fills (`filled`)."""

    seen: Rectangle
    filled: Rectangle

    @classmethod
    def of_crop(cls, crop: Rectangle, size: int) -> Placement:
        """Return the placement of a crop that is stretched to fill a square of `size` pixels."""
        return cls(crop, Rectangle(0, 0, size, size))


def place(fit: Fit, height: int, width: int, size: int) -> Placement:
    """Return where an image of `height` × `width` pixels lies in a square of `size` pixels, all >= 1.

    The placement of AUTO is that of its first pass.
    """
    whole = Rectangle(0, 0, height, width)
    if fit in (Fit.STRETCH, Fit.AUTO):
        return Placement.of_crop(whole, size)
    if fit is Fit.CROP:
        side = min(height, width)
        return Placement.of_crop(Rectangle((height - side) // 2, (width - side) // 2, side, side), size)
    filled_height, filled_width = inscribe(height, width, size)
    return Placement(
        whole, Rectangle((size - filled_height) // 2, (size - filled_width) // 2, filled_height, filled_width)
    )


def inscribe(height: int, width: int, size: int) -> tuple[int, int]:
    """Return the height and width of an image scaled so that its longer side is `size` pixels.

    The shorter side rounds half up, to at least 1.
    """
    if width >= height:
        return max(1, (2 * size * height + width) // (2 * width)), size
    return size, max(1, (2 * size * width + height) // (2 * height))
