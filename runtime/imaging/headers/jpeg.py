"""The header of a JPEG (ITU-T T.81)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.icc import DAMAGED_PROFILE
from mmnet.runtime.imaging.headers.exif import is_adobe_rgb
from mmnet.runtime.imaging.headers.facts import Header, HeaderError

_NO_FRAME = (0xC4, 0xC8, 0xCC)  # markers among those of frames that begin none
_SCAN, _APP1, _APP2 = 0xDA, 0xE1, 0xE2
_EXIF, _ICC = b"Exif\0\0", b"ICC_PROFILE\0"  # the latter is followed by the number of the part, from 1, and their count


def read_header(data: bytes) -> Header:
    """Read the header of a JPEG.

    Raises:
        HeaderError: it is in CMYK, or has another depth than 8 bits.
        struct.error, IndexError: the file is cut short.
    """
    profile: dict[int, bytes] = {}
    parts, adobe = 0, False
    frame = 0, 0, 0
    for marker, at, end in segments(data):
        if marker == _APP1 and data.startswith(_EXIF, at):
            adobe = adobe or is_adobe_rgb(data[at:end])
        elif marker == _APP2 and data.startswith(_ICC, at) and end <= len(data):
            number, parts = data[at + len(_ICC)], data[at + len(_ICC) + 1]
            profile[number] = data[at + len(_ICC) + 2 : end]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            depth, height, width, channels = struct.unpack_from(">BHHB", data, at)
            if channels == 4:
                raise HeaderError("is a JPEG in CMYK, for printing; save it in RGB")
            if depth != 8:
                raise HeaderError(f"is a JPEG of {depth} bits per channel; save it with 8")
            frame = width, height, channels
    icc = b"".join(profile.get(number, b"") for number in range(1, parts + 1))
    if len(profile) < parts:
        icc = DAMAGED_PROFILE
    width, height, channels = frame
    return Header("JPEG", width, height, channels, colours=DeclaredColours(icc=icc, is_adobe_rgb=adobe))


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, the beginning and the end of the body of each segment up to the first scan (B.1.1)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # a marker may be preceded by fill bytes
            at += 1
            continue
        if marker == _SCAN:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        yield marker, at + 4, at + 2 + length
        at += 2 + length
