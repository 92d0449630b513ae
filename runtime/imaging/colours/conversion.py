"""Pixels of any colour space → sRGB."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from mmnet.arrays import AnyArray, F32Array
from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.icc import TablesError
from mmnet.runtime.imaging.colours.spaces import SRGB, ColourError, ColourSpace, Curve, Values, srgb_stored
from mmnet.runtime.imaging.colours.tables import TableTransform

_LEVELS = 1 << 16  # of linear light, finer than the step of 16-bit sRGB except near black
_STEPS = 17  # per channel, of the colours that tell whether a space is sRGB under another name

Conversion = Callable[[AnyArray], AnyArray]


def to_srgb(colours: DeclaredColours, dtype: np.dtype[np.generic]) -> Conversion | None:
    """Return what brings pixels of a file to sRGB; None if they are sRGB.

    Args:
        colours: what the file says of its colours.
        dtype: of the pixels, uint8 or uint16.

    Returns:
        A function of pixels of that type, [H, W, 1] (grey) or [H, W, 3] (RGB), that returns such pixels: grey as grey,
        or as RGB if the profile is one for RGB. It raises ColourError for RGB with a profile for grey.

    Raises:
        ColourError: the colours are not understood.
    """
    return _conversion(colours, dtype)


@lru_cache(maxsize=8)
def _conversion(colours: DeclaredColours, dtype: np.dtype[np.generic]) -> Conversion | None:
    try:
        space = colours.space()
    except TablesError:
        return TableTransform(colours.icc)
    if space is None:
        return None
    with np.errstate(all="ignore"):
        convert = _grey(space, dtype) if space.matrix is None else _rgb(space, space.matrix, dtype)
    return None if _changes_nothing(convert, dtype, grey=space.matrix is None) else convert


def _grey(space: ColourSpace, dtype: np.dtype[np.generic]) -> Conversion:
    most = int(np.iinfo(np.dtype(dtype).name).max)
    linear = _linear(space.curves[0], most)
    table = np.rint(srgb_stored(linear) * most).astype(dtype)

    def convert(pixels: AnyArray) -> AnyArray:
        if pixels.shape[2] == 3 and ((pixels[..., :1] != pixels[..., 1:]).any()):
            raise ColourError("is in colour, but has a colour profile for grey images; save it in sRGB")
        return np.asarray(table[pixels])

    return convert


def _rgb(space: ColourSpace, to_xyz: AnyArray, dtype: np.dtype[np.generic]) -> Conversion:
    most = int(np.iinfo(np.dtype(dtype).name).max)
    tables: list[F32Array] = [_linear(curve, most).astype(np.float32) for curve in space.curves]
    matrix = (np.linalg.inv(np.asarray(SRGB.matrix)) @ to_xyz).astype(np.float32)
    back = np.rint(srgb_stored(np.linspace(0, 1, _LEVELS)) * most).astype(dtype)

    def convert(pixels: AnyArray) -> AnyArray:
        linear = np.stack([table[pixels[..., at % pixels.shape[2]]] for at, table in enumerate(tables)], axis=-1)
        mixed = cv2.transform(linear, matrix)
        levels = np.rint(mixed.clip(0, 1) * (_LEVELS - 1)).astype(np.uint16)
        return np.asarray(back[levels])

    return convert


def _linear(curve: Curve, most: int) -> Values:
    """Return the linear light of every stored value, 0 to `most`."""
    values = curve(np.linspace(0, 1, most + 1))
    if np.isnan(values).any():
        raise ColourError("has a damaged colour profile; convert it to sRGB and save it again")
    return values.clip(0, 1)


def _changes_nothing(convert: Conversion, dtype: np.dtype[np.generic], *, grey: bool) -> bool:
    """Whether no colour changes by more than one 8-bit step: sRGB under another name, or with a rounded curve."""
    most = int(np.iinfo(np.dtype(dtype).name).max)
    steps = np.rint(np.linspace(0, most, 256 if grey else _STEPS)).astype(dtype)
    colours = steps[:, None, None] if grey else np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    return bool(np.abs(convert(colours).astype(np.int64) - colours).max() <= most // 255)
