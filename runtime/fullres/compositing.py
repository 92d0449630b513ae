"""Cut-outs and composites: a photo and its alpha matte become the person before another background."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres import foreground, kernels
from mmnet.runtime.fullres.alpha import AnyAlpha, alpha_u8_of
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes

Background = Callable[[U8Array, AnyAlpha], U8Array]  # (image, alpha) -> uint8 [H, W, 3]
AnyBackground = U8Array | tuple[int, int, int] | str | os.PathLike[str]

TRANSPARENT, BLUR = "transparent", "blur"

# The basic colours of CSS.
COLOURS = {
    "aqua": (0, 255, 255),
    "black": (0, 0, 0),
    "blue": (0, 0, 255),
    "fuchsia": (255, 0, 255),
    "gray": (128, 128, 128),
    "green": (0, 128, 0),
    "grey": (128, 128, 128),
    "lime": (0, 255, 0),
    "maroon": (128, 0, 0),
    "navy": (0, 0, 128),
    "olive": (128, 128, 0),
    "orange": (255, 165, 0),
    "purple": (128, 0, 128),
    "red": (255, 0, 0),
    "silver": (192, 192, 192),
    "teal": (0, 128, 128),
    "white": (255, 255, 255),
    "yellow": (255, 255, 0),
}

_BLUR_SIDE = 512  # pixels of the longer side: the blur is computed at this size and has no detail that needs more
_BLUR_SIGMA = 10.0  # pixels at that size: about 2 % of the longer side


class BackgroundError(MMNetError):
    """A background that is neither a colour, nor an image, nor `blur` or `transparent`."""


def composite(
    image: U8Array, alpha: AnyAlpha, background: AnyBackground, *, estimate_foreground: bool = False
) -> U8Array:
    """Composite an image over a background: alpha · F + (1 − alpha) · background, with F the foreground.

    The alpha A is taken in bytes: (A · F + (255 − A) · background) / 255 is rounded to the nearest byte, as on phones
    and in the browser (docs/internals/preprocessing.md). There are no ties: the bytes are the same on any processor.

    Args:
        image: uint8 [H, W, 3].
        alpha: float32 [H, W] in 0-1, which is rounded to bytes, or `AlphaU8`.
        background: uint8 [H, W, 3]; one colour as (r, g, b); or a text that `parse_background` takes: a colour
            ("green", "#00ff00"), "blur", or the path of an image.
        estimate_foreground: whether F is `estimate_foreground(image, alpha)`, which takes nothing of the image's own
            background along (computed on the way, so faster than calling it), or the image itself.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
        BackgroundError: the text names no background, or `transparent`.
        PhotoError: the image that the text names cannot be read.
    """
    image, alpha_u8 = np.ascontiguousarray(image), alpha_u8_of(image, alpha)
    if isinstance(background, str | os.PathLike):
        background = _named_background(os.fspath(background))(image, alpha_u8)
    try:
        background_image = np.asarray(background, np.uint8)
    except (TypeError, ValueError, OverflowError) as error:
        raise ImageError(
            f"the background is {background!r}; give uint8 [H, W, 3], one colour (r, g, b), or a text such as 'green'"
        ) from error
    if background_image.shape == (3,):
        background_image = plain(background_image, *image.shape[:2])
    if background_image.shape != image.shape:
        raise ImageError(f"the background has shape {background_image.shape}, the image {image.shape}")
    region = foreground.edge_region(alpha_u8) if estimate_foreground else None
    if region is None:
        return kernels.KERNELS.composite(image, alpha_u8, background_image, None)
    near, near_alpha = np.ascontiguousarray(image[region.slices]), alpha_u8.part(region)
    difference = foreground.estimate_difference(near, near_alpha)
    composed = kernels.KERNELS.composite(near, near_alpha, background_image[region.slices], difference)
    if composed.shape == image.shape:
        return composed
    whole = np.array(background_image, order="C")
    whole[region.slices] = composed
    return whole


def _named_background(text: str) -> Background:
    background = parse_background(text)
    if background is None:
        raise BackgroundError(f"a composite has no {TRANSPARENT} background; take `cutout`, which returns RGBA")
    return background


def plain(colour: U8Array | tuple[int, int, int], height: int, width: int) -> U8Array:
    """Return a background of one colour: uint8 [height, width, 3], read-only, a single row in memory."""
    row = np.tile(np.asarray(colour, np.uint8), (1, width, 1))
    return np.broadcast_to(row, (height, width, 3))


def cutout(image: U8Array, alpha: AnyAlpha, *, estimate_foreground: bool = False) -> U8Array:
    """Cut the person out of an image.

    Args:
        image: uint8 [H, W, 3], RGB.
        alpha: float32 [H, W] in 0-1, or `AlphaU8`.
        estimate_foreground: whether the colours are the estimated foreground's, or the image's own.

    Returns:
        uint8 [H, W, 4], RGBA, straight (not premultiplied).

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    alpha_u8 = alpha_u8_of(image, alpha)
    colours = foreground.estimate_foreground(image, alpha_u8) if estimate_foreground else image
    return np.dstack([colours, alpha_u8.values])


def parse_background(text: str) -> Background | None:
    """Return the background that `--background` names; None for `transparent`.

    Args:
        text: `transparent`, `blur`, a colour (`#rrggbb`, `#rgb` or a name in COLOURS), or an image's path.

    Raises:
        BackgroundError: the text is none of these.
        PhotoError: the image cannot be read.
    """
    word = text.lower()
    if word == TRANSPARENT:
        return None
    if word == BLUR:
        return gaussian_blurred_background
    colour = _parse_colour(word)
    if colour is not None:
        return lambda image, _: plain(colour, *image.shape[:2])
    if not text or text.startswith("#") or not Path(text).exists():
        raise BackgroundError(
            f"background {text!r}: no such image, and no colour; give #rrggbb, #rgb, {', '.join(COLOURS)}, "
            f"{BLUR}, {TRANSPARENT} or an image's path"
        )
    photo = read_photo(text)
    return lambda image, _: cover(photo, image.shape[0], image.shape[1])


def cover(image: U8Array, height: int, width: int) -> U8Array:
    """Scale an image to cover height × width, and crop the rest evenly: uint8 [height, width, 3]."""
    check_rgb_bytes(image)
    scale = max(height / image.shape[0], width / image.shape[1])
    cropped_height = max(1, min(image.shape[0], round(height / scale)))
    cropped_width = max(1, min(image.shape[1], round(width / scale)))
    top, left = (image.shape[0] - cropped_height) // 2, (image.shape[1] - cropped_width) // 2
    cropped = image[top : top + cropped_height, left : left + cropped_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(cropped, (width, height), interpolation=method), np.uint8)


def gaussian_blurred_background(image: U8Array, alpha: AnyAlpha) -> U8Array:
    """Blur a photo's own background, without a halo of the foreground's colours: uint8 [H, W, 3].

    A Gaussian blur weighted by 1 − alpha (normalized convolution; Knutsson and Westin, 1993), in float and at up to
    512 pixels. `mmnet.runtime.box_blurred_background` is the coarser blur in integers for camera frames, with the same
    bytes on every platform.

    Args:
        image: uint8 [H, W, 3].
        alpha: float32 [H, W] in 0-1, or `AlphaU8`.

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
    """
    alpha = alpha_u8_of(image, alpha).as_float()
    height, width = alpha.shape
    scale = min(1.0, _BLUR_SIDE / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = 1 - cv2.resize(alpha, small, interpolation=cv2.INTER_AREA) + np.float32(1e-3)
    colour = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    sums: F32Array = np.asarray(
        cv2.GaussianBlur(np.dstack([colour * weight[..., None], weight]), (0, 0), _BLUR_SIGMA), np.float32
    )
    soft = np.rint(sums[..., :3] / sums[..., 3:]).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _parse_colour(word: str) -> tuple[int, int, int] | None:
    digits = word.removeprefix("#")
    if word.startswith("#") and len(digits) in (3, 6):
        if len(digits) == 3:
            digits = "".join(2 * digit for digit in digits)
        try:
            red, green, blue = bytes.fromhex(digits)
        except ValueError:  # not hexadecimal digits, or spaces among them
            return None
        return red, green, blue
    return COLOURS.get(word)
