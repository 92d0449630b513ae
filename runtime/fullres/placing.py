"""The alpha of a part of an image, brought to the size of that part and placed in the image."""

from __future__ import annotations

import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha
from mmnet.runtime.fullres.methods import Upsampling
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.runtime.imaging.fit import Placement, Rectangle


def upsample_placed(
    alpha: Alpha, photo: U8Array, placement: Placement, method: Upsampling, model_input: U8Array
) -> AnyAlpha:
    """Bring the network's alpha to the part of the photo that the network saw.

    Args:
        alpha: float32 [S, S] in 0-1.
        photo: uint8 [H, W, 3].
        placement: the part of the photo that the network saw, and the part of its square that this filled.
        method: how; see `upsample`.
        model_input: what the network saw, uint8 [S, S, 3].

    Returns:
        [H, W], as `upsample` returns it; 0 outside the part that the network saw.

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    seen, filled = placement.seen, placement.filled.slices
    filled_alpha, filled_input = np.ascontiguousarray(alpha[filled]), np.ascontiguousarray(model_input[filled])
    upsampled = upsample(filled_alpha, photo[seen.slices], method, model_input=filled_input)
    height, width = photo.shape[:2]
    if (seen.height, seen.width) == (height, width):
        return upsampled
    if isinstance(upsampled, AlphaU8):
        return place_alpha_u8(upsampled, seen, height, width)
    placed = np.zeros((height, width), np.float32)
    placed[seen.slices] = upsampled
    return placed


def place_alpha_u8(alpha: AlphaU8, seen: Rectangle, height: int, width: int) -> AlphaU8:
    """Return the alpha of an image that is 0 outside a rectangle.

    Args:
        alpha: the alpha inside the rectangle.
        seen: the rectangle.
        height: the image's height in pixels.
        width: the image's width in pixels.
    """
    values = np.zeros((height, width), np.uint8)
    values[seen.slices] = alpha.values
    # The tiles of the image are not those of the rectangle.
    rows, columns = np.arange(0, height, TILE_HEIGHT), np.arange(0, width, TILE_WIDTH)
    opaque: TileFlags = np.zeros((len(rows), len(columns)), np.bool_)
    edges = opaque.copy()
    first, last = seen.left // TILE_WIDTH, -(-(seen.left + seen.width) // TILE_WIDTH)
    starts, inside = columns[first:last] - columns[first], slice(columns[first], last * TILE_WIDTH)
    for row in range(seen.top // TILE_HEIGHT, -(-(seen.top + seen.height) // TILE_HEIGHT)):
        tiles = values[rows[row] : rows[row] + TILE_HEIGHT, inside]
        least = np.minimum.reduceat(tiles.min(axis=0), starts)
        greatest = np.maximum.reduceat(tiles.max(axis=0), starts)
        opaque[row, first:last] = least == 255
        edges[row, first:last] = (least < 255) & (greatest > 0)
    return AlphaU8(values, opaque, edges)
