"""Image → model input, and alpha → image, in integers only, so that every platform computes the same bytes.

docs/internals/preprocessing.md is the specification; the names here are its names.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.fit import Fit, Placement, place
from mmnet.runtime.imaging.taps import Taps

FRACTION_BITS = 11
_ONE = 1 << FRACTION_BITS
_BAND_ROWS = 32  # rows halved at a time: the intermediate sums then stay in the processor's cache


class ImageError(MMNetError):
    """An array that is not an image this runtime takes."""


def check_rgb_bytes(image: object) -> U8Array:
    """Return `image` if it is uint8 [H, W, 3] with H, W >= 1.

    Raises:
        ImageError: it is anything else; the message says what it is and what to give.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(f"the image is a {type(image).__name__}; give a NumPy array [H, W, 3], RGB")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ImageError(f"the image has shape {image.shape}{_guess(image.shape)}; give RGB [H, W, 3]")
    if 0 in image.shape:
        raise ImageError(f"the image is empty (shape {image.shape})")
    if image.dtype != np.uint8:
        raise ImageError(f"the image is {image.dtype}; give uint8 in 0-255")
    return image


def to_model_input(image: U8Array, size: int, fit: Fit = Fit.STRETCH) -> U8Array:
    """Bring an image into the square that the network takes: fit, halvings, bilinear (preprocessing.md, sections 3-4).

    Args:
        image: uint8 [H, W, 3], RGB, any H, W >= 1.
        size: S, the model's input size in pixels, >= 1.
        fit: how an image that is not square is fitted into the square; for AUTO, this is the input of the first pass.

    Returns:
        uint8 [S, S, 3], RGB. The image's own bytes where it is S×S already.

    Raises:
        ImageError: `image` has another shape or dtype, or `size` is below 1.
    """
    image = check_rgb_bytes(image)
    if size < 1:
        raise ImageError(f"the model input size is {size}; it must be at least 1")
    return fill_square(image, place(fit, image.shape[0], image.shape[1], size), size)


def fill_square(image: U8Array, placement: Placement, size: int) -> U8Array:
    """Scale the part of an image that the network sees to the part of the square that it fills; the rest is black.

    Args:
        image: uint8 [H, W, 3], RGB.
        placement: both parts.
        size: S.

    Returns:
        uint8 [S, S, 3].
    """
    filled = resample(image[placement.seen.slices], placement.filled.height, placement.filled.width)
    if filled.shape[:2] == (size, size):
        return filled
    square = np.zeros((size, size, 3), np.uint8)  # black is what the network's own padding is
    square[placement.filled.slices] = filled
    return square


def alpha_to_image(alpha: U8Array, height: int, width: int, fit: Fit = Fit.STRETCH) -> U8Array:
    """Bring the model's alpha back to the image it was computed from: the inverse of `to_model_input`.

    Args:
        alpha: uint8 [S, S], S >= 1, 255 = the foreground.
        height: the image's height in pixels, >= 1.
        width: the image's width in pixels, >= 1.
        fit: the fit that `to_model_input` was given; for AUTO, this is the alpha of the first pass.

    Returns:
        uint8 [height, width]; 0 where a crop left the image out.

    Raises:
        ImageError: `alpha` has another shape or dtype, or a side is below 1.
    """
    if alpha.dtype != np.uint8 or alpha.ndim != 2 or alpha.shape[0] != alpha.shape[1] or alpha.size == 0:
        raise ImageError(f"the alpha is {alpha.dtype} {list(alpha.shape)}; give uint8 [S, S]")
    if height < 1 or width < 1:
        raise ImageError(f"the image is {width}×{height}; both sides must be at least 1")
    return place_alpha(alpha, place(fit, height, width, len(alpha)), height, width)


def place_alpha(alpha: U8Array, placement: Placement, height: int, width: int) -> U8Array:
    """Scale the model's alpha back to the part of the image that the network saw: the inverse of `fill_square`.

    Args:
        alpha: uint8 [S, S].
        placement: both parts.
        height: the image's height in pixels.
        width: the image's width in pixels.

    Returns:
        uint8 [height, width]; 0 outside what the network saw.
    """
    seen = resample(alpha[placement.filled.slices], placement.seen.height, placement.seen.width)
    if seen.shape == (height, width):
        return seen
    image = np.zeros((height, width), np.uint8)
    image[placement.seen.slices] = seen
    return image


def resample(image: U8Array, height: int, width: int) -> U8Array:
    """Scale an image, each axis with its own scale: halvings, then bilinear (preprocessing.md, section 4).

    Args:
        image: uint8 [H, W] or [H, W, C], every side >= 1.
        height: the result's height in pixels, >= 1.
        width: the result's width in pixels, >= 1.

    Returns:
        uint8 [height, width] or [height, width, C], a copy.
    """
    original_height, original_width = image.shape[:2]
    down, across = _halvings(original_height, height), _halvings(original_width, width)
    planes = image if image.ndim == 3 else image[..., None]

    # Whether an axis is still halved depends on that axis alone, so the first steps halve both, the rest one.
    for step in range(max(down, across)):
        planes = _halve(planes, vertical=step < down, horizontal=step < across)
    if (original_height, original_width) == (height << down, width << across):
        planes = planes.copy()  # every target pixel lies on a halved one
    else:
        planes = _bilinear(planes, _taps(original_height, height, down), _taps(original_width, width, across))
    return planes.reshape(height, width, *image.shape[2:])


def _halvings(side: int, size: int) -> int:
    """Return how often a side is halved (rounding up) while it is at least twice the target."""
    count = 0
    while side >= 2 * size:
        side = (side + 1) // 2
        count += 1
    return count


def _halve(image: U8Array, *, vertical: bool, horizontal: bool) -> U8Array:
    """Halve once: the means of boxes of 2×2, 1×2 or 2×1, rounded half up. An odd side repeats its last line."""
    height, width, channels = image.shape
    odd_rows, odd_columns = height % 2 * vertical, width % 2 * horizontal
    if odd_rows or odd_columns:
        image = np.pad(image, ((0, odd_rows), (0, odd_columns), (0, 0)), mode="edge")
    down, across = 1 + vertical, 1 + horizontal
    halved = np.empty((image.shape[0] // down, image.shape[1] // across, channels), np.uint8)
    for top in range(0, halved.shape[0], _BAND_ROWS):
        rows = slice(top, top + _BAND_ROWS)
        _halve_band(image[top * down : (top + _BAND_ROWS) * down], halved[rows], vertical, horizontal)
    return halved


def _halve_band(band: U8Array, out: U8Array, vertical: bool, horizontal: bool) -> None:
    """Halve some rows, with even sides, into `out`. The sums fit 16 bits: at most 4·255 + 2."""
    lines = np.ascontiguousarray(band).reshape(band.shape[0], -1)
    shift = vertical + horizontal
    total = np.add(lines[0::2], lines[1::2], dtype=np.uint16) if vertical else lines.astype(np.uint16)
    half = np.uint16(shift)  # of the box's area: 1 of 2, 2 of 4
    if not horizontal:
        out[...] = ((total + half) >> np.uint16(shift)).reshape(out.shape)
        return
    channels = out.shape[2]
    for channel in range(channels):
        pairs = total[:, channel :: 2 * channels] + total[:, channel + channels :: 2 * channels]
        out[..., channel] = (pairs + half) >> np.uint16(shift)


def _taps(side: int, size: int, halvings: int) -> Taps:
    """Return where the centres of `size` target pixels lie in a side of `side` pixels, halved `halvings` times.

    Fractions are int32, in 1/2048.
    """
    last = -(-side // (1 << halvings)) - 1
    numerator = (2 * np.arange(size, dtype=np.int64) + 1) * side
    denominator = size << (halvings + 1)
    whole, rest = numerator // denominator, numerator % denominator
    position = (whole << FRACTION_BITS) + (rest << FRACTION_BITS) // denominator - (_ONE >> 1)
    position = np.clip(position, 0, last << FRACTION_BITS)
    first = position >> FRACTION_BITS
    return Taps(first, np.minimum(first + 1, last), (position & (_ONE - 1)).astype(np.int32))


def _bilinear(image: U8Array, rows: Taps, columns: Taps) -> U8Array:
    """Interpolate bilinearly, with 11-bit weights along each axis. No sum exceeds 255·2^22 + 2^21 < 2^31."""
    weight: NDArray[np.int32] = columns.fraction[:, None]
    left: NDArray[np.int32] = image.take(columns.first, axis=1).astype(np.int32)
    right: NDArray[np.int32] = image.take(columns.second, axis=1).astype(np.int32)
    lines: NDArray[np.int32] = left * (_ONE - weight) + right * weight
    weight = rows.fraction[:, None, None]
    total: NDArray[np.int32] = (
        lines.take(rows.first, axis=0) * (_ONE - weight) + lines.take(rows.second, axis=0) * weight
    )
    rounded: NDArray[np.int32] = (total + (1 << (2 * FRACTION_BITS - 1))) >> (2 * FRACTION_BITS)
    return rounded.astype(np.uint8)


def _guess(shape: tuple[int, ...]) -> str:
    """Return what an array of the wrong shape probably is."""
    if len(shape) == 2:
        return " (grey?)"
    if len(shape) == 4:
        return " (a batch?)"
    return {1: " (grey?)", 2: " (grey with alpha?)", 4: " (RGBA?)"}.get(shape[-1] if shape else 0, "")
