"""`Decoded`: what a decoder gives, and `DecodeError`."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.colours.declared import DeclaredColours

DAMAGED = "is truncated or damaged"


class DecodeError(ValueError):
    """A file that cannot be decoded; the message says why, without the file."""


@dataclass(frozen=True)
class Decoded:
    """A decoded image.

    Attributes:
        pixels: uint8 or uint16, [H, W] (grey) or [H, W, C]: grey with alpha, BGR or BGRA.
        exif: the EXIF block whose orientation is still to be applied; empty if the image is upright.
        colours: what the decoder found out about the colours; None if the header says it.
    """

    pixels: AnyArray
    exif: bytes = b""
    colours: DeclaredColours | None = None
