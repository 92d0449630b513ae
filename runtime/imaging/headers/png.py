"""The header of a PNG (PNG 1.2 and APNG 1.0)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.icc import DAMAGED_PROFILE, MOST_PROFILE_BYTES
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency
from mmnet.runtime.imaging.headers.signatures import PNG_MAGIC

_DEPTHS = (1, 2, 4, 8, 16)
_GREY, _COLOUR, _PALETTE, _GREY_ALPHA, _COLOUR_ALPHA = 0, 2, 3, 4, 6


def read_header(data: bytes) -> Header:
    """Read the header of a PNG.

    Raises:
        HeaderError: it is an animation.
        struct.error, IndexError: the file is cut short.
    """
    width, height, depth, kind = struct.unpack_from(">IIBB", data, 16)
    found = dict(chunks(data))
    if b"acTL" in found and (frames := struct.unpack_from(">I", found[b"acTL"])[0]) > 1:
        raise HeaderError(
            f"is an animated PNG of {frames} frames; save the frame that you mean as a PNG, or all of them as a video"
        )
    declared = kind in (_GREY_ALPHA, _COLOUR_ALPHA) or b"tRNS" in found
    key = None
    if kind == _GREY and b"tRNS" in found and depth in _DEPTHS:
        (value,) = struct.unpack_from(">H", found[b"tRNS"])
        key = value if depth == 16 else (value & ((1 << depth) - 1)) * 255 // ((1 << depth) - 1)
    channels = 1 if kind == _GREY else 4 if declared else 3
    return Header(
        "PNG",
        width,
        height,
        channels,
        16 if depth == 16 else 8,
        Transparency.STRAIGHT if declared else Transparency.NONE,
        kind in (_GREY, _COLOUR) and b"tRNS" in found,
        key,
        colours=_colours(found),
    )


def _colours(found: dict[bytes, bytes]) -> DeclaredColours:
    """Return what the chunks cICP, iCCP, sRGB, gAMA and cHRM say (PNG 3, 11.3.2)."""
    codes, gamma, points = (found.get(name, b"") for name in (b"cICP", b"gAMA", b"cHRM"))
    return DeclaredColours(
        tuple(codes) if len(codes) == 4 else None,
        _profile(found[b"iCCP"]) if b"iCCP" in found else b"",
        b"sRGB" in found,
        int.from_bytes(gamma) / 100_000 if len(gamma) == 4 and any(gamma) else None,
        tuple(value / 100_000 for value in struct.unpack(">8I", points)) if len(points) == 32 else None,
    )


def _profile(chunk: bytes) -> bytes:
    """Return the profile in an iCCP chunk: a name, a 0, a 0 and what zlib packed."""
    packed = chunk[chunk.find(b"\0") + 2 :]
    try:
        return zlib.decompressobj().decompress(packed, MOST_PROFILE_BYTES) or DAMAGED_PROFILE
    except zlib.error:
        return DAMAGED_PROFILE


def chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and body of the chunks before the first pixels, after the header."""
    at = len(PNG_MAGIC)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name = data[at + 4 : at + 8]
        if name in (b"IDAT", b"IEND"):
            return
        yield name, data[at + 8 : at + 8 + length]
        at += 12 + length
