"""`read_header`: the header of an image file of any format that is read."""

from __future__ import annotations

import struct
from pathlib import Path

from mmnet.runtime.imaging.headers import bmp, heif, jpeg, jpeg_xl, png, tiff, webp
from mmnet.runtime.imaging.headers.facts import Header, HeaderError
from mmnet.runtime.imaging.headers.signatures import BEGINNING, image_format, unread_image, video_name

FORMATS = "JPEG, PNG, WebP, BMP, TIFF, HEIC, AVIF, JPEG XL"
_READERS = {
    "PNG": png.read_header,
    "JPEG": jpeg.read_header,
    "WebP": webp.read_header,
    "BMP": bmp.read_header,
    "TIFF": tiff.read_header,
    "HEIC": heif.read_header,
    "AVIF": heif.read_header,
    "JPEG XL": jpeg_xl.read_header,
}


def read_header(data: bytes) -> Header:
    """Read the header of an image file.

    Args:
        data: the whole file; where it is cut short, what is missing counts as 0, and the decoder refuses it.

    Raises:
        HeaderError: the file is no image of a format that is read, or an image that is not surely understood.
    """
    beginning = data[:BEGINNING]
    name = image_format(beginning)
    if name is None:
        unread = unread_image(beginning)
        if unread is None and (video := video_name(beginning)):
            unread = f"is {video}, not a photo; give it the extension of a video, such as .mp4"
        raise HeaderError(unread or f"is not a photo this can read ({FORMATS})")
    try:
        return _READERS[name](data)
    except (struct.error, IndexError):
        return Header(name)


def bits_per_sample(path: Path) -> int:
    """Return the depth at which a photo file is decoded, 8 or 16; 8 where the header cannot be read.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        return read_header(path.read_bytes()).bits
    except HeaderError:
        return 8
