"""The one place that chooses between compiled code and NumPy.

Two modules implement `Kernels` and give the same bytes: `compiled`, where a C compiler was present when the package was
installed, and `reference`. Everything else in this package calls the functions of `KERNELS`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, F32Array, U8Array
from mmnet.runtime.core import library
from mmnet.runtime.fullres import compiled, reference
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference, DecidedAlpha, FittedLine
from mmnet.runtime.fullres.parameters import AlphaU16
from mmnet.runtime.fullres.tiles import TileFlags


class Kernels(Protocol):
    """The computations at the photo's size that take most of the time.

    All of them raise `ImageError` for arrays of other shapes, dtypes or ranges than they take (`checks`).
    """

    def decide(self, alpha: Alpha) -> DecidedAlpha:
        """Take alpha within `CERTAIN` of 0 or 1 for 0 or 1, and find where it changes.

        Args:
            alpha: float32 [S, S] in 0-1, contiguous.
        """
        ...

    def fit_line(self, alpha: AlphaU16, guide: U8Array, where: NDArray[np.bool_]) -> F32Array:
        """Fit alpha ≈ Σ slope · colour + offset in a window around each pixel, so that it holds at the pixel itself.

        Args:
            alpha: uint16 [S, S], OPAQUE_U16 = the foreground.
            guide: uint8 [S, S, 3].
            where: bool [S, S], the pixels at which slopes are fitted; elsewhere they are 0.

        Returns:
            float32 [S, S, 4], whole: three slopes in 1/SLOPE_UNIT byte of alpha per grey level, and the offset in
            1/OFFSET_UNIT byte of alpha; below 2^16 in size.
        """
        ...

    def guided_alpha(self, line: FittedLine, photo: U8Array, crossed: TileFlags, inside: TileFlags) -> AlphaU8:
        """Apply a fitted line to a photo's pixels.

        Args:
            line: the line.
            photo: uint8 [H, W, 3], contiguous.
            crossed: bool [rows, columns], the tiles in which alpha is computed.
            inside: bool [rows, columns], the other tiles in which alpha is 255; in the rest it is 0.
        """
        ...

    def colour_difference(self, photo: U8Array, alpha: U8Array, step: int) -> ColourDifference:
        """Estimate by how much the foreground's colours differ from the background's, see `estimate_foreground`.

        Args:
            photo: uint8 [H, W, 3].
            alpha: uint8 [H, W], 255 = the foreground.
            step: the side of the cells that are sampled, in pixels: 1, 2, 4, 8 or 16.
        """
        ...

    def composite(
        self, photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None
    ) -> U8Array:
        """Composite a photo over a background: (alpha · F + (255 − alpha) · background) / 255, rounded.

        Args:
            photo: uint8 [H, W, 3], contiguous.
            alpha: the photo's alpha.
            background: uint8 [H, W, 3].
            difference: what F, the foreground, is estimated with; None takes the photo itself.

        Returns:
            uint8 [H, W, 3].
        """
        ...


KERNELS: Kernels = reference if library.LIBRARY is None else compiled


def is_compiled() -> bool:
    """Whether this installation computes with compiled code."""
    return KERNELS is compiled
