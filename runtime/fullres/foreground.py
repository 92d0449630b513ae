"""The foreground's own colours, where the photo shows them mixed with the background.

A pixel of hair with alpha 0.5 is half background. Composited over another background with the photo's colours, it keeps
that half, which shows as a fringe. docs/internals/full-resolution.md says how good the estimate is and what it costs.
"""

from __future__ import annotations

import numpy as np

from mmnet.arrays import U8Array
from mmnet.runtime.fullres import kernels
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, alpha_u8_of
from mmnet.runtime.fullres.cells import ColourDifference
from mmnet.runtime.fullres.parameters import sample_step
from mmnet.runtime.fullres.reference import foreground_of_batch
from mmnet.runtime.fullres.tiles import tile_batches


def estimate_foreground(photo: U8Array, alpha: AnyAlpha) -> U8Array:
    """Estimate the colours that the photo would show of the foreground alone.

    Blur-fusion in two passes (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 4-6), on evenly
    spaced samples: the means F̂ and B̂ of the colours around, weighted by α and 1 − α, and
    F = F̂ + α (I − α F̂ − (1 − α) B̂), which agrees better with the photo I and is what the second pass averages.
    Weights are powers of α, so that nearly pure colours count most. At each of the photo's pixels, then,
    F = I + (1 − α)(F̂ − B̂): the photo less what was mixed into it, as far as F̂ − B̂ is smooth.

    Args:
        photo: uint8 [H, W, 3], RGB.
        alpha: float32 [H, W] in 0-1, which is rounded to bytes, or `AlphaU8`.

    Returns:
        uint8 [H, W, 3]: the photo's own bytes where alpha is 0 or 1. The same bytes on any processor.

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
    """
    alpha_u8 = alpha_u8_of(photo, alpha)
    foreground = np.array(photo, order="C")
    difference = estimate_difference(foreground, alpha_u8)
    if difference is not None:
        for batch in tile_batches(alpha_u8.edges, foreground.shape):
            if batch:
                pixels, values = batch.gather(foreground), batch.gather(alpha_u8.values)
                batch.scatter(foreground_of_batch(batch, pixels, values, difference), foreground)
    return foreground


def estimate_difference(photo: U8Array, alpha: AlphaU8) -> ColourDifference | None:
    """Estimate by how much foreground and background differ; None where the alpha has no edge to use it at.

    Args:
        photo: uint8 [H, W, 3], contiguous.
        alpha: the photo's alpha.
    """
    if not alpha.edges.any():
        return None
    return kernels.KERNELS.colour_difference(photo, alpha.values, sample_step(photo.shape))
