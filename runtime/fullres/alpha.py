"""`AlphaU8`: an alpha matte in bytes, with the tiles that its edge crosses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags, rows_of_tiles, whole_row
from mmnet.runtime.imaging.fit import Rectangle
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes

_BITS_OF_ONE = np.float32(1).view(np.uint32)


@dataclass(frozen=True)
class AlphaU8:
    """An alpha matte in bytes, with the tiles that the edge of the foreground crosses.

    Attributes:
        values: uint8 [H, W], 255 = the foreground.
        opaque: bool [rows, columns], the tiles in which alpha is 255 everywhere.
        edges: bool [rows, columns], the other tiles in which alpha is not 0 everywhere.
    """

    values: U8Array
    opaque: TileFlags
    edges: TileFlags

    @classmethod
    def of(cls, alpha: Alpha) -> AlphaU8:
        """Round a float alpha to bytes.

        Args:
            alpha: float32 [H, W] in 0-1.

        Raises:
            ImageError: the alpha leaves 0-1, or is not a number somewhere.
        """

        def fill(row: int, values: U8Array) -> None:
            rows = whole_row(row, alpha.shape).slices
            check_range(alpha[rows])
            values[rows] = to_alpha_bytes(alpha[rows])

        return cls.filled(alpha.shape, fill)

    @classmethod
    def filled(cls, shape: tuple[int, ...], fill: Callable[[int, U8Array], None]) -> AlphaU8:
        """Return an alpha of a shape [H, W], written by a function.

        Args:
            shape: of the alpha.
            fill: called once for each row of tiles, with its number and the whole array, uint8 [H, W]; it writes that
                row.
        """
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

    def part(self, rectangle: Rectangle) -> AlphaU8:
        """Return the alpha of a rectangle; nothing is copied where it begins and ends with tiles."""
        values = self.values[rectangle.slices]
        (top, bottom), (left, right) = ((side.start, side.stop) for side in rectangle.slices)
        height, width = self.values.shape
        if (
            top % TILE_HEIGHT
            or left % TILE_WIDTH
            or (bottom % TILE_HEIGHT and bottom < height)
            or (right % TILE_WIDTH and right < width)
        ):
            return AlphaU8.filled(values.shape, lambda row, part: _copy_row(row, values, part))
        rows = slice(top // TILE_HEIGHT, -(-bottom // TILE_HEIGHT))
        columns = slice(left // TILE_WIDTH, -(-right // TILE_WIDTH))
        return AlphaU8(values, self.opaque[rows, columns], self.edges[rows, columns])

    def extent(self) -> Rectangle | None:
        """Return the smallest rectangle outside of which alpha is 0; None where it is 0 everywhere."""
        used = self.opaque | self.edges
        if not used.any():
            return None
        (top, bottom), (left, right) = (
            _bounds(np.asarray(used.any(axis=axis)), tile) for axis, tile in ((1, TILE_HEIGHT), (0, TILE_WIDTH))
        )
        rows = np.flatnonzero(self.values[top:bottom, left:right].any(axis=1)) + top
        columns = np.flatnonzero(self.values[top:bottom, left:right].any(axis=0)) + left
        return Rectangle(int(rows[0]), int(columns[0]), int(rows[-1] - rows[0]) + 1, int(columns[-1] - columns[0]) + 1)

    def as_float(self) -> Alpha:
        """Return the alpha as float32 [H, W] in 0-1, multiples of 1/255."""
        return np.divide(self.values, np.float32(255), dtype=np.float32)


def _copy_row(row: int, values: U8Array, part: U8Array) -> None:
    rows = whole_row(row, values.shape).slices
    part[rows] = values[rows]


def _bounds(used: NDArray[np.bool_], tile: int) -> tuple[int, int]:
    """Return the first pixel of the first tile that is used, and the pixel after the last one's, on one axis."""
    numbers = np.flatnonzero(used)
    return int(numbers[0]) * tile, (int(numbers[-1]) + 1) * tile


AnyAlpha: TypeAlias = Alpha | AlphaU8  # float32 [H, W] in 0-1, or the same in bytes


def alpha_u8_of(image: U8Array, alpha: AnyAlpha) -> AlphaU8:
    """Return the alpha of an image in bytes.

    Args:
        image: uint8 [H, W, 3].
        alpha: float32 [H, W] in 0-1, which is rounded, or `AlphaU8`, which is returned as it is.

    Raises:
        ImageError: image and alpha have different sizes, or the alpha is not float32 in 0-1, or not whole.
    """
    check_rgb_bytes(image)
    if not isinstance(alpha, AlphaU8 | np.ndarray):
        raise ImageError("the alpha is no array; give float32 [H, W] in 0-1")
    shape = alpha.values.shape if isinstance(alpha, AlphaU8) else alpha.shape
    if shape != image.shape[:2]:
        raise ImageError(f"the alpha has shape {shape}, the image {image.shape}")
    if isinstance(alpha, AlphaU8):
        check_tiles(alpha)
        return alpha
    if alpha.dtype != np.float32:
        raise ImageError("the alpha is not float32 in 0-1")
    return AlphaU8.of(alpha)


def check_tiles(alpha: AlphaU8) -> None:
    """Refuse an alpha whose arrays do not belong together.

    Raises:
        ImageError: the values are not uint8 [H, W], or the flags are not bool with one for each tile.
    """
    values = alpha.values
    if not isinstance(values, np.ndarray) or values.dtype != np.uint8 or values.ndim != 2 or not values.size:
        raise ImageError("the values of the alpha are not uint8 [H, W]")
    tiles = -(-values.shape[0] // TILE_HEIGHT), -(-values.shape[1] // TILE_WIDTH)
    for name, flags in (("opaque", alpha.opaque), ("edges", alpha.edges)):
        if not isinstance(flags, np.ndarray) or flags.dtype != np.bool_ or flags.shape != tiles:
            raise ImageError(f"{name} of the alpha is not bool {list(tiles)}, one flag for each tile")


def check_range(alpha: Alpha) -> None:
    """Refuse an alpha that leaves 0-1, or is not a number somewhere.

    Raises:
        ImageError: it does.
    """
    # Read as integers, the bits of floats from 0 on are in the floats' order, and below those of negative floats and of
    # NaN: one maximum is enough to accept an alpha.
    if alpha.view(np.uint32).max() > _BITS_OF_ONE and not (alpha.min() >= 0 and alpha.max() <= 1):
        raise ImageError("the alpha is not float32 in 0-1")


def to_alpha_bytes(alpha: Alpha) -> U8Array:
    """Round float32 in 0-1 to uint8, 255 = opaque; ties to even."""
    return np.asarray(cv2.convertScaleAbs(np.ascontiguousarray(alpha), alpha=255), np.uint8)
