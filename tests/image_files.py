"""Image files written byte by byte, as editors, cameras and phones write them, and as no encoder here writes them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray

Field = tuple[int, int, Sequence[int] | bytes]  # tag, type, values
Page = tuple[AnyArray, Sequence[Field]]


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_file(pixels: AnyArray, depth: int, colour_type: int, *extra: bytes) -> bytes:
    """A PNG of uint8 or uint16 [H, W, C]; with less than 8 bits the samples of a row are packed."""
    height, width = pixels.shape[:2]
    samples = pixels.astype(">u2" if depth == 16 else np.uint8).reshape(height, -1)
    if depth < 8:
        bits = np.unpackbits(samples[..., None], axis=-1)[..., 8 - depth :]
        samples = np.packbits(bits.reshape(height, -1), axis=1)
    rows = b"".join(b"\0" + row.tobytes() for row in samples)
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    parts = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def bmp_file(
    packed: AnyArray, bits: int, header_bytes: int = 40, masks: Sequence[int] = (), compression: int = 0
) -> bytes:
    """A BMP of unsigned integers [H, W], one per pixel, stored from the bottom."""
    height, width = packed.shape
    rows = packed[::-1].astype("<u2" if bits == 16 else "<u4").view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, -rows.shape[1] % 4)))
    about = struct.pack("<IiiHHIIiiII", header_bytes, width, height, 1, bits, compression, rows.size, 0, 0, 0, 0)
    about += b"".join(struct.pack("<I", mask) for mask in masks)
    about += bytes(max(0, header_bytes - len(about)))
    offset = 14 + len(about)
    return b"BM" + struct.pack("<IHHI", offset + rows.size, 0, 0, offset) + about + rows.tobytes()


def tiff_file(
    pages: Sequence[tuple[AnyArray, Sequence[Field]]], below: Sequence[tuple[AnyArray, Sequence[Field]]] = ()
) -> bytes:
    """A TIFF of uncompressed images, each with fields that replace the usual ones.

    Args:
        pages: uint8 or uint16 [H, W] or [H, W, C] and fields, chained; a field without values is left out.
        below: the same, in sub-directories of the first page.
    """
    data = bytearray(b"II*\0" + bytes(4))
    link = 4
    inner = [_page(data, *page) for page in below]
    for number, (pixels, fields) in enumerate(pages):
        more = [(330, 4, inner)] if inner and not number else []
        at = _page(data, pixels, [*fields, *more])
        struct.pack_into("<I", data, link, at)
        link = len(data) - 4
    return bytes(data)


def _page(data: bytearray, pixels: AnyArray, fields: Sequence[Any]) -> int:
    """Append an image and its directory; return where the directory is."""
    layers = pixels[..., None] if pixels.ndim == 2 else pixels
    height, width, channels = layers.shape
    strip = len(data)
    data += np.ascontiguousarray(layers).astype(layers.dtype.newbyteorder("<")).tobytes()
    known: dict[int, tuple[int, Any]] = {
        256: (4, [width]), 257: (4, [height]), 258: (3, [8 * layers.itemsize] * channels), 259: (3, [1]),
        262: (3, [1 if channels < 3 else 2]), 273: (4, [strip]), 277: (3, [channels]), 278: (4, [height]),
        279: (4, [layers.nbytes]),
    }  # fmt: skip
    known |= {tag: (kind, values) for tag, kind, values in fields}
    entries = []
    for tag, (kind, values) in sorted(known.items()):
        if not len(values):
            continue
        body = (
            values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        )
        if len(body) > 4:
            data += bytes(len(data) % 2)
            place = len(data)
            data += body
            body = struct.pack("<I", place)
        entries.append(struct.pack("<HHI", tag, kind, len(values)) + body.ljust(4, b"\0"))
    data += bytes(len(data) % 2)
    at = len(data)
    data += struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4)
    return at


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box of an MP4 file or of one of the image formats that are built like it."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def boxed_image(major: bytes, *compatible: bytes) -> bytes:
    """The beginning of a HEIC or AVIF file of these brands: what says that it is one."""
    handler = box(b"hdlr", bytes(8), b"pict", bytes(13))
    return box(b"ftyp", major, bytes(4), *compatible) + box(b"meta", bytes(4), handler) + box(b"mdat", bytes(64))
