"""Photographic degradation of the strong augmentation: what light, lens, sensor and file format do to an image."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.training.augment.colours import black_and_white, grade
from mmnet.training.augment.table import Draw, Random


def photograph(image: AnyArray, matte: AnyArray, draw: Draw) -> tuple[AnyArray, AnyArray]:
    """Degrade an image as a camera does: light, colours, blur, resolution, noise and compression, in this order.

    Args:
        image: uint8 [S, S, 3], RGB.
        matte: uint8 [S, S]; blurs change it together with the image.
        draw: the source of the random values.

    Returns:
        The image and the matte.
    """
    size = len(image)
    if draw.happens("light"):
        gains = [[[draw.value("light_gain")] for _ in range(3)] for _ in range(3)]
        field = cv2.resize(np.array(gains, np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
        image = cv2.multiply(image, cv2.merge([cv2.convertScaleAbs(field, alpha=128)] * 3), scale=1 / 128)
    if draw.happens("grade"):
        image = grade(image, draw)
    if draw.happens("grey"):
        image = black_and_white(image)
    if draw.happens("defocus"):
        sigma = draw.value("defocus_sigma") * size / 256
        image, matte = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer in (image, matte))
    if draw.happens("motion"):
        kernel = _motion_kernel(draw.value("motion_length") * size / 256, draw.random.uniform(0, math.pi))
        image, matte = (cv2.filter2D(layer, -1, kernel) for layer in (image, matte))
    if draw.happens("resample"):
        small = max(1, round(size * draw.value("resample_scale")))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    if draw.happens("noise"):
        image = _add_noise(image, draw.value("noise_sigma"), draw.random)
    if draw.happens("jpeg"):
        quality = [cv2.IMWRITE_JPEG_QUALITY, round(draw.value("jpeg_quality"))]
        encoded = cv2.imencode(".jpg", image[..., ::-1], quality)[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB))
    return image, matte


def _motion_kernel(length: float, angle: float) -> F32Array:
    """Return a small square kernel that holds a line of this length through its middle, and sums to 1."""
    half = max(1, math.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    ends = [tuple(int(v) for v in np.rint((half + sign * reach) * 16)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _add_noise(image: AnyArray, sigma: float, random: Random) -> AnyArray:
    """Add the noise of a sensor, in grains of 1 or 2 pixels.

    Half of it is read noise, half shot noise, whose variance grows with the light.
    """
    height, width = image.shape[:2]
    coarse = random.random() < 0.5
    grain: AnyArray = _normals(((height + 1) // 2, (width + 1) // 2, 3) if coarse else (height, width, 3), random)
    if coarse:
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    shot = np.sqrt((0.5 + np.arange(256) / 255) * sigma**2).astype(np.float32)
    return cv2.add(image, cv2.multiply(grain, cv2.LUT(image, shot)), dtype=cv2.CV_8U)


def _normals(shape: tuple[int, ...], random: Random) -> F32Array:
    """Return normal deviates: a random part of a fixed table, since drawing them costs more than all other steps."""
    count = math.prod(shape)
    table = _normal_table(max(1 << 20, count))
    start = int(random.integers(len(table) - count + 1))
    return table[start : start + count].reshape(shape)


@functools.lru_cache(maxsize=2)
def _normal_table(count: int) -> F32Array:
    return np.random.default_rng(2019).standard_normal(count, np.float32)
