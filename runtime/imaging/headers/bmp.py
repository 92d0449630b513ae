"""The header of a BMP (Microsoft's BITMAPINFOHEADER to BITMAPV5HEADER), and pixels that are packed by masks."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.icc import DAMAGED_PROFILE
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency

_CORE, _V1, _WITH_ALPHA_MASK, _V5 = 12, 40, 56, 124  # sizes of information headers
_RGB, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6  # compressions
_FILE_HEADER = 14
_15_BITS, _24_BITS = (0x7C00, 0x03E0, 0x001F, 0), (0xFF0000, 0x00FF00, 0x0000FF, 0)


def read_header(data: bytes) -> Header:
    """Read the header of a BMP. The fourth byte of a pixel is alpha only if the header has a mask for it.

    Raises:
        HeaderError: its pixels are compressed in a way that is not read.
        struct.error, IndexError: the file is cut short.
    """
    width, height, bits, compression = _about(data)
    if compression not in (_RGB, 1, 2, _BITFIELDS, _ALPHA_BITFIELDS):
        raise HeaderError("is a BMP with compressed pixels of another format; save it as PNG")
    has_alpha = bits in (16, 32) and _masks(data)[3] != 0
    return Header(
        "BMP",
        width,
        abs(height),
        channels=4 if has_alpha else 3,
        transparency=Transparency.STRAIGHT if has_alpha else Transparency.NONE,
        colours=DeclaredColours(icc=_profile(data)),
    )


def _profile(data: bytes) -> bytes:
    """Return the profile that a header of version 5 embeds; none if there is none."""
    (header_bytes,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if header_bytes < _V5 or data[_FILE_HEADER + 56 : _FILE_HEADER + 60] != b"DEBM":  # "MBED" in little-endian order
        return b""
    at, size = struct.unpack_from("<II", data, _FILE_HEADER + 112)
    return data[_FILE_HEADER + at : _FILE_HEADER + at + size] or DAMAGED_PROFILE


def is_packed(data: bytes) -> bool:
    """Whether the pixels of a BMP are packed into 16 or 32 bits, which `unpack` reads."""
    try:
        return _about(data)[2] in (16, 32)
    except struct.error:
        return False


def unpack(data: bytes) -> U8Array | None:
    """Read pixels that are packed into 16 or 32 bits by the masks of the header, each channel scaled to 0-255.

    Args:
        data: the whole file, of which `read_header` took the header.

    Returns:
        uint8 [H, W, 3] or, with an alpha mask, [H, W, 4], BGR or BGRA; None if the file is cut short.
    """
    width, height, bits, _ = _about(data)
    (offset,) = struct.unpack_from("<I", data, 10)
    stride = (width * bits + 31) // 32 * 4
    if offset + stride * abs(height) > len(data) or not width * height:
        return None
    lines = np.frombuffer(data, np.uint8, stride * abs(height), offset).reshape(abs(height), stride)
    packed = np.ascontiguousarray(lines[:, : width * bits // 8]).view("<u2" if bits == 16 else "<u4")
    red, green, blue, alpha = _masks(data)
    channels = [_channel(packed, mask) for mask in (blue, green, red, *([alpha] if alpha else []))]
    image = np.dstack(channels)
    return np.ascontiguousarray(image[::-1] if height > 0 else image)


def _about(data: bytes) -> tuple[int, int, int, int]:
    """Return width, height (negative if the first row is stored first), bits per pixel and compression."""
    (header_bytes,) = struct.unpack_from("<I", data, _FILE_HEADER)
    if header_bytes == _CORE:  # OS/2's, with 16-bit sides
        width, height, _, bits = struct.unpack_from("<HHHH", data, _FILE_HEADER + 4)
        return width, height, bits, _RGB
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, _FILE_HEADER + 4)
    return abs(width), height, bits, compression


def _masks(data: bytes) -> tuple[int, int, int, int]:
    """Return the masks of red, green, blue and alpha; that of alpha is 0 where the header declares none."""
    (header_bytes,) = struct.unpack_from("<I", data, _FILE_HEADER)
    _, _, bits, compression = _about(data)
    if compression not in (_BITFIELDS, _ALPHA_BITFIELDS):
        return _15_BITS if bits == 16 else _24_BITS
    red, green, blue = struct.unpack_from("<III", data, _FILE_HEADER + _V1)
    has_alpha = header_bytes >= _WITH_ALPHA_MASK or compression == _ALPHA_BITFIELDS
    (alpha,) = struct.unpack_from("<I", data, _FILE_HEADER + _V1 + 12) if has_alpha else (0,)
    return red, green, blue, alpha


def _channel(packed: NDArray[np.unsignedinteger], mask: int) -> U8Array:
    if not mask:
        return np.zeros(packed.shape, np.uint8)
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    values = (packed & mask) >> shift
    if most == 255:
        return values.astype(np.uint8)
    return ((values.astype(np.float64) * 255 + most / 2) // most).astype(np.uint8)
