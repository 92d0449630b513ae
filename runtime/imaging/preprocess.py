"""Image → model input, and alpha → image, in integers only, so that every platform computes the same bytes.

docs/internals/preprocessing.md is the specification; the names here are its names.
"""

from __future__ import annotations

import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.fit import Fit, Placement, place
from mmnet.runtime.imaging.resampling import resample


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


def _guess(shape: tuple[int, ...]) -> str:
    """Return what an array of the wrong shape probably is."""
    if len(shape) == 2:
        return " (grey?)"
    if len(shape) == 4:
        return " (a batch?)"
    return {1: " (grey?)", 2: " (grey with alpha?)", 4: " (RGBA?)"}.get(shape[-1] if shape else 0, "")
