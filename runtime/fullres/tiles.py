"""An image as tiles, so that what is only needed along the person's edge is only done there.

Away from the edge alpha is 0 or 1, and upsampling, foreground colours and compositing have nothing to decide. Rows of
tiles are worked on beside each other; in a row, tiles that the edge crosses are computed on in runs. What is computed
for a pixel never depends on the tile or the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array
from mmnet.runtime.imaging.fit import Rectangle

Flags = NDArray[np.bool_]

# Pixels, multiples of every step of `enlarge`. A tile is high, so that runs are few and each worth its calls, and
# narrow, so that they hold little but the edge.
TILE_HEIGHT, TILE_WIDTH = 64, 16
_GAP = 2  # tiles between two runs that are not worth a run of their own
_MARGIN = 32  # pixels, twice the largest step: what is beside one run is not what is beside the next
_POSITION = 256


def rows_of_tiles(height: int) -> range:
    """The numbers of the rows of tiles of an image.

    They are worked on one after the other: the calls for a row are short, and on two threads were slower than on one.
    """
    return range(-(-height // TILE_HEIGHT))


def whole_row(row: int, shape: tuple[int, ...]) -> Rectangle:
    """What a row of tiles covers of an image [H, W, …]."""
    top = row * TILE_HEIGHT
    return Rectangle(top, 0, min(TILE_HEIGHT, shape[0] - top), shape[1])


def runs(chosen: Flags, shape: tuple[int, ...], *, gap: int = 0) -> list[list[Rectangle]]:
    """Rectangles that cover the tiles chosen, row by row.

    Args:
        chosen: bool [rows, columns], of the tiles of an image.
        shape: of the image, [H, W, …].
        gap: up to how many tiles not chosen may be covered, too, between two that are.
    """
    found: list[list[Rectangle]] = [[] for _ in chosen]
    rows, bounds = np.nonzero(np.diff(np.pad(chosen, ((0, 0), (1, 1)))))
    for row, first, end in zip(rows[::2].tolist(), bounds[::2].tolist(), bounds[1::2].tolist(), strict=True):
        whole, left = whole_row(row, shape), first * TILE_WIDTH
        if found[row] and left - (found[row][-1].left + found[row][-1].width) <= gap * TILE_WIDTH:
            left = found[row].pop().left
        found[row].append(Rectangle(whole.top, left, whole.height, min(end * TILE_WIDTH, whole.width) - left))
    return found


class Strip:
    """The tiles of a row that the edge crosses, laid side by side: what is computed on them takes few, large calls.

    Between them, and on either side, are `_MARGIN` pixels that mean nothing.
    """

    def __init__(self, row: list[Rectangle]) -> None:
        """Lay them, at least one."""
        self.height, self.width = row[0].height, _MARGIN
        self._top = row[0].top
        self._places: list[tuple[Rectangle, tuple[slice, slice]]] = []
        for place in row:
            self._places.append((place, (slice(None), slice(self.width, self.width + place.width))))
            self.width += -(-place.width // _MARGIN) * _MARGIN + _MARGIN

    def take(self, image: AnyArray) -> AnyArray:
        """Their pixels: of [H, W, …], [height, width, …]."""
        found = np.empty((self.height, self.width, *image.shape[2:]), image.dtype)
        for place, here in self._places:
            found[here] = image[place.slices]
        return found

    def put(self, pixels: AnyArray, image: AnyArray) -> None:
        """Write pixels [height, width, …] where they belong."""
        for place, here in self._places:
            image[place.slices] = pixels[here]

    def cells(self, step: int) -> tuple[slice, NDArray[np.intp]]:
        """Rows and columns of the cells of step × step pixels that it meets, and one more above and below.

        They count from cells outside of the image, of which there is one on every side.
        """
        top, rows = self._top // step, -(-self.height // step) + 2
        columns = np.zeros(self.width // step, np.intp)
        for place, (_, here) in self._places:
            first, end = here.start // step - 1, -(-here.stop // step) + 1
            columns[first:end] = np.arange(end - first) + place.left // step
        return slice(top, top + rows), columns

    def enlarge(self, cells: F32Array, step: int) -> F32Array:
        """What its `cells` hold, at its pixels: bilinear between the cells' centres.

        Steps are powers of two, so that the weights have few bits, and no product or sum of whole numbers reaches
        2^24: float32 is exact, in whatever order and with whatever instructions a processor computes it.

        Args:
            cells: float32 [h, w] or [h, w, C]; whole numbers, or all in the same fraction 1/2^k: |v| < 2^16 of them.
            step: 1, 2, 4, 8 or 16.

        Returns:
            float32 [height, width] or [height, width, C].
        """
        size = self.width, cells.shape[0] * step
        return np.asarray(
            cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR)[step : step + self.height], np.float32
        )


def strips(chosen: Flags, shape: tuple[int, ...]) -> list[Strip | None]:
    """Of each row of tiles those chosen, and few others; None where none is."""
    return [Strip(row) if row else None for row in runs(chosen, shape, gap=_GAP)]


@dataclass(frozen=True)
class Taps:
    """For each cell along an axis, and one more at either end, the values it lies between: the first, the second, and
    how far along, in 0-1. As preprocessing.md, section 4.2, with 8 fractional bits.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    fraction: F32Array

    @classmethod
    @lru_cache(maxsize=8)  # for the next frames
    def of(cls, values: int, pixels: int, step: int) -> Taps:
        """Cells of `step` pixels, on an axis of `pixels` pixels that `values` values cover."""
        count = -(-pixels // step)
        centre = (2 * np.arange(-1, count + 1, dtype=np.int64).clip(0, count - 1) + 1) * step
        last = values - 1
        position = (centre * values * _POSITION // (2 * pixels) - _POSITION // 2).clip(0, last * _POSITION)
        first, fraction = np.divmod(position, _POSITION)
        return cls(first, np.minimum(first + 1, last), (fraction / np.float32(_POSITION)).astype(np.float32))
