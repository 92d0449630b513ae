"""The headers of photo files: the size of the image, and how it is turned.

A file of a few bytes can declare an image that fills the memory. Its header is read first, so that no decoder allocates
for such an image.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

# The first bytes of the formats that are read; a WebP is a RIFF file.
JPEG_MAGIC, PNG_MAGIC, BMP_MAGIC, RIFF_MAGIC = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"RIFF"
TIFF_MAGICS = (b"II*\0", b"MM\0*")
_BIG_TIFF_MAGICS = (b"II+\0", b"MM\0+")

_WIDTH_TAG, _HEIGHT_TAG, _BITS_TAG, _ORIENTATION_TAG = 256, 257, 258, 0x0112
_SHORT, _LONG, _LONG8 = 3, 4, 16  # types of TIFF fields
_FORMATS = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}  # for `struct`


def begins_as_photo(beginning: bytes) -> bool:
    """Whether the first 12 bytes of a file are those of a JPEG, PNG, WebP, BMP or TIFF."""
    is_webp = beginning.startswith(RIFF_MAGIC) and beginning[8:12] == b"WEBP"
    return is_webp or beginning.startswith((JPEG_MAGIC, PNG_MAGIC, BMP_MAGIC, *TIFF_MAGICS))


def declared_size(data: bytes) -> tuple[int, int]:
    """Return the width and height that the header of a PNG, JPEG, BMP or TIFF declares; (0, 0) for anything else.

    A WebP cannot be larger than 16383×16383.
    """
    try:
        if data.startswith(PNG_MAGIC):
            width, height = struct.unpack_from(">II", data, 16)
            return width, height
        if data.startswith(JPEG_MAGIC):
            return _jpeg_size(data)
        if data.startswith(BMP_MAGIC):
            return _bmp_size(data)
    except struct.error:
        return 0, 0  # the file is cut short: its decoder refuses it
    if data.startswith((*TIFF_MAGICS, *_BIG_TIFF_MAGICS)):
        return _tiff_size(data)
    return 0, 0


def bits_per_sample(path: Path) -> int:
    """Return the depth that the header of a photo file declares: 16 for some PNG and TIFF files, else 8 or less.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        beginning = file.read(32)
        if beginning.startswith(PNG_MAGIC):
            return beginning[24]
        if not beginning.startswith(TIFF_MAGICS):
            return 8
        data = beginning + file.read()
    for tag, kind, at in _tiff_fields(data):
        if tag == _BITS_TAG and kind == _SHORT:
            values = _integer(data, _LONG, at - 4)
            return _integer(data, _SHORT, at if values <= 2 else _integer(data, _LONG, at))
    return 1


def orientation(exif: bytes) -> int:
    """Return the orientation in an EXIF block (a TIFF header and its first directory); 1, upright, if there is none.

    EXIF 2.32, tag 0x0112.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    for tag, _, at in _tiff_fields(exif):
        if tag == _ORIENTATION_TAG:
            return _integer(exif, _SHORT, at)
    return 1


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the start-of-frame (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + length  # a marker may be preceded by fill bytes
    return 0, 0


def _bmp_size(data: bytes) -> tuple[int, int]:
    """Read the information header at byte 14; OS/2's, of 12 bytes, has 16-bit sides. A top-down height is negative."""
    (header_bytes,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header_bytes == 12 else "<ii", data, 18)
    return abs(width), abs(height)


def _tiff_size(data: bytes) -> tuple[int, int]:
    sides = {_WIDTH_TAG: 0, _HEIGHT_TAG: 0}
    for tag, kind, at in _tiff_fields(data):
        if tag in sides and kind in _FORMATS:
            sides[tag] = _integer(data, kind, at)
    return sides[_WIDTH_TAG], sides[_HEIGHT_TAG]


def _tiff_fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield tag, type and position of the value of each field of the first directory, as far as the data goes."""
    order = _order(data)
    big = data.startswith(_BIG_TIFF_MAGICS)
    offset_format, count_format = ("Q", "Q") if big else ("I", "H")
    field_bytes, value_at = (20, 12) if big else (12, 8)
    if not order:
        return
    try:
        (directory,) = struct.unpack_from(order + offset_format, data, 8 if big else 4)
        (count,) = struct.unpack_from(order + count_format, data, directory)
        first = directory + struct.calcsize(order + count_format)
        for number in range(count):
            at = first + field_bytes * number
            tag, kind = struct.unpack_from(f"{order}HH{value_at - 4 + 2}x", data, at)  # and a value of 2 bytes
            yield tag, kind, at + value_at
    except struct.error:
        return


def _integer(data: bytes, kind: int, at: int) -> int:
    """Read one integer of a TIFF field; 0 where the data ends before."""
    try:
        return int(struct.unpack_from(_order(data) + _FORMATS[kind], data, at)[0])
    except struct.error:
        return 0


def _order(data: bytes) -> str:
    """Return the byte order of a TIFF header for `struct`; "" where there is no such header."""
    return {b"II": "<", b"MM": ">"}.get(data[:2], "")
