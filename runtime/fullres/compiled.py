"""The computations of `kernels.Kernels` in compiled code (runtime/core), on the rows of an image in several threads.

The library exists where a C compiler was present when the package was installed. `reference` computes the same bytes
with NumPy and OpenCV, in two to three times the time. The web page and the Android app use the same sources.
"""

from __future__ import annotations

import ctypes
from ctypes import byref, c_ssize_t
from typing import Any

import numpy as np

from mmnet.arrays import Alpha, U8Array
from mmnet.runtime.core.library import arena_size, by_rows, in_threads, memory, thread_count
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference
from mmnet.runtime.fullres.checks import check_colour_difference, check_composite, check_guided_alpha
from mmnet.runtime.fullres.parameters import AVERAGE_PASSES, DIFFERENCE_UNIT, MAX_STEP, weights
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH


class _Grid(ctypes.Structure):
    _fields_ = [(name, c_ssize_t) for name in ("height", "width", "stride", "tile_height", "tile_width", "tile_stride")]


def guided_alpha(alpha: Alpha, model_input: U8Array, photo: U8Array) -> AlphaU8:
    """Upsample the network's alpha, guided by the photo; see `Kernels.guided_alpha`."""
    check_guided_alpha(alpha, model_input, photo)
    values = np.empty(photo.shape[:2], np.uint8)
    tiles = -(-photo.shape[0] // TILE_HEIGHT), -(-photo.shape[1] // TILE_WIDTH)
    result = AlphaU8(values, np.empty(tiles, np.bool_), np.empty(tiles, np.bool_))
    grid = _grid(photo.shape)
    arena = arena_size("guided_alpha", grid, *alpha.shape)
    network = memory(alpha), memory(model_input), *alpha.shape
    results = memory(result.values), memory(result.opaque), memory(result.edges)
    _by_tiles("guided_alpha", arena, grid, *network, memory(photo), *results)
    return result


def colour_difference(photo: U8Array, alpha: U8Array, step: int) -> ColourDifference:
    """Estimate by how much foreground and background colours differ; see `Kernels.colour_difference`."""
    check_colour_difference(photo, alpha, step)
    shape = tuple(-(-side // step) for side in alpha.shape)
    image, sampled_alpha = np.empty((3, *shape), np.uint8), np.empty(shape, np.uint8)
    for source, samples in ((photo, image), (alpha, sampled_alpha)):
        channels = len(samples) if samples.ndim == 3 else 1
        layout = memory(source), alpha.shape[1] * channels, channels, *alpha.shape
        in_threads("sample_cells", 0, (*layout, step, *shape, memory(samples)), [(0, shape[0])])
    *earlier_passes, (last_radius, last_power) = AVERAGE_PASSES
    # The image, the foreground and background colours to average, and alpha.
    planes = [memory(image), memory(image), memory(image), memory(sampled_alpha)]
    for radius, power in earlier_passes:
        refined = [memory(np.empty(image.shape, np.uint8)) for _ in range(2)]
        numbers = radius, memory(weights(power)), DIFFERENCE_UNIT
        arena = arena_size("average_colours", *shape, radius)
        by_rows("average_colours", arena, shape, *planes, *shape, *numbers, *refined, None, 0)
        planes[1:3] = refined
    cells = np.empty((shape[0] + 2, shape[1] + 2, 3), np.float32)
    numbers = last_radius, memory(weights(last_power)), DIFFERENCE_UNIT
    inner = cells[1:, 1:].ctypes.data, 3 * cells.shape[1]
    arena = arena_size("average_colours", *shape, last_radius)
    by_rows("average_colours", arena, shape, *planes, *shape, *numbers, None, None, *inner)
    cells[1:-1, 0], cells[1:-1, -1] = cells[1:-1, 1], cells[1:-1, -2]
    cells[0], cells[-1] = cells[1], cells[-2]
    return ColourDifference(cells, step)


def composite(photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None) -> U8Array:
    """Composite a photo over a background; see `Kernels.composite`."""
    check_composite(photo, alpha, background, difference)
    if background.strides[1:] != (3, 1):
        background = np.ascontiguousarray(background)
    out = np.empty(photo.shape, np.uint8)
    grid, images = _grid(photo.shape), (memory(photo), background.ctypes, background.strides[0])
    arrays = [memory(array) for array in (alpha.values, alpha.opaque, alpha.edges)]
    cells: tuple[Any, int, int] = None, 0, MAX_STEP
    if difference is not None:
        cells = memory(difference.cells), 3 * difference.cells.shape[1], difference.step
    _by_tiles("composite", arena_size("tiles", grid, cells[-1]), grid, *images, *arrays, *cells, memory(out))
    return out


def _grid(shape: tuple[int, ...]) -> Any:
    """Return the tiles of an image [H, W, …], as the library takes them."""
    height, width = shape[:2]
    return byref(_Grid(height, width, width, TILE_HEIGHT, TILE_WIDTH, -(-width // TILE_WIDTH)))


def _by_tiles(name: str, arena: int, grid: Any, *arguments: Any) -> None:
    """Call a function for the rows of tiles of an image. Each of n threads computes every n-th row.

    Only some rows have an edge, and those lie together; so each thread gets some of them.
    """
    threads = thread_count(-(-grid._obj.height // TILE_HEIGHT))
    in_threads(name, arena, (grid, *arguments), [(first, threads) for first in range(threads)])
