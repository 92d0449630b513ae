"""An image as tiles, so that what is only needed along the edge of the foreground is only computed there.

Away from the edge alpha is 0 or 1, and upsampling, foreground colours and compositing have nothing to decide. Rows of
tiles are computed one after the other; within a row, the tiles that the edge crosses are computed together. The result
at a pixel never depends on the tiles.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array
from mmnet.runtime.imaging.fit import Rectangle

TileFlags: TypeAlias = NDArray[np.bool_]  # [rows, columns], one for each tile of an image

# Pixels, multiples of every step of `TileBatch.interpolate`. A tile is high, so that batches are few and each is worth
# its calls, and narrow, so that it holds little besides the edge.
TILE_HEIGHT, TILE_WIDTH = 64, 16
_GAP = 2  # up to so many tiles between two that the edge crosses are computed, too
_MARGIN = 32  # pixels, twice the largest step: interpolation never reaches from one rectangle of a batch to the next


def rows_of_tiles(height: int) -> range:
    """Return the numbers of the rows of tiles of an image.

    They are computed one after the other: the calls for a row are short, and on two threads were slower than on one.
    """
    return range(-(-height // TILE_HEIGHT))


def whole_row(row: int, shape: tuple[int, ...]) -> Rectangle:
    """Return the rectangle that a row of tiles covers in an image [H, W, …]."""
    top = row * TILE_HEIGHT
    return Rectangle(top, 0, min(TILE_HEIGHT, shape[0] - top), shape[1])


def runs(chosen: TileFlags, shape: tuple[int, ...], *, gap: int = 0) -> list[list[Rectangle]]:
    """Return rectangles that cover the chosen tiles, for each row of tiles.

    Args:
        chosen: bool [rows, columns], the tiles to cover.
        shape: the image's, [H, W, …].
        gap: how many tiles that are not chosen may be covered between two that are.
    """
    covered: list[list[Rectangle]] = [[] for _ in chosen]
    rows, bounds = np.nonzero(np.diff(np.pad(chosen, ((0, 0), (1, 1)))))
    for row, first, end in zip(rows[::2].tolist(), bounds[::2].tolist(), bounds[1::2].tolist(), strict=True):
        whole, left = whole_row(row, shape), first * TILE_WIDTH
        if covered[row] and left - (covered[row][-1].left + covered[row][-1].width) <= gap * TILE_WIDTH:
            left = covered[row].pop().left
        covered[row].append(Rectangle(whole.top, left, whole.height, min(end * TILE_WIDTH, whole.width) - left))
    return covered


class TileBatch:
    """Rectangles of one row of tiles, placed side by side in one array, so that few, large calls compute them.

    Between the rectangles, and at either end, are `_MARGIN` pixels without meaning.

    Attributes:
        height, width: of the array, in pixels.
    """

    def __init__(self, rectangles: list[Rectangle]) -> None:
        """Place the rectangles, at least one, all of one row."""
        self.height, self.width = rectangles[0].height, _MARGIN
        self._top = rectangles[0].top
        self._places: list[tuple[Rectangle, tuple[slice, slice]]] = []
        for rectangle in rectangles:
            self._places.append((rectangle, (slice(None), slice(self.width, self.width + rectangle.width))))
            self.width += -(-rectangle.width // _MARGIN) * _MARGIN + _MARGIN

    def gather(self, image: AnyArray) -> AnyArray:
        """Return the batch's pixels of an image [H, W, …]: [height, width, …]."""
        pixels = np.empty((self.height, self.width, *image.shape[2:]), image.dtype)
        for rectangle, place in self._places:
            pixels[place] = image[rectangle.slices]
        return pixels

    def scatter(self, pixels: AnyArray, image: AnyArray) -> None:
        """Write the batch's pixels [height, width, …] to their places in an image [H, W, …]."""
        for rectangle, place in self._places:
            image[rectangle.slices] = pixels[place]

    def cells(self, step: int) -> tuple[slice, NDArray[np.intp]]:
        """Return the rows and columns of the cells that the batch meets, with one more row above and below.

        Indices count from the cells outside the image, of which there is one on every side.

        Args:
            step: the side of a cell, in pixels.
        """
        top, rows = self._top // step, -(-self.height // step) + 2
        columns = np.zeros(self.width // step, np.intp)
        for rectangle, (_, place) in self._places:
            first, end = place.start // step - 1, -(-place.stop // step) + 1
            columns[first:end] = np.arange(end - first) + rectangle.left // step
        return slice(top, top + rows), columns

    def interpolate(self, cells: F32Array, step: int) -> F32Array:
        """Interpolate values of the batch's cells at its pixels, bilinearly between the cells' centres.

        Steps are powers of two, so the weights have few bits, and no product or sum of whole numbers reaches 2^24:
        float32 is exact, in whatever order and with whatever instructions a processor computes it.

        Args:
            cells: float32 [h, w] or [h, w, C] at the rows and columns that `cells` returned; whole numbers, or all
                multiples of the same 1/2^k: below 2^16 of them in size.
            step: 1, 2, 4, 8 or 16.

        Returns:
            float32 [height, width] or [height, width, C].
        """
        size = self.width, cells.shape[0] * step
        return np.asarray(
            cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[step : step + self.height], np.float32
        )


def tile_batches(chosen: TileFlags, shape: tuple[int, ...]) -> list[TileBatch | None]:
    """Return a batch of the chosen tiles, and few others, for each row of tiles; None where a row has none.

    Args:
        chosen: bool [rows, columns], the tiles to compute.
        shape: the image's, [H, W, …].
    """
    return [TileBatch(row) if row else None for row in runs(chosen, shape, gap=_GAP)]
