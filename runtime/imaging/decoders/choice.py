"""The decoder of each format, and what to install for those that are not there."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from mmnet.runtime.imaging.decoders import heic, jpeg_xl, opencv
from mmnet.runtime.imaging.decoders.facts import Decoded, DecodeError
from mmnet.runtime.imaging.headers.facts import Header

# Format -> its extensions, of the formats that are read where their decoder is installed.
OPTIONAL_EXTENSIONS = {"AVIF": (".avif",), "HEIC": (".heic", ".heif", ".hif"), "JPEG XL": (".jxl",)}
_EXTRA = (
    "; the extra photos brings it: in a clone of the repository, run pip install '.[photos]' (where mmnet comes from a "
    "package index: pip install 'mmnet[photos]')"
)
_OTHERWISE = "; or save it as JPEG or PNG"
_PHONE = "; on an iPhone, the camera setting Formats, Most Compatible, takes JPEG"


def decode(data: bytes, header: Header) -> Decoded:
    """Decode a file whose header was read.

    Raises:
        DecodeError: it cannot be decoded, or its decoder is not installed.
        MemoryError: it does not fit into memory.
    """
    missing = lacking(header.format)
    if missing:
        raise DecodeError(missing)
    # The header of these says what the decoders do not: size, turns, crop, alpha and colours.
    if header.format in OPTIONAL_EXTENSIONS and not header.width * header.height:
        raise DecodeError("is truncated or damaged: its header cannot be read")
    if header.format == "HEIC":
        return heic.decode(data, header)
    if header.format == "JPEG XL":
        return jpeg_xl.decode(data, header)
    return opencv.decode(data, header)


@cache
def lacking(name: str) -> str:
    """Return what to say of an image of a format whose decoder is not installed; "" where it is.

    Args:
        name: the format, as in `Header.format`.
    """
    if name == "HEIC" and not find_spec(heic.MODULE):
        return f"is a HEIC image, which is not read without pillow-heif{_EXTRA}{_OTHERWISE}{_PHONE}"
    if name == "JPEG XL" and not find_spec(jpeg_xl.MODULE):
        return f"is a JPEG XL image, which is not read without pylibjxl{_EXTRA}{_OTHERWISE}"
    if name == "AVIF" and not opencv.reads_avif():
        return "is an AVIF image, which is not read, because this OpenCV was built without AVIF; save it as JPEG or PNG"
    return ""
