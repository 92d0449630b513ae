"""Drawn sequences: a textured disc that moves in front of a textured wall, with exactly known mattes."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from mmnet.arrays import F32Array, U8Array

SIZE = 128


@cache
def texture(seed: int, size: int) -> F32Array:
    """Coarse colours, float32 [size, size, 3] in 40-215."""
    grains = np.random.default_rng(seed).uniform(40, 215, (size // 8, size // 8, 3)).astype(np.float32)
    return np.asarray(cv2.resize(grains, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)


def disc(x: float, y: float, size: int = SIZE, radius: float = 0.25) -> F32Array:
    """A soft disc around (x, y) in pixels: float32 [size, size] in 0-1."""
    rows, columns = np.mgrid[0:size, 0:size]
    distance = np.hypot(rows - y, columns - x)
    return np.asarray((0.5 + (radius * size - distance) / 4).clip(0, 1), np.float32)


def drawn_sequence(
    places: list[tuple[float, float]], size: int = SIZE, noise: float = 0.0, seed: int = 0, first: int = 0
) -> tuple[list[U8Array], list[F32Array]]:
    """Draw the disc at each of the places: frames, uint8 [size, size, 3], and mattes, float32 [size, size].

    Args:
        places: x and y of the centre of the disc, in pixels.
        noise: standard deviation of the noise in each frame, of 255.
        seed: of the noise.
        first: which textures are used.
    """
    random = np.random.default_rng(seed)
    wall, skin = texture(first, size), texture(first + 1, 2 * size)
    frames, mattes = [], []
    for x, y in places:
        matte = disc(x, y, size)
        shift = np.array([[1, 0, x - size], [0, 1, y - size]], np.float32)
        person = cv2.warpAffine(skin, shift, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        frame = matte[..., None] * person + (1 - matte[..., None]) * wall + random.normal(0, noise or 1e-9, wall.shape)
        frames.append(np.rint(frame).clip(0, 255).astype(np.uint8))
        mattes.append(matte)
    return frames, mattes
