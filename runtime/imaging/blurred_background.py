"""A blurred background in integers, fast enough for every camera frame.

docs/internals/preprocessing.md specifies it, so that Python, Java and JavaScript compute the same bytes.
`compositing.gaussian_blurred_background` is the finer blur for photos, in float.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.runtime.imaging.fit import inscribe
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes
from mmnet.runtime.imaging.resampling import resample

SIDE = 128  # pixels: the longer side at which it is computed
PASSES = 3  # three boxes are nearly a Gaussian
RADIUS = 2  # of the box of 5: the Gaussian's σ is √6, 2 % of the side


def box_blurred_background(image: U8Array, alpha: U8Array) -> U8Array:
    """Blur an image's own background, without a halo of the foreground's colours.

    Three box filters, weighted by 256 − alpha, on at most 128 pixels (preprocessing.md, "Blurred background").

    Args:
        image: uint8 [H, W, 3].
        alpha: uint8 [H, W], 255 = the foreground.

    Returns:
        uint8 [H, W, 3], to composite the image over.

    Raises:
        ImageError: the shapes or dtypes do not fit.
    """
    check_rgb_bytes(image)
    height, width = image.shape[:2]
    if alpha.shape != (height, width) or alpha.dtype != np.uint8:
        raise ImageError(f"the alpha is {alpha.dtype} {list(alpha.shape)}; give uint8 [{height}, {width}]")
    small = inscribe(height, width, min(SIDE, max(height, width)))
    weight = 256 - resample(alpha, *small).astype(np.int32)[..., None]
    sums = np.concatenate([resample(image, *small), np.full((*small, 1), 255)], axis=2, dtype=np.int32) * weight
    for _ in range(PASSES):
        sums = _box(_box(sums, axis=1), axis=0)
    total = sums[..., 3:]
    soft = np.minimum(255, (255 * sums[..., :3] + total // 2) // total).astype(np.uint8)
    return resample(soft, height, width)


def _box(values: NDArray[np.int32], axis: int) -> NDArray[np.int32]:
    """Return the mean of 2 · RADIUS + 1 neighbours along an axis, edges repeated, rounded half up."""
    length = values.shape[axis]
    positions = np.arange(length)
    total = np.full_like(values, RADIUS)
    for step in range(-RADIUS, RADIUS + 1):
        total += values.take(np.clip(positions + step, 0, length - 1), axis=axis)
    return np.asarray(total // (2 * RADIUS + 1), np.int32)
