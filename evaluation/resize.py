"""The resizes that figures are defined by: the two bilinear ones of TensorFlow 1, and the runtime's.

The same network gives different figures through different resizes, by as much as two trainings differ. Every report
therefore names the one of `RESIZES` that it was measured with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres.upsampling import resize_alpha
from mmnet.runtime.imaging.resampling import resample
from mmnet.runtime.imaging.taps import Taps


class ResizeError(MMNetError):
    """An array cannot be resized, or a resize has an unknown name."""


def resize_legacy_bilinear(array: AnyArray, height: int, width: int) -> F32Array:
    """Resize by TensorFlow 1's default bilinear: no half-pixel centres, no aligned corners.

    Output pixel i samples the input at i · (input side / output side), in float32 and in the order of
    `tf.compat.v1.image.resize_bilinear`, which it equals within rounding.

    Args:
        array: [H, W] or [H, W, C], any real dtype and range; H, W >= 1.
        height, width: the size of the result, >= 1.

    Returns:
        float32 [height, width] or [height, width, C], in the range of the input.

    Raises:
        ResizeError: the array has another shape, or a side is below 1.
    """
    return _bilinear(array, height, width, aligned=False)


def resize_aligned_bilinear(array: AnyArray, height: int, width: int) -> F32Array:
    """Resize by TensorFlow 1's bilinear with `align_corners=True`.

    Output pixel i samples the input at i · (input side − 1) / (output side − 1). The original code resizes photos and
    masks to the network's size with it. Arguments, result and errors are those of `resize_legacy_bilinear`.
    """
    return _bilinear(array, height, width, aligned=True)


@cache
def _taps(side: int, size: int, aligned: bool) -> Taps:
    # CalculateResizeScale of TensorFlow does the same: the aligned scale is undefined for one output pixel.
    scale = np.float32(side - 1) / np.float32(size - 1) if aligned and size > 1 else np.float32(side) / np.float32(size)
    position = np.arange(size, dtype=np.float32) * scale
    first = np.minimum(position.astype(np.intp), side - 1)
    return Taps(first, np.minimum(first + 1, side - 1), position - first.astype(np.float32))


def _bilinear(array: AnyArray, height: int, width: int, *, aligned: bool) -> F32Array:
    if array.ndim not in (2, 3) or 0 in array.shape or height < 1 or width < 1:
        raise ResizeError(f"an array of shape {array.shape} cannot be resized to {height}×{width}; give [H, W] or more")
    rows, columns = _taps(array.shape[0], height, aligned), _taps(array.shape[1], width, aligned)
    lines = array.astype(np.float32, copy=False)
    # A row that no output pixel lies next to need not be interpolated.
    across = columns.fraction.reshape((-1,) + (1,) * (array.ndim - 2))
    if array.shape[0] > 2 * height:
        top, bottom = (_between(lines[side], columns, across) for side in (rows.first, rows.second))
    else:
        lines = _between(lines, columns, across)
        top, bottom = lines[rows.first], lines[rows.second]
    bottom -= top
    bottom *= rows.fraction.reshape((-1,) + (1,) * (array.ndim - 1))
    top += bottom
    return top


def _between(lines: F32Array, columns: Taps, fraction: F32Array) -> F32Array:
    left, right = lines.take(columns.first, axis=1), lines.take(columns.second, axis=1)
    right -= left
    right *= fraction
    left += right
    return left


@dataclass(frozen=True)
class Resize:
    """A way to resize a photo and α* to a square, and α from the network's square to another size.

    Attributes:
        name: the name, as typed after `--resize`.
        what: a description.
        floats: whether resized photos are float32, not uint8.
        photo: (uint8 [H, W, 3], height, width) -> [height, width, 3], uint8 or float32 in 0-255: the network's input.
        mask: (uint8 [H, W], S) -> float32 [S, S] in 0-1, on the same grid as the photo.
        alpha: (float32 [S, S] in 0-1, height, width) -> float32 [height, width]: back from the square.
    """

    name: str
    what: str
    floats: bool
    photo: Callable[[U8Array, int, int], U8Array | F32Array]
    mask: Callable[[U8Array, int], F32Array]
    alpha: Callable[[F32Array, int, int], F32Array]


def _runtime_mask(mask: U8Array, size: int) -> F32Array:
    return resample(mask, size, size).astype(np.float32) / np.float32(255)


def _original_mask(mask: U8Array, size: int) -> F32Array:
    return resize_aligned_bilinear(mask, size, size) / np.float32(255)


RESIZES: dict[str, Resize] = {
    resize.name: resize
    for resize in (
        Resize(
            "runtime",
            "as on the phone: 2×2 boxes, then bilinear with half-pixel centres, in integers",
            False,
            resample,
            _runtime_mask,
            resize_alpha,
        ),
        Resize(
            "original",
            "as the original code: bilinear with aligned corners, in floats (which models of bytes round)",
            True,
            resize_aligned_bilinear,
            _original_mask,
            resize_aligned_bilinear,
        ),
    )
}


def choose_resize(name: str) -> Resize:
    """Return the resize called `name`.

    Raises:
        ResizeError: there is no resize of that name; the message lists the names.
    """
    if name not in RESIZES:
        raise ResizeError(f"unknown resize {name!r}; choose one of {', '.join(RESIZES)}")
    return RESIZES[name]
