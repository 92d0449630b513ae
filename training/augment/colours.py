"""Colour grading of the strong augmentation."""

from __future__ import annotations

import math

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.training.augment.table import Draw

_LUMA = np.array([0.299, 0.587, 0.114])  # BT.601
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_RGB_OF_YIQ = np.linalg.inv(_YIQ)


def grade_layer(image: AnyArray, draw: Draw) -> AnyArray:
    """Change the colours of one layer, foreground or background, by a part of the table's ranges."""
    return grade(image, draw, draw.layer_strength)


def grade(image: AnyArray, draw: Draw, strength: float = 1.0) -> AnyArray:
    """Change brightness, contrast, gamma and white balance by one table per channel, saturation and hue by a matrix.

    Args:
        image: uint8 [S, S, 3], RGB.
        draw: the source of the random values.
        strength: 0-1, how much of the table's ranges to take.
    """
    tone = np.linspace(0, 1, 256) ** draw.value("gamma", strength)
    tone = (tone - 0.5) * draw.value("contrast", strength) + 0.5 + draw.value("brightness", strength)
    warm = draw.value("balance", strength)
    table = np.rint(np.outer(tone.clip(0, 1), (255 * warm, 255, 255 / warm)).clip(0, 255)).astype(np.uint8)
    graded = cv2.LUT(image, table[None])
    return cv2.transform(graded, _colour_matrix(draw.value("saturation", strength), draw.value("hue", strength)))


def black_and_white(image: AnyArray) -> AnyArray:
    """Replace all channels by the luma."""
    return cv2.transform(image, np.array([_LUMA] * 3, np.float32))


def _colour_matrix(saturation: float, degrees: float) -> F32Array:
    """Return the matrix that rotates and scales the chroma plane of YIQ; greys stay as they are."""
    cosine, sine = (saturation * turn(math.radians(degrees)) for turn in (math.cos, math.sin))
    chroma = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return np.asarray(_RGB_OF_YIQ @ chroma @ _YIQ, np.float32)
