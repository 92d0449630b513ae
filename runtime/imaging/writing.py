"""Image files: arrays encoded as PNG or JPEG, and written whole or not at all."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import OutputError
from mmnet.files import atomic_file

# The formats that are written: extension -> parameters of OpenCV's encoder.
IMAGE_FORMATS: dict[str, list[int]] = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".png": [],
}
LOSSLESS_FORMATS = frozenset({".png"})


_AFTER_HEADER = 33  # bytes of a PNG: its signature and its header chunk


def write_image(path: Path, image: U8Array, *, replace: bool = True, codes: tuple[int, ...] | None = None) -> None:
    """Write an image file, whole or not at all.

    Args:
        path: its extension is a key of `IMAGE_FORMATS`.
        image: uint8 [H, W] (grey), [H, W, 3] (RGB) or [H, W, 4] (RGBA).
        replace: whether a file of that name is replaced.
        codes: the colours of the image, see `encode_image`.

    Raises:
        OutputError: the format cannot hold the image, or the file system refuses the file.
        OutputExistsError: there is a file of that name, and it may not be replaced.
    """
    encoded = encode_image(path, image, codes)
    with atomic_file(path, replace=replace) as temporary:
        temporary.write_bytes(encoded)


def encode_image(path: Path, image: U8Array, codes: tuple[int, ...] | None = None) -> bytes:
    """Return the bytes that `write_image` writes to `path`.

    Args:
        path: see `write_image`.
        image: see `write_image`.
        codes: primaries, transfer, matrix and range of the image, as codes of ITU-T H.273; None: sRGB, without a mark.

    Raises:
        OutputError: the format cannot hold the image (a side of a JPEG has at most 65,535 pixels), or the codes.
    """
    if codes is not None and path.suffix.lower() != ".png":
        raise OutputError(f"{path}: holds sRGB only, and these colours are wider or HDR; write them as .png")
    stored = image if image.ndim == 2 else np.dstack([image[..., 2::-1], image[..., 3:]])
    extension = path.suffix.lower()
    try:
        done, encoded = cv2.imencode(extension, stored, IMAGE_FORMATS[extension])
    except cv2.error as error:
        raise _too_large(path, image) from error
    if not done:
        raise _too_large(path, image)
    data = encoded.tobytes()
    if codes is None:
        return data
    chunk = b"cICP" + bytes(codes)  # PNG 3, 11.3.2.6
    marked = struct.pack(">I", len(codes)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:_AFTER_HEADER] + marked + data[_AFTER_HEADER:]


def _too_large(path: Path, image: U8Array) -> OutputError:
    size = f"{image.shape[1]}×{image.shape[0]}"
    return OutputError(f"{path}: {size} pixels cannot be written as {path.suffix}; try another format")
