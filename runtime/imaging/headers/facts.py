"""`Header`: what the header of an image file declares."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmnet.runtime.imaging.colours.declared import NOTHING_DECLARED, DeclaredColours

Turn = tuple[str, tuple[int, ...]]


class HeaderError(ValueError):
    """An image that is refused by its header; the message says what it is and what to do, without the file."""


class Transparency(StrEnum):
    """The ways in which a file declares transparency.

    NONE: it declares none; a further channel has no meaning.
    STRAIGHT: an alpha channel, and colours that are not multiplied by it.
    PREMULTIPLIED: an alpha channel, and colours that are multiplied by it.
    """

    NONE = "none"
    STRAIGHT = "straight"
    PREMULTIPLIED = "premultiplied"


@dataclass(frozen=True)
class Header:
    """The facts that the header of an image file declares; 0 where it ends before.

    Attributes:
        format: "PNG", "JPEG", "WebP", "BMP", "TIFF", "HEIC", "AVIF" or "JPEG XL".
        width, height: as stored, in pixels.
        channels: as the decoder gives them, 1 to 4.
        bits: per sample of the decoded image, 8 or 16; less is decoded as 8.
        transparency: how the file declares transparency.
        keyed: whether one colour is transparent (a PNG's tRNS), and there is no alpha channel.
        key: the grey value that is transparent, at the file's depth; None if there is none.
        white_is_zero: whether the decoder gives the grey values of this file inverted.
        colours: what the file says of its colours.
        first: the position of the image's directory in a TIFF; None for the first one.
        depth: bits per sample as stored: the decoder of an AVIF gives 10 and 12 bits in the range 0-1023 and 0-4095.
        turns: what makes the image of an AVIF upright, in this order: ("rotate", (quarter turns counter-clockwise,)),
            ("mirror", (0 = top and bottom exchanged, 1 = left and right,)), ("crop", (left, top, right, bottom)).
        images: the number of images in a HEIC or AVIF, without tiles, thumbnails and auxiliary images.
    """

    format: str
    width: int = 0
    height: int = 0
    channels: int = 3
    bits: int = 8
    transparency: Transparency = Transparency.NONE
    keyed: bool = False
    key: int | None = None
    white_is_zero: bool = False
    colours: DeclaredColours = NOTHING_DECLARED
    first: int | None = None
    depth: int = 8
    turns: tuple[Turn, ...] = ()
    images: int = 1

    @property
    def bytes(self) -> int:
        """The size of the decoded image."""
        return self.width * self.height * self.channels * (2 if self.bits > 8 else 1)
