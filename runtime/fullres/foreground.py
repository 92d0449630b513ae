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
from mmnet.runtime.imaging.fit import Rectangle

# Pixels. The region begins and ends with whole tiles and samples, so that it does not move samples. It reaches as far
# beyond the foreground as the means do: four samples of at most 16 pixels.
_GRID = 64


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
    region = edge_region(alpha_u8)
    if region is None:
        return foreground
    near, near_alpha = foreground[region.slices], alpha_u8.part(region)
    difference = estimate_difference(near, near_alpha)
    for batch in tile_batches(near_alpha.edges, near.shape):
        if batch:
            pixels, values = batch.gather(near), batch.gather(near_alpha.values)
            batch.scatter(foreground_of_batch(batch, pixels, values, difference), near)
    return foreground


def edge_region(alpha: AlphaU8) -> Rectangle | None:
    """Return the part of a photo in which the colours of its foreground are estimated; None where alpha has no edge.

    It is the rectangle around the foreground, with the pixels beside it that the means include. The smaller it is, the
    closer the samples lie. A rectangle of most of the photo is not worth the copies: then it is all.
    """
    extent = alpha.extent()
    if extent is None or not alpha.edges.any():
        return None
    height, width = alpha.values.shape
    top = max(0, extent.top // _GRID * _GRID - _GRID)
    left = max(0, extent.left // _GRID * _GRID - _GRID)
    bottom = min(height, -(-(extent.top + extent.height) // _GRID) * _GRID + _GRID)
    right = min(width, -(-(extent.left + extent.width) // _GRID) * _GRID + _GRID)
    if (bottom - top) * (right - left) * 5 >= height * width * 4:
        return Rectangle(0, 0, height, width)
    return Rectangle(top, left, bottom - top, right - left)


def estimate_difference(photo: U8Array, alpha: AlphaU8) -> ColourDifference:
    """Estimate by how much foreground and background differ.

    Args:
        photo: uint8 [H, W, 3], the part of a photo that `edge_region` returns.
        alpha: the alpha of this part.
    """
    return kernels.KERNELS.colour_difference(
        np.ascontiguousarray(photo), np.ascontiguousarray(alpha.values), sample_step(photo.shape)
    )
