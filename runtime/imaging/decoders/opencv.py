"""JPEG, PNG, WebP, BMP, TIFF and AVIF, decoded by OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.decoders.facts import DAMAGED, Decoded, DecodeError
from mmnet.runtime.imaging.headers.facts import Header, Turn


def decode(data: bytes, header: Header) -> Decoded:
    """Decode a file.

    Raises:
        DecodeError: it is truncated, damaged or too large.
    """
    try:
        with _silenced():
            pixels, kinds, blocks = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise DecodeError("is too large for OpenCV; save it smaller") from error
        raise DecodeError("cannot be decoded; is it damaged?") from error
    if pixels is None or pixels.size == 0:
        raise DecodeError(DAMAGED)
    if header.format == "AVIF":  # whose orientation in EXIF is information only
        return Decoded(_turned(_full_range(pixels, header.depth), header.turns))
    exif = {int(kind): np.asarray(block) for kind, block in zip(kinds, blocks, strict=True)}
    return Decoded(pixels, exif[cv2.IMAGE_METADATA_EXIF].tobytes() if cv2.IMAGE_METADATA_EXIF in exif else b"")


def reads_avif() -> bool:
    """Whether this build of OpenCV has a decoder for AVIF."""
    return bool(cv2.haveImageWriter("photo.avif"))


def _full_range(pixels: AnyArray, depth: int) -> AnyArray:
    return pixels if pixels.dtype == np.uint8 else to_16_bits(pixels, depth)


def to_16_bits(pixels: AnyArray, depth: int) -> AnyArray:
    """Scale values of `depth` bits, 8 < depth <= 16, to the range of uint16, rounded."""
    most = (1 << depth) - 1
    if most == 65535:
        return pixels
    table = (np.arange(most + 1, dtype=np.uint32) * 65535 + most // 2) // most
    return np.asarray(table.astype(np.uint16)[np.minimum(pixels, most)])


def _turned(pixels: AnyArray, turns: tuple[Turn, ...]) -> AnyArray:
    for kind, numbers in turns:
        if kind == "rotate":
            pixels = np.rot90(pixels, numbers[0])
        elif kind == "mirror":
            pixels = pixels[:, ::-1] if numbers[0] else pixels[::-1]
        else:
            left, top, right, bottom = numbers
            pixels = pixels[top:bottom, left:right]
    if not pixels.size:
        raise DecodeError(DAMAGED)
    return pixels


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep OpenCV from printing lines of its own about a bad file, besides the exception."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
