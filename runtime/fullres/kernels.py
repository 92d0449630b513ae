"""The one place that chooses between compiled code and NumPy.

Two modules implement `Kernels` and give the same bytes: `compiled`, where a C compiler was present when the package was
installed, and `reference`. Everything else in this package calls the functions of `KERNELS`.
"""

from __future__ import annotations

from typing import Protocol

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.core import library
from mmnet.runtime.fullres import compiled, reference
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference


class Kernels(Protocol):
    """The computations at the photo's size that take most of the time.

    All of them raise `ImageError` for arrays of other shapes, dtypes or ranges than they take (`checks`).
    """

    def guided_alpha(self, alpha: Alpha, model_input: U8Array, photo: U8Array) -> AlphaU8:
        """Upsample the network's alpha, guided by the photo; `upsampling.upsample` explains the method.

        Args:
            alpha: float32 [h, w] in 0-1, the network's.
            model_input: uint8 [h, w, 3], what the network saw.
            photo: uint8 [H, W, 3].
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
