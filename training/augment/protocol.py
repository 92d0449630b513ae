"""The augmentation of the paper's training protocol."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mmnet.arrays import AnyArray
from mmnet.training.augment.sample import Sample, resize
from mmnet.training.augment.table import Random


def published(sample: Sample, size: int, random: Random) -> tuple[AnyArray, AnyArray]:
    """Draw one image by the paper's augmentation, as the published code does it.

    Resize to S×S; scale each side by one of 1.00, 1.01, … 1.15; crop S×S at random; mirror half of the time; half of
    the time rotate by up to ±15°, cut out the centre that holds no corner, S / (|cos| + |sin|), and resize it to S×S.
    (The rotation interpolates bilinearly; the published code takes the nearest pixel.)

    Args:
        sample: the image.
        size: S, side of the result in pixels.
        random: the only source of chance.

    Returns:
        uint8 [S, S, 3], RGB, and its matte, uint8 [S, S].
    """
    layers = np.dstack([resize(sample.photo, size), resize(sample.matte, size)])
    height, width = (int(size * (1 + step / 100)) for step in random.integers(0, 16, 2))
    top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
    layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_LINEAR)
    layers = layers[top : top + size, left : left + size]
    if random.random() < 0.5:
        layers = layers[:, ::-1]
    if random.random() < 0.5:
        degrees = random.uniform(-15, 15)
        middle = ((size - 1) / 2, (size - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 1)
        layers = np.ascontiguousarray(layers)
        # The corners of the part that is cut out touch the edges, where interpolation must not read black.
        layers = cv2.warpAffine(layers, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        radians = math.radians(degrees)
        kept = round(size / (abs(math.cos(radians)) + abs(math.sin(radians))))
        edge = (size - kept) // 2
        layers = resize(np.ascontiguousarray(layers[edge : edge + kept, edge : edge + kept]), size)
    return np.ascontiguousarray(layers[..., :3]), np.ascontiguousarray(layers[..., 3])
