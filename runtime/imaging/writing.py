"""Image files: arrays encoded as PNG or JPEG, and written whole or not at all."""

from __future__ import annotations

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


def write_image(path: Path, image: U8Array, *, replace: bool = True) -> None:
    """Write an image file, whole or not at all.

    Args:
        path: its extension is a key of `IMAGE_FORMATS`.
        image: uint8 [H, W] (grey), [H, W, 3] (RGB) or [H, W, 4] (RGBA).
        replace: whether a file of that name is replaced.

    Raises:
        OutputError: the format cannot hold the image, or the file system refuses the file.
        OutputExistsError: there is a file of that name, and it may not be replaced.
    """
    encoded = encode_image(path, image)
    with atomic_file(path, replace=replace) as temporary:
        temporary.write_bytes(encoded)


def encode_image(path: Path, image: U8Array) -> bytes:
    """Return the bytes that `write_image` writes to `path`.

    Raises:
        OutputError: the format cannot hold the image (a side of a JPEG has at most 65,535 pixels).
    """
    stored = image if image.ndim == 2 else np.dstack([image[..., 2::-1], image[..., 3:]])
    extension = path.suffix.lower()
    try:
        done, encoded = cv2.imencode(extension, stored, IMAGE_FORMATS[extension])
    except cv2.error as error:
        raise _too_large(path, image) from error
    if not done:
        raise _too_large(path, image)
    return encoded.tobytes()


def _too_large(path: Path, image: U8Array) -> OutputError:
    size = f"{image.shape[1]}×{image.shape[0]}"
    return OutputError(f"{path}: {size} pixels cannot be written as {path.suffix}; try another format")
