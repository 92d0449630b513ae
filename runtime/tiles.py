"""A picture as tiles, so that what is only needed along the person's edge is only done there.

Away from the edge alpha is 0 or 1, and upsampling, foreground colours and compositing have nothing to decide. The
tiles that the edge crosses, a fifth of a usual portrait, are gathered into one array, computed on together, and put
back. What is computed for a pixel never depends on which tile it lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

TILE = 32  # pixels
_CHUNK = 96  # tiles computed on at a time: their floats stay in the processor's cache, and memory is bounded


@dataclass(frozen=True)
class Grid:
    """A rectangle of a picture, cut into equal tiles.

    Attributes:
        top, left: where it begins, in pixels.
        rows, columns: of tiles, >= 1.
        height, width: of a tile, in pixels, >= 1.
    """

    top: int
    left: int
    rows: int
    columns: int
    height: int
    width: int

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        """The tiles of a picture [H, W] or [H, W, C] whose rows are contiguous.

        Returns:
            [height, rows, columns, width · C], a view: line by line, so that tiles chosen lie side by side, as a
            strip of film.
        """
        bottom, right = self.top + self.rows * self.height, self.left + self.columns * self.width
        part = picture[self.top : bottom, self.left : right]
        return part.reshape(self.rows, self.height, self.columns, -1).swapaxes(0, 1)

    def range_of(self, picture: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The least and the greatest value of each tile of a picture [H, W]: [rows, columns] each, NaN where one is."""
        lines = picture[self.top : self.top + self.rows * self.height]
        lines = lines[:, self.left : self.left + self.columns * self.width].reshape(self.rows, self.height, -1)
        shape = (self.rows, self.columns, self.width)
        return lines.min(axis=1).reshape(shape).min(axis=2), lines.max(axis=1).reshape(shape).max(axis=2)


def grids(height: int, width: int) -> Iterator[Grid]:
    """A picture of any size as at most four grids: whole tiles, and what is left at the right and at the bottom."""
    for top, rows, tile_height in _parts(height):
        for left, columns, tile_width in _parts(width):
            yield Grid(top, left, rows, columns, tile_height, tile_width)


def _parts(side: int) -> Iterator[tuple[int, int, int]]:
    """Where each part of a side begins, how many tiles it has, and how long they are."""
    whole, rest = divmod(side, TILE)
    if whole:
        yield 0, whole, TILE
    if rest:
        yield whole * TILE, 1, rest


def for_chunks(chosen: NDArray[np.bool_], work: Callable[[NDArray[np.intp], NDArray[np.intp]], None]) -> None:
    """Call `work(rows, columns)` for all tiles chosen, some at a time, on as many threads as OpenCV has.

    Args:
        chosen: bool [rows, columns] of a grid.
        work: what to do with the tiles at these rows and columns; calls must not depend on each other.
    """
    rows, columns = chosen.nonzero()
    chunks = [slice(first, first + _CHUNK) for first in range(0, len(rows), _CHUNK)]
    workers = min(cv2.getNumThreads(), len(chunks))
    if workers < 2:
        for chunk in chunks:
            work(rows[chunk], columns[chunk])
        return
    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(lambda chunk: work(rows[chunk], columns[chunk]), chunks):
            pass


class Field:
    """Whole numbers on cells of step × step pixels, bilinear between the cells' centres; edges are repeated.

    Steps are powers of two, so that the weights have few bits, and no product or sum of whole numbers reaches 2^24:
    float32 is exact, in whatever order and with whatever instructions a processor computes it.
    """

    def __init__(self, values: Floats, step: int) -> None:
        """Place a field.

        Args:
            values: whole numbers, |v| < 2^16, float32 [C, h, w].
            step: 1, 2, 4 or 8.
        """
        self._values, self._step = values, step

    def at(self, grid: Grid, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Floats:
        """The field at the pixels of some tiles: float32 [height, C, N, width], which may be a view."""
        channels, step = len(self._values), self._step
        lines = self._cells(grid.top + rows * grid.height, grid.height, axis=1)
        places = self._cells(grid.left + columns * grid.width, grid.width, axis=2)
        patches = self._values[:, lines.T[:, :, None], places].swapaxes(0, 1)  # [lines, C, N, places]
        strip = np.ascontiguousarray(patches).reshape(len(patches), -1)
        size = strip.shape[1] * step, strip.shape[0] * step
        wide = cv2.resize(strip, size, interpolation=cv2.INTER_LINEAR) if step > 1 else strip
        tiles = wide.reshape(size[1], channels, len(rows), -1)
        return np.asarray(tiles[step : step + grid.height, ..., step : step + grid.width], np.float32)

    def _cells(self, starts: NDArray[np.intp], length: int, axis: int) -> NDArray[np.intp]:
        """The cells under some pixels, and one more at either end: [N, cells]."""
        reach = np.arange(-1, -(-length // self._step) + 1)
        return (starts[:, None] // self._step + reach).clip(0, self._values.shape[axis] - 1)
