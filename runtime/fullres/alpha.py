"""An alpha in bytes, and where in it the person's edge is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, Flags, rows_of_tiles, whole_row
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes

_ONE_BITS = np.float32(1).view(np.uint32)


@dataclass(frozen=True)
class AlphaU8:
    """An alpha matte in bytes, with the tiles that the edge of the foreground crosses.

    Attributes:
        values: uint8 [H, W], 255 = the foreground.
        opaque: bool [rows, columns], the tiles in which it is 255 everywhere.
        edges: bool [rows, columns], the other tiles in which it is not 0 everywhere.
    """

    values: U8Array
    opaque: Flags
    edges: Flags

    @classmethod
    def of(cls, alpha: Alpha) -> AlphaU8:
        """Those of float32 [H, W] in 0-1, rounded.

        Raises:
            ImageError: it leaves 0-1, or is not a number somewhere.
        """

        def fill(row: int, values: U8Array) -> None:
            rows = whole_row(row, alpha.shape).slices
            check_range(alpha[rows])
            values[rows] = to_alpha_bytes(alpha[rows])

        return cls.filled(alpha.shape, fill)

    @classmethod
    def filled(cls, shape: tuple[int, ...], fill: Callable[[int, U8Array], None]) -> AlphaU8:
        """Those that `fill` writes into uint8 [H, W], given a row of tiles: that row."""
        height, width = shape
        values = np.empty((height, width), np.uint8)
        columns = np.arange(0, width, TILE_WIDTH)
        least, greatest = np.empty((2, -(-height // TILE_HEIGHT), len(columns)), np.uint8)

        for row in rows_of_tiles(height):
            fill(row, values)
            here = values[whole_row(row, shape).slices]
            least[row] = np.minimum.reduceat(here.min(axis=0), columns)
            greatest[row] = np.maximum.reduceat(here.max(axis=0), columns)

        return cls(values, least == 255, (least < 255) & (greatest > 0))

    def as_float(self) -> Alpha:
        """Return the alpha as float32 [H, W] in 0-1, multiples of 1/255."""
        return np.divide(self.values, np.float32(255), dtype=np.float32)


AnyAlpha: TypeAlias = Alpha | AlphaU8  # float32 [H, W] in 0-1, or that in bytes


def alpha_u8_of(image: U8Array, alpha: AnyAlpha) -> AlphaU8:
    """The alpha that belongs to an image, in bytes.

    Raises:
        ImageError: they do not belong together, or the alpha leaves 0-1.
    """
    check_rgb_bytes(image)
    floats = None if isinstance(alpha, AlphaU8) else alpha
    shape = alpha.values.shape if isinstance(alpha, AlphaU8) else alpha.shape
    if shape != image.shape[:2]:
        raise ImageError(f"the alpha has shape {shape}, the image {image.shape}")
    if floats is not None and floats.dtype != np.float32:
        raise ImageError("the alpha is not float32 in 0-1")
    return alpha if isinstance(alpha, AlphaU8) else AlphaU8.of(alpha)


def check_range(alpha: Alpha) -> None:
    """Refuse an alpha that leaves 0-1, or is not a number somewhere.

    Raises:
        ImageError: it is so.
    """
    # F32Array from 0 on are ordered as their bits are, before those that are negative or not a number.
    if alpha.view(np.uint32).max() > _ONE_BITS and not (alpha.min() >= 0 and alpha.max() <= 1):
        raise ImageError("the alpha is not float32 in 0-1")


def to_alpha_bytes(alpha: Alpha) -> U8Array:
    """float32 in 0-1 → uint8, 255 = opaque, rounded; ties to even."""
    return np.asarray(cv2.convertScaleAbs(np.ascontiguousarray(alpha), alpha=255), np.uint8)
