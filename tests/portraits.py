"""Drawn portraits whose mattes are known exactly, and data sets of them on disk."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import AnyArray


def drawn_portrait(number: int, height: int = 96, width: int = 72) -> tuple[AnyArray, AnyArray]:
    """Draw head and shoulders before a wall, different for each number: uint8 [H, W, 3] and its matte [H, W]."""
    random = np.random.default_rng([2019, number])
    y, x = np.mgrid[0:height, 0:width]
    y, x = y / height, x / width
    top, middle = random.uniform(0.3, 0.42), random.uniform(0.4, 0.6)
    head = np.hypot((y - top) / random.uniform(0.2, 0.25), (x - middle) / random.uniform(0.17, 0.22))
    body = np.hypot((y - 1.1) / random.uniform(0.45, 0.5), (x - middle) / random.uniform(0.36, 0.44))
    alpha = 1 / (1 + np.exp((np.minimum(head, body) - 1) * random.uniform(25, 35)))
    # Each number has its own coarse colours of person and wall.
    wall, coat = (
        cv2.resize(random.uniform(low, high, (5, 4, 3)).astype(np.float32), (width, height))
        for low, high in ((10, 150), (120, 245))
    )
    photo = alpha[..., None] * coat + (1 - alpha[..., None]) * wall
    return np.rint(photo).clip(0, 255).astype(np.uint8), np.rint(alpha * 255).astype(np.uint8)


def write_image(path: Path, pixels: AnyArray) -> Path:
    """Write grey, RGB or RGBA in the extension's format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = pixels if pixels.ndim == 2 else np.dstack([pixels[..., 2::-1], pixels[..., 3:]])
    lossless = [cv2.IMWRITE_WEBP_QUALITY, 101] if path.suffix == ".webp" else []
    assert cv2.imwrite(str(path), stored, lossless)
    return path


def write_folders(root: Path, count: int, first: int = 0, **size: int) -> Path:
    """A data set of `count` portraits as image/ and mask/."""
    for number in range(first, first + count):
        photo, matte = drawn_portrait(number, **size)
        write_image(root / "image" / f"p{number:03}.png", photo)
        write_image(root / "mask" / f"p{number:03}.png", matte)
    return root
