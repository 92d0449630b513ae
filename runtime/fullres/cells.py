"""Values that are kept for the cells of a photo, squares of 1 to 16 pixels, and interpolated at its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array
from mmnet.runtime.fullres.parameters import AlphaU16
from mmnet.runtime.imaging.taps import Taps

_MAX_LINE_STEP = 8
_FRACTION_UNIT = 256  # positions have 8 fractional bits


@dataclass(frozen=True)
class ColourDifference:
    """The amount by which the foreground's colours differ from the background's, F̂ − B̂, everywhere in a photo.

    Attributes:
        cells: float32 [rows, columns, 3], contiguous: the difference of each cell, and of one more cell on every side,
            divided by 256. Multiplied by 255 − alpha it is what the photo's colours lack.
        step: the side of a cell, in pixels.
    """

    cells: F32Array
    step: int


@dataclass(frozen=True)
class DecidedAlpha:
    """The network's alpha, with what is nearly 0 or 1 taken for 0 or 1.

    Attributes:
        values: uint16 [h, w], OPAQUE_U16 = the foreground.
        changes: bool [h, w], where alpha is not that of all four neighbours. Elsewhere the photo has nothing to add.
        counts: int32 [h + 1, w + 1], the number of undecided pixels above and to the left: alpha changes there, or is
            neither 0 nor 1.
    """

    values: AlphaU16
    changes: NDArray[np.bool_]
    counts: NDArray[np.int32]


@dataclass(frozen=True)
class FittedLine:
    """Alpha as slope · colour + offset at the network's size, and where the cells of a photo lie in it.

    The line is interpolated twice: from the network's pixels to the photo's cells, and from the cells to the pixels.

    Attributes:
        values: float32 [h, w, 4], whole: three slopes and the offset, see `reference.fit_line`.
        step: the side of a cell, in pixels: 1, 2, 4 or 8.
        rows, columns: where the rows and columns of cells lie between the network's pixels, with one more cell on every
            side; fractions are float32.
    """

    values: F32Array
    step: int
    rows: Taps
    columns: Taps

    @classmethod
    def of(cls, values: F32Array, height: int, width: int) -> FittedLine:
        """Return the line for a photo of height × width pixels."""
        step = 1
        rows, columns = values.shape[:2]
        while step < _MAX_LINE_STEP and height >= 2 * step * rows and width >= 2 * step * columns:
            step *= 2
        return cls(values, step, cell_taps(rows, height, step), cell_taps(columns, width, step))


@lru_cache(maxsize=8)  # the next frame of a video has the same size
def cell_taps(values: int, pixels: int, step: int) -> Taps:
    """Return where the centres of cells, and of one more cell at either end, lie between values.

    The positions are those of docs/internals/preprocessing.md, section 4.2, with 8 fractional bits.

    Args:
        values: how many values cover the axis.
        pixels: the length of the axis in pixels.
        step: the side of a cell, in pixels.
    """
    count = -(-pixels // step)
    centre = (2 * np.arange(-1, count + 1, dtype=np.int64).clip(0, count - 1) + 1) * step
    last = values - 1
    position = (centre * values * _FRACTION_UNIT // (2 * pixels) - _FRACTION_UNIT // 2).clip(0, last * _FRACTION_UNIT)
    first, fraction = np.divmod(position, _FRACTION_UNIT)
    return Taps(first, np.minimum(first + 1, last), (fraction / np.float32(_FRACTION_UNIT)).astype(np.float32))
