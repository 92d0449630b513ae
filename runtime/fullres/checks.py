"""Checks of what the kernels are given. Compiled code reads and writes as far as it is told, whatever is there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, AnyArray, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8, check_tiles
from mmnet.runtime.fullres.cells import ColourDifference, FittedLine
from mmnet.runtime.fullres.parameters import MAX_STEP, AlphaU16
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags
from mmnet.runtime.imaging.preprocess import ImageError
from mmnet.runtime.imaging.taps import Taps

_STEPS = tuple(1 << power for power in range(MAX_STEP.bit_length()))
_MAX_LINE = 1 << 22  # up to which floats have a bit for halves: larger ones cannot be rounded
_MAX_DIFFERENCE = 256.0


def check_decide(alpha: Alpha) -> None:
    """Check the argument of `Kernels.decide`.

    Raises:
        ImageError: the array has another shape or dtype.
    """
    _check("alpha", alpha, np.float32, _sides("alpha", alpha))


def check_fit_line(alpha: AlphaU16, guide: U8Array, where: NDArray[np.bool_]) -> None:
    """Check the arguments of `Kernels.fit_line`.

    Raises:
        ImageError: an array has another shape or dtype.
    """
    shape = _sides("alpha", alpha)
    _check("alpha", alpha, np.uint16, shape)
    _check("guide", guide, np.uint8, (*shape, 3))
    _check("where", where, np.bool_, shape)


def check_guided_alpha(line: FittedLine, photo: U8Array, crossed: TileFlags, inside: TileFlags) -> None:
    """Check the arguments of `Kernels.guided_alpha`.

    Raises:
        ImageError: an array has another shape or dtype, or the line holds what no photo gives.
    """
    height, width = _sides("photo", photo)
    _check("photo", photo, np.uint8, (height, width, 3))
    _check_flags("crossed", crossed, height, width)
    _check_flags("inside", inside, height, width)
    rows, columns = _sides("line", line.values)
    _check("line", line.values, np.float32, (rows, columns, 4))
    _check_bound("line", line.values, _MAX_LINE)
    _check_step(line.step)
    _check_taps("rows", line.rows, -(-height // line.step) + 2, rows)
    _check_taps("columns", line.columns, -(-width // line.step) + 2, columns)


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


def _check_flags(name: str, flags: TileFlags, height: int, width: int) -> None:
    _check(name, flags, np.bool_, (-(-height // TILE_HEIGHT), -(-width // TILE_WIDTH)))


def _check_step(step: int) -> None:
    if step not in _STEPS:
        raise ImageError(f"the step is {step}; it has to be one of {', '.join(map(str, _STEPS))}")


def _check_bound(name: str, values: AnyArray, largest: float) -> None:
    """Refuse values that are no numbers or too large; comparisons with NaN are false."""
    if not (values.min() >= -largest and values.max() <= largest):
        raise ImageError(f"{name} holds values that are not within ±{largest:g}")


def _check_taps(name: str, taps: Taps, count: int, values: int) -> None:
    for part, indices in (("first", taps.first), ("second", taps.second)):
        if not isinstance(indices, np.ndarray) or indices.dtype.kind not in "iu" or indices.shape != (count,):
            raise ImageError(f"{part} of {name} is {_described(indices)}; it has to be integers [{count}]")
        if indices.min() < 0 or indices.max() >= values:
            raise ImageError(f"{part} of {name} leads out of the {values} values")
    _check(f"fraction of {name}", taps.fraction, np.float32, (count,))
    _check_bound(f"fraction of {name}", taps.fraction, 1)


def _described(array: Any) -> str:
    return f"{array.dtype} {list(array.shape)}" if isinstance(array, np.ndarray) else type(array).__name__
