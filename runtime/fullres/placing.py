"""The alphas of parts of an image, each brought to the size of its part and placed in the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha
from mmnet.runtime.fullres.methods import Upsampling
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, TileFlags
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.runtime.imaging.fit import Placement, Rectangle


@dataclass(frozen=True)
class AlphaPart:
    """The network's alpha of a part of an image.

    Attributes:
        alpha: float32 [S, S] in 0-1.
        placement: the part of the image that the network saw, and the part of its square that this filled.
        model_input: what the network saw, uint8 [S, S, 3].
    """

    alpha: Alpha
    placement: Placement
    model_input: U8Array


def upsample_placed(parts: Sequence[AlphaPart], photo: U8Array, method: Upsampling) -> AnyAlpha:
    """Bring the network's alphas to the parts of the photo that the network saw.

    Args:
        parts: at least one; no two of them share a pixel of the photo.
        photo: uint8 [H, W, 3].
        method: how; see `upsample`.

    Returns:
        [H, W], as `upsample` returns it, and 0 outside the parts that the network saw. `AlphaU8` if one part has one.

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    height, width = photo.shape[:2]
    alphas = [_upsample_part(part, photo, method) for part in parts]
    seen = [part.placement.seen for part in parts]
    if seen == [Rectangle(0, 0, height, width)]:
        return alphas[0]
    floats = [alpha for alpha in alphas if not isinstance(alpha, AlphaU8)]
    if len(floats) < len(alphas):  # a small part is not guided, a larger one of the same photo is
        in_bytes = [alpha if isinstance(alpha, AlphaU8) else AlphaU8.of(alpha) for alpha in alphas]
        return place_alpha_u8(list(zip(in_bytes, seen, strict=True)), height, width)
    placed = np.zeros((height, width), np.float32)
    for alpha, rectangle in zip(floats, seen, strict=True):
        placed[rectangle.slices] = alpha
    return placed


def _upsample_part(part: AlphaPart, photo: U8Array, method: Upsampling) -> AnyAlpha:
    filled = part.placement.filled.slices
    alpha, model_input = np.ascontiguousarray(part.alpha[filled]), np.ascontiguousarray(part.model_input[filled])
    return upsample(alpha, photo[part.placement.seen.slices], method, model_input=model_input)


def place_alpha_u8(parts: Sequence[tuple[AlphaU8, Rectangle]], height: int, width: int) -> AlphaU8:
    """Return the alpha of an image that is 0 outside some rectangles.

    Args:
        parts: the alpha inside each rectangle, and the rectangle; no two share a pixel.
        height: the image's height in pixels.
        width: the image's width in pixels.
    """
    values = np.zeros((height, width), np.uint8)
    for alpha, seen in parts:
        values[seen.slices] = alpha.values
    # The tiles of the image are not those of the rectangles, and two rectangles may share a tile.
    rows, columns = np.arange(0, height, TILE_HEIGHT), np.arange(0, width, TILE_WIDTH)
    opaque: TileFlags = np.zeros((len(rows), len(columns)), np.bool_)
    edges = opaque.copy()
    for _, seen in parts:
        first, last = seen.left // TILE_WIDTH, -(-(seen.left + seen.width) // TILE_WIDTH)
        starts, inside = columns[first:last] - columns[first], slice(columns[first], last * TILE_WIDTH)
        for row in range(seen.top // TILE_HEIGHT, -(-(seen.top + seen.height) // TILE_HEIGHT)):
            tiles = values[rows[row] : rows[row] + TILE_HEIGHT, inside]
            least = np.minimum.reduceat(tiles.min(axis=0), starts)
            greatest = np.maximum.reduceat(tiles.max(axis=0), starts)
            opaque[row, first:last] = least == 255
            edges[row, first:last] = (least < 255) & (greatest > 0)
    return AlphaU8(values, opaque, edges)
