"""The computations of `kernels.Kernels` with NumPy and OpenCV, on batches of tiles.

They define the bytes; `compiled` computes the same in less time. OpenCV is used only where its results do not depend
on the processor.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, AnyArray, F32Array, U8Array
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference, DecidedAlpha, FittedLine
from mmnet.runtime.fullres.checks import check_colour_difference, check_composite, check_guided_alpha
from mmnet.runtime.fullres.parameters import (
    AVERAGE_PASSES,
    CERTAIN,
    DIFFERENCE_UNIT,
    EPSILON,
    OFFSET_UNIT,
    OPAQUE_U16,
    SLOPE_UNIT,
    U16_PER_BYTE,
    WINDOW_RADIUS,
    AlphaU16,
    weights,
)
from mmnet.runtime.fullres.tiles import (
    TILE_HEIGHT,
    TILE_WIDTH,
    TileBatch,
    TileFlags,
    rows_of_tiles,
    runs,
    tile_batches,
    whole_row,
)
from mmnet.runtime.imaging.taps import Taps

_WINDOW = 2 * WINDOW_RADIUS + 1, 2 * WINDOW_RADIUS + 1
_NEIGHBOURS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_SUM_OF_CHANNELS = np.ones((1, 3), np.float32)


def guided_alpha(alpha: Alpha, model_input: U8Array, photo: U8Array) -> AlphaU8:
    """Upsample the network's alpha, guided by the photo; see `Kernels.guided_alpha`."""
    check_guided_alpha(alpha, model_input, photo)
    decided = decide(alpha)
    # In whole numbers, rounded half up.
    guide = np.asarray(cv2.GaussianBlur(np.ascontiguousarray(model_input), (3, 3), 0), np.uint8)
    line = FittedLine.of(fit_line(decided.values, guide, decided.changes), *photo.shape[:2])
    crossed, inside = _tiles_of(decided, line.step, photo.shape)
    opaque, batches = runs(inside, photo.shape), tile_batches(crossed, photo.shape)

    def fill(row: int, values: U8Array) -> None:
        values[whole_row(row, photo.shape).slices] = 0
        for rectangle in opaque[row]:
            values[rectangle.slices] = 255
        if batch := batches[row]:
            batch.scatter(_alpha_of_batch(line, batch, batch.gather(photo)), values)

    return AlphaU8.filled(photo.shape[:2], fill)


def decide(alpha: Alpha) -> DecidedAlpha:
    """Take alpha within `CERTAIN` of 0 or 1 for 0 or 1, and find where it changes: float32 [h, w] in 0-1."""
    values = np.asarray(np.rint(alpha * np.float32(OPAQUE_U16)), np.uint16)
    values[alpha <= np.float32(CERTAIN)] = 0
    values[alpha >= np.float32(1 - CERTAIN)] = OPAQUE_U16
    changes = np.asarray(cv2.dilate(values, _NEIGHBOURS) != cv2.erode(values, _NEIGHBOURS))
    undecided = changes | ((values > 0) & (values < OPAQUE_U16))
    return DecidedAlpha(values, changes, np.asarray(cv2.integral(undecided.astype(np.uint8)), np.int32))


def fit_line(alpha: AlphaU16, guide: U8Array, where: NDArray[np.bool_]) -> F32Array:
    """Fit alpha ≈ Σ slope · colour + offset in a window around each pixel, so that it holds at the pixel itself.

    Args:
        alpha: uint16 [h, w], OPAQUE_U16 = the foreground.
        guide: uint8 [h, w, 3].
        where: bool [h, w], the pixels at which slopes are fitted; elsewhere they are 0.

    Returns:
        float32 [h, w, 4], whole: three slopes in 1/SLOPE_UNIT byte of alpha per grey level, and the offset in
        1/OFFSET_UNIT byte of alpha; below 2^16 in size.
    """
    planes = np.zeros((4, alpha.size), np.float32)
    *slopes, offset = planes
    np.rint(alpha.ravel() * np.float32(OFFSET_UNIT / U16_PER_BYTE), out=offset)
    at = np.flatnonzero(where)
    if at.size:
        explained = np.zeros(at.size)
        for plane, slope, colour in zip(slopes, _slopes(alpha, guide, at), cv2.split(guide), strict=True):
            plane[at] = slope
            explained += slope * colour.ravel().take(at)
        offset[at] = np.rint(
            alpha.ravel().take(at) / (U16_PER_BYTE / OFFSET_UNIT) - explained / (SLOPE_UNIT / OFFSET_UNIT)
        )
    return np.asarray(cv2.merge([plane.reshape(alpha.shape) for plane in planes]), np.float32)


def _slopes(alpha: AlphaU16, guide: U8Array, at: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
    """Return how alpha changes with each colour at some pixels: three of float64 [N], in 1/SLOPE_UNIT.

    He, Sun and Tang, "Guided Image Filtering" (2013), eq. 19: a = (Σ + ε)⁻¹ · cov(guide, alpha), by Cramer's rule. No
    slope is steeper than σ(alpha) / 2√ε, which is below 8.

    Args:
        alpha: uint16 [S, S].
        guide: uint8 [S, S, 3].
        at: indices of pixels in the flat image, [N].
    """
    red, green, blue = (plane.astype(np.uint16) for plane in cv2.split(guide))
    byte = np.rint(alpha / np.float32(U16_PER_BYTE)).astype(np.uint16)
    count = _WINDOW[0] * _WINDOW[1]

    def total(plane: AlphaU16) -> NDArray[np.int32]:
        sums = cv2.boxFilter(plane, cv2.CV_32S, _WINDOW, normalize=False, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(sums, np.int32).ravel().take(at)

    totals = {id(plane): total(plane) for plane in (red, green, blue, byte)}

    def covariance(x: AlphaU16, y: AlphaU16) -> NDArray[np.float64]:
        result = total(x * y)
        result *= np.int32(count)
        result -= totals[id(x)] * totals[id(y)]
        return result.astype(np.float64)  # whole, up to (25 · 255)²

    ridge = EPSILON * count * count
    rr, gg, bb = (covariance(colour, colour) + ridge for colour in (red, green, blue))
    rg, rb, gb = covariance(red, green), covariance(red, blue), covariance(green, blue)
    ra, ga, ba = (covariance(colour, byte) for colour in (red, green, blue))
    first, second, third = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    fourth, fifth, sixth = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = SLOPE_UNIT / (rr * first + rg * second + rb * third)
    return (
        np.rint((first * ra + second * ga + third * ba) * scale),
        np.rint((second * ra + fourth * ga + fifth * ba) * scale),
        np.rint((third * ra + fifth * ga + sixth * ba) * scale),
    )


def _tiles_of(decided: DecidedAlpha, step: int, shape: tuple[int, ...]) -> tuple[TileFlags, TileFlags]:
    """Return which tiles of a photo [H, W, 3] have to be computed, and in which of the others alpha is 255.

    A tile has to be computed where any of the network's pixels that it depends on is undecided.
    """
    (rows, columns), (height, width) = decided.values.shape, shape[:2]
    top, bottom = _reach(rows, height, step, TILE_HEIGHT)
    left, right = _reach(columns, width, step, TILE_WIDTH)
    upper, lower = decided.counts[top], decided.counts[bottom]
    crossed = lower[:, right] - lower[:, left] > upper[:, right] - upper[:, left]
    return crossed, ~crossed & (decided.values[top[:, None], left] == OPAQUE_U16)


@lru_cache(maxsize=8)
def _reach(values: int, pixels: int, step: int, tile: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of the network's values each tile depends on, along an axis: the first, and the one after the last.

    A tile depends on half a cell beside it, and on one value beside those.

    Args:
        values: the network's values on the axis.
        pixels: the photo's pixels on the axis.
        step: the side of a cell, in pixels.
        tile: the length of a tile, in pixels.
    """
    first = np.arange(0, pixels, tile) - step
    last = first + tile + 2 * step
    return (first * values // pixels - 1).clip(0, values - 1), (last * values // pixels + 2).clip(1, values)


def _alpha_of_batch(line: FittedLine, batch: TileBatch, pixels: U8Array) -> U8Array:
    """Return the alpha of a batch's pixels, uint8 [height, width, 3]: uint8 [height, width]."""
    rows, columns = batch.cells(line.step)
    cells = _between(_between(line.values, line.rows, rows, axis=0), line.columns, columns, axis=1)
    terms = batch.interpolate(np.ascontiguousarray(cells[..., :3]), line.step)
    cv2.multiply(terms, pixels, dst=terms, scale=1 / SLOPE_UNIT, dtype=cv2.CV_32F)
    total = cv2.transform(terms, _SUM_OF_CHANNELS)
    offset = batch.interpolate(cells[..., 3] * np.float32(1 / OFFSET_UNIT), line.step)
    # OpenCV rounds to whole numbers, and limits them to 0-255.
    return np.asarray(cv2.add(total, offset, dtype=cv2.CV_8U), np.uint8)


def _between(values: F32Array, taps: Taps, positions: slice | NDArray[np.intp], axis: int) -> F32Array:
    """Interpolate whole numbers [h, w, C] along an axis, at some positions of the taps, and round them."""
    first = values.take(taps.first[positions], axis=axis)
    change = values.take(taps.second[positions], axis=axis)
    fraction = taps.fraction[positions]
    change -= first
    change *= fraction[:, None, None] if axis == 0 else fraction.repeat(values.shape[2]).reshape(-1, values.shape[2])
    change += first
    return np.rint(change, out=change)


def colour_difference(photo: U8Array, alpha: U8Array, step: int) -> ColourDifference:
    """Estimate by how much foreground and background colours differ; see `Kernels.colour_difference`."""
    check_colour_difference(photo, alpha, step)
    image, alpha = _samples(photo, step), _samples(alpha, step)
    seen, opacity = image.astype(np.float32), _as_rgb(alpha.astype(np.float32) / np.float32(255))
    (radius, power), *other_passes = AVERAGE_PASSES
    foreground, background = _mean(image, alpha, radius, power), _mean(image, ~alpha, radius, power)
    for radius, power in other_passes:
        mixed = background + opacity * (foreground - background)
        refined = np.asarray(cv2.add(foreground, opacity * (seen - mixed), dtype=cv2.CV_8U), np.uint8)
        rounded = np.asarray(cv2.convertScaleAbs(background), np.uint8)
        foreground, background = _mean(refined, alpha, radius, power), _mean(rounded, ~alpha, radius, power)
    # Division by 256, a power of two, is exact; 255 would be right, and the difference is too small to see.
    difference = np.rint((foreground - background) * np.float32(DIFFERENCE_UNIT)) * np.float32(
        1 / (256 * DIFFERENCE_UNIT)
    )
    cells = np.asarray(cv2.copyMakeBorder(difference, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)
    return ColourDifference(cells, step)


def _samples(image: U8Array, step: int) -> U8Array:
    """Return the mean of the two by two pixels in the middle of each cell, rounded half up.

    Cells that the image's edge cuts repeat their neighbours.
    """
    sides = image.shape[:2]
    rows, columns = (max(1, side // step) for side in sides)
    whole_cells = image[: rows * step, : columns * step]
    # Halfway between pixels, bilinear interpolation is that mean.
    samples = cv2.resize(whole_cells, (columns, rows), interpolation=cv2.INTER_LINEAR_EXACT)
    below, beside = (-(-side // step) - whole for side, whole in zip(sides, (rows, columns), strict=True))
    return np.asarray(cv2.copyMakeBorder(samples, 0, below, 0, beside, cv2.BORDER_REPLICATE), np.uint8)


def _mean(colours: U8Array, alpha: U8Array, radius: int, power: int) -> F32Array:
    """Return the mean of the colours around each sample, weighted with a power of alpha: float32 [h, w, 3].

    Where nothing has weight, a sample keeps its own colour. Sums are of whole numbers, below 2^24.
    """
    weight = np.asarray(cv2.LUT(alpha, weights(power)), np.uint16)
    box = 2 * radius + 1, 2 * radius + 1

    def total(values: NDArray[np.uint16]) -> F32Array:
        return np.asarray(
            cv2.boxFilter(values, cv2.CV_32F, box, normalize=False, borderType=cv2.BORDER_REPLICATE), np.float32
        )

    total_weight = total(weight)
    mean = total(np.multiply(colours, _as_rgb(weight), dtype=np.uint16))
    mean /= _as_rgb(np.maximum(total_weight, 1))
    return np.asarray(cv2.copyTo(colours.astype(np.float32), (total_weight == 0).view(np.uint8), mean), np.float32)


def composite(photo: U8Array, alpha: AlphaU8, background: U8Array, difference: ColourDifference | None) -> U8Array:
    """Composite a photo over a background; see `Kernels.composite`."""
    check_composite(photo, alpha, background, difference)
    out = np.empty(photo.shape, np.uint8)
    opaque, batches = runs(alpha.opaque, out.shape), tile_batches(alpha.edges, out.shape)
    for row in rows_of_tiles(len(out)):
        whole = whole_row(row, out.shape).slices
        out[whole] = background[whole]
        for rectangle in opaque[row]:
            out[rectangle.slices] = photo[rectangle.slices]
        if batch := batches[row]:
            pixels, values = batch.gather(photo), batch.gather(alpha.values)
            if difference is not None:
                pixels = foreground_of_batch(batch, pixels, values, difference)
            batch.scatter(_blend(pixels, batch.gather(background), values), out)
    return out


def foreground_of_batch(batch: TileBatch, pixels: U8Array, alpha: U8Array, difference: ColourDifference) -> U8Array:
    """Return the estimated foreground of a batch: F = I + (1 − alpha)(F̂ − B̂).

    Args:
        batch: the batch.
        pixels: its pixels of the photo, uint8 [height, width, 3].
        alpha: its alpha, uint8 [height, width].
        difference: F̂ − B̂ of the photo.

    Returns:
        uint8 [height, width, 3].
    """
    # Where alpha is 0 the photo's bytes stay.
    _, missing = cv2.threshold(~alpha, 254, 0, cv2.THRESH_TOZERO_INV)
    rows, columns = batch.cells(difference.step)
    change = batch.interpolate(difference.cells[rows].take(columns, axis=1), difference.step)
    cv2.multiply(change, _as_rgb(missing), dst=change, dtype=cv2.CV_32F)
    # OpenCV rounds floats to whole numbers before it adds them to bytes.
    return np.asarray(cv2.add(pixels, change, dtype=cv2.CV_8U), np.uint8)


def _blend(foreground: U8Array, background: U8Array, alpha: U8Array) -> U8Array:
    """Return (alpha · foreground + (255 − alpha) · background) / 255, rounded. There are no ties; sums fit 16 bits."""
    weight = _as_rgb(alpha)
    total: AnyArray = np.multiply(foreground, weight, dtype=np.uint16)
    total += np.multiply(background, cv2.bitwise_not(weight), dtype=np.uint16)
    # ⌊(n + 127) / 255⌋ without a division, for n up to 255².
    total += np.uint16(128)
    total += total >> np.uint16(8)
    return (total >> np.uint16(8)).astype(np.uint8)


def _as_rgb(plane: AnyArray) -> Any:
    """Repeat a plane for each of three channels: [h, w] → [h, w, 3]."""
    return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB))
