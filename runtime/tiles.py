"""A picture as tiles, so that what is only needed along the person's edge is only done there.

Away from the edge alpha is 0 or 1, and upsampling, foreground colours and compositing have nothing to decide. Tiles
that the edge crosses, about a quarter of a portrait, are computed on in runs, side by side. What is computed for a
pixel never depends on the tile or the run that it lies in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.runtime.fit import Rectangle

Floats = NDArray[np.float32]

TILE = 32  # pixels, a multiple of every step of a `Field`
_GAP = 2  # tiles between two runs that are not worth a run of their own


def tile_ranges(picture: Floats) -> tuple[Floats, Floats]:
    """The least and the greatest value of each tile of a picture [H, W]: [rows, columns] each, NaN where one is."""
    height, width = picture.shape
    whole = height - height % TILE
    columns = np.arange(0, width, TILE)
    found = []
    for extreme in (np.minimum, np.maximum):
        lines = extreme.reduce(picture[:whole].reshape(-1, TILE, width), axis=1)
        if whole < height:
            lines = np.concatenate([lines, extreme.reduce(picture[whole:], axis=0)[None]])
        found.append(extreme.reduceat(lines, columns, axis=1))
    return found[0], found[1]


def for_runs(
    chosen: NDArray[np.bool_], shape: tuple[int, ...], work: Callable[[Rectangle], None], *, gap: int = 0
) -> None:
    """Call `work` with rectangles that cover all tiles chosen, on as many threads as OpenCV has.

    Args:
        chosen: bool [rows, columns], of the tiles of a picture.
        shape: of the picture, [H, W, …].
        work: what to do; calls must not depend on each other.
        gap: up to how many tiles not chosen may be covered, too, between two that are.
    """
    rectangles = list(_runs(chosen, shape, gap))
    workers = min(cv2.getNumThreads(), len(rectangles))
    if workers < 2:
        for rectangle in rectangles:
            work(rectangle)
        return

    def share(first: int) -> None:
        for rectangle in rectangles[first::workers]:
            work(rectangle)

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(share, range(workers)):
            pass


def for_edges(chosen: NDArray[np.bool_], shape: tuple[int, ...], work: Callable[[Rectangle], None]) -> None:
    """As `for_runs`, where work on a tile that is not chosen does no harm, and few calls cost less than many."""
    for_runs(chosen, shape, work, gap=_GAP)


def _runs(chosen: NDArray[np.bool_], shape: tuple[int, ...], gap: int) -> Iterator[Rectangle]:
    height, width = shape[:2]
    changes = np.diff(chosen.astype(np.int8), axis=1, prepend=0, append=0)
    rows, firsts = np.nonzero(changes == 1)
    beyond = np.nonzero(changes == -1)[1]
    runs: list[list[int]] = []
    for row, first, end in zip(rows.tolist(), firsts.tolist(), beyond.tolist(), strict=True):
        if runs and runs[-1][0] == row and first - runs[-1][2] <= gap:
            runs[-1][2] = end
        else:
            runs.append([row, first, end])
    for row, first, end in runs:
        top, left = row * TILE, first * TILE
        yield Rectangle(top, left, min(TILE, height - top), min(width, end * TILE) - left)


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
        self._values = np.pad(values, ((0, 0), (1, 1), (1, 1)), mode="edge")
        self._step = step

    def at(self, place: Rectangle) -> list[Floats]:
        """The field at the pixels of a rectangle that begins at a tile: C of float32 [height, width]."""
        step = self._step
        top, left = place.top // step, place.left // step
        bottom, right = -(-(place.top + place.height) // step) + 2, -(-(place.left + place.width) // step) + 2
        rows, columns = slice(step, step + place.height), slice(step, step + place.width)
        size = (right - left) * step, (bottom - top) * step
        return [
            np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)[rows, columns], np.float32)
            for plane in self._values[:, top:bottom, left:right]
        ]
