"""The header of a WebP (RFC 9649)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency

_ALPHA, _ANIMATION = 0x10, 0x02  # flags of VP8X


def read_header(data: bytes) -> Header:
    """Read the header of a WebP, whose sides have at most 16,383 pixels.

    Raises:
        HeaderError: it is an animation.
        struct.error, IndexError: the file is cut short.
    """
    found = list(chunks(data))
    names = [name for name, _ in found]
    frames = names.count(b"ANMF")
    name, body = found[0]
    if name == b"VP8X":
        if body[0] & _ANIMATION and frames > 1:
            raise HeaderError(
                f"is an animated WebP of {frames} frames; save the frame that you mean as a photo, "
                "or all of them as a video"
            )
        width, height = (1 + int.from_bytes(body[at : at + 3], "little") for at in (4, 7))
        alpha = bool(body[0] & _ALPHA)
    elif name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), bool(bits >> 28 & 1)
    else:
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        alpha = False
    return Header(
        "WebP",
        width,
        height,
        channels=4 if alpha else 3,
        transparency=Transparency.STRAIGHT if alpha else Transparency.NONE,
        colours=DeclaredColours(icc=next((body for name, body in found if name == b"ICCP"), b"")),
    )


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of every chunk (2.3); of pixels only the first bytes."""
    at = 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from("<I", data, at + 4)
        name = data[at : at + 4]
        kept = min(length, 32) if name in (b"VP8 ", b"VP8L", b"ALPH", b"ANMF") else length
        yield name, data[at + 8 : at + 8 + kept]
        at += 8 + length + length % 2
