"""Positions along an axis: where they lie between the values to interpolate from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray


@dataclass(frozen=True)
class Taps:
    """The two values that each position along an axis lies between, and how far along.

    docs/internals/preprocessing.md, section 4.2, calls them i, j and f.

    Attributes:
        first: integers [N], the index of the value at or before each position.
        second: integers [N], the index of the next value; the last value is repeated.
        fraction: [N], the weight of the second value: a float in 0-1, or an integer in the unit that its user chose.
    """

    first: NDArray[np.integer[Any]]
    second: NDArray[np.integer[Any]]
    fraction: AnyArray
