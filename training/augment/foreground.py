"""Estimation of the foreground's colours of a training image, before its background is replaced."""

from __future__ import annotations

import cv2
import numpy as np

from mmnet.arrays import AnyArray


def estimate_training_foreground(photo: AnyArray, matte: AnyArray) -> AnyArray:
    """Estimate the foreground's colours where the photo mixes them with the background, and a little beyond.

    Blur-fusion in two passes (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 4-6), with
    radii in proportion to the image. Unlike the paper's, the first, wide pass weights colours with the eighth power
    of alpha, so that almost pure colours count most; for one flat colour before another this leaves a fifth of the
    error. Where alpha is 255 the colours are the photo's.

    It differs from `mmnet.runtime.estimate_foreground`, which is made for speed at the photo's size and leaves pixels
    of alpha 0 as they are: augmentation samples the foreground at other sizes and angles, so it needs colours beyond
    the edge as well. The training data depend on these bytes.

    Args:
        photo: uint8 [H, W, 3].
        matte: uint8 [H, W].

    Returns:
        uint8 [H, W, 3].
    """
    side = max(matte.shape)
    image, alpha = photo.astype(np.float32), matte.astype(np.float32)[..., None] / np.float32(255)
    foreground = background = image
    for radius, power in ((side // 6, 8), (max(1, side // 160), 1)):
        box = (2 * radius + 1, 2 * radius + 1)
        near = _local_mean(foreground, alpha**power, box)
        background = _local_mean(background, (1 - alpha) ** power, box)
        foreground = (near + alpha * (image - alpha * near - (1 - alpha) * background)).clip(0, 255)
    return np.asarray(np.rint(foreground), np.uint8)


def _local_mean(colours: AnyArray, weight: AnyArray, box: tuple[int, int]) -> AnyArray:
    mean: AnyArray = cv2.blur(colours * weight, box) / (cv2.blur(weight, box)[..., None] + np.float32(1e-5))
    return mean
