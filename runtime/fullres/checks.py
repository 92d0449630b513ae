"""Checks of what the kernels are given. Compiled code reads and writes as far as it is told, whatever is there."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmnet.arrays import Alpha, AnyArray, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8, check_tiles
from mmnet.runtime.fullres.cells import ColourDifference
from mmnet.runtime.fullres.parameters import MAX_STEP
from mmnet.runtime.imaging.preprocess import ImageError

_STEPS = tuple(1 << power for power in range(MAX_STEP.bit_length()))
_MAX_DIFFERENCE = 256.0


def check_guided_alpha(alpha: Alpha, model_input: U8Array, photo: U8Array) -> None:
    """Check the arguments of `Kernels.guided_alpha`.

    Raises:
        ImageError: an array has another shape or dtype.
    """
    shape = _sides("alpha", alpha)
    _check("alpha", alpha, np.float32, shape)
    _check("model_input", model_input, np.uint8, (*shape, 3))
    _check("photo", photo, np.uint8, (*_sides("photo", photo), 3))


def check_colour_difference(photo: U8Array, alpha: U8Array, step: int) -> None:
    """Check the arguments of `Kernels.colour_difference`.

    Raises:
        ImageError: an array has another shape or dtype, or the step is none.
    """
    shape = _sides("alpha", alpha)
    _check("alpha", alpha, np.uint8, shape)
    _check("photo", photo, np.uint8, (*shape, 3))
    _check_step(step)


def check_composite(photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None) -> None:
    """Check the arguments of `Kernels.composite`.

    Raises:
        ImageError: an array has another shape or dtype, or the difference holds what no photo gives.
    """
    height, width = _sides("photo", photo)
    _check("photo", photo, np.uint8, (height, width, 3))
    _check("background", background, np.uint8, (height, width, 3))
    check_tiles(alpha)
    _check("alpha", alpha.values, np.uint8, (height, width))
    if difference is not None:
        _check_step(difference.step)
        cells = -(-height // difference.step) + 2, -(-width // difference.step) + 2, 3
        _check("difference", difference.cells, np.float32, cells)
        _check_bound("difference", difference.cells, _MAX_DIFFERENCE)


def _sides(name: str, array: AnyArray) -> tuple[int, int]:
    """Return height and width of an image, which has pixels."""
    if not isinstance(array, np.ndarray) or array.ndim < 2 or not array.size:
        raise ImageError(f"{name} is {_described(array)}; it has to be an image with pixels")
    return int(array.shape[0]), int(array.shape[1])


def _check(name: str, array: AnyArray, dtype: Any, shape: tuple[int, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        raise ImageError(f"{name} is {_described(array)}; it has to be {np.dtype(dtype)} {list(shape)}")


def _check_step(step: int) -> None:
    if step not in _STEPS:
        raise ImageError(f"the step is {step}; it has to be one of {', '.join(map(str, _STEPS))}")


def _check_bound(name: str, values: AnyArray, largest: float) -> None:
    """Refuse values that are no numbers or too large; comparisons with NaN are false."""
    if not (values.min() >= -largest and values.max() <= largest):
        raise ImageError(f"{name} holds values that are not within ±{largest:g}")


def _described(array: Any) -> str:
    return f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
