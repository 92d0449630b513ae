"""Layers of the strong augmentation: backgrounds, compositing over them, and objects in front of the person."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.training.augment.table import Draw, Random


def draw_background(size: int, draw: Draw, backgrounds: Sequence[AnyArray] | AnyArray) -> AnyArray:
    """Draw a background, uint8 [size, size, 3]: part of one of the photos, or plain colours where there is none."""
    if not len(backgrounds) or draw.happens("plain"):
        return _plain(size, draw.random)
    image = _crop(backgrounds[int(draw.random.integers(len(backgrounds)))], size, draw.random)
    return _soften(image, draw.value("soften_radius"), size) if draw.happens("soften") else image


def blur_background(image: AnyArray, matte: AnyArray, size: int, draw: Draw) -> AnyArray:
    """Blur a photo's own background; the foreground's colours have almost no weight in it."""
    weight = (255 - matte).astype(np.float32)[..., None] + 1
    layers = _soften(np.concatenate([image * weight, weight], axis=2), draw.value("soften_radius"), size)
    return np.asarray(cv2.convertScaleAbs(layers[..., :3] / layers[..., 3:]))


def composite(background: AnyArray, foreground: AnyArray, matte: AnyArray) -> AnyArray:
    """Composite a foreground over a background: F·α + B·(1 − α) in bytes, each product rounded.

    Args:
        background, foreground: uint8 [S, S, 3].
        matte: uint8 [S, S], α·255.
    """
    alpha = cv2.merge([matte] * 3)
    return cv2.add(
        cv2.multiply(foreground, alpha, scale=1 / 255), cv2.multiply(background, cv2.bitwise_not(alpha), scale=1 / 255)
    )


def occlude(
    image: AnyArray, matte: AnyArray, draw: Draw, backgrounds: Sequence[AnyArray] | AnyArray
) -> tuple[AnyArray, AnyArray]:
    """Draw an object in front of the person: a rectangle, an ellipse or a ragged shape, filled with a background.

    Args:
        image: uint8 [S, S, 3].
        matte: uint8 [S, S].
        draw: the source of the random values.
        backgrounds: photos to fill the shape with, as for `draw_background`.

    Returns:
        The image and the matte with the object, which is background.
    """
    size, random = len(matte), draw.random
    texture = draw_background(size, draw, backgrounds)
    rows, columns = np.nonzero(matte[::8, ::8] > 127)
    at = int(random.integers(len(rows))) if len(rows) else 0
    middle = (columns[at] * 8, rows[at] * 8) if len(rows) else (size // 2, size // 2)
    radius, flat = draw.value("occluder_size") * size, random.uniform(0.4, 1)
    corners = int(random.choice([4, 24, 9]))
    angles = np.arange(corners) * (2 * math.pi / corners) + random.uniform(0, 2 * math.pi)
    ragged = random.uniform(0.6, 1.3, corners) if corners == 9 else np.ones(corners)
    turn = random.uniform(0, math.pi)
    along, across = np.cos(angles) * ragged * radius, np.sin(angles) * ragged * radius * flat
    outline = np.column_stack(
        [along * math.cos(turn) - across * math.sin(turn), along * math.sin(turn) + across * math.cos(turn)]
    )
    mask = np.zeros_like(matte)
    cv2.fillPoly(mask, [np.rint((outline + middle) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return composite(image, texture, mask), cv2.multiply(matte, cv2.bitwise_not(mask), scale=1 / 255)


def _plain(size: int, random: Random) -> AnyArray:
    """Draw a wall in uneven light: one colour, or a smooth gradient of a few similar ones."""
    cells = int(random.integers(1, 5))
    base = random.uniform(0, 255, 3) * random.uniform(0.3, 1) + random.uniform(0, 60)
    colours = base + random.normal(0, random.uniform(0, 30), (cells, cells, 1)) + random.normal(0, 6, (cells, cells, 3))
    return cv2.resize(colours.clip(0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)


def _crop(background: AnyArray, size: int, random: Random) -> AnyArray:
    """Cut a random part out of a background, and mirror it half of the time."""
    side = len(background)
    height, width = (round(side * part) for part in random.uniform(0.55, 1, 2))
    top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
    part = background[top : top + height, left : left + width]
    part = cv2.resize(
        part, (size, size), interpolation=cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    )
    return np.asarray(cv2.flip(part, 1)) if random.random() < 0.5 else part


def _soften(image: AnyArray, radius: float, size: int) -> AnyArray:
    """Blur an image twice with a box; `radius` is in 1/256 of the side."""
    box = 2 * max(1, round(radius * size / 256)) + 1
    blurred: AnyArray = cv2.blur(cv2.blur(image, (box, box)), (box, box))
    return blurred
