"""Photo + alpha matte → the person in front of another background."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres import compiled, foreground
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, alpha_u8_of
from mmnet.runtime.fullres.foreground import COARSEST, Mixture
from mmnet.runtime.fullres.tiles import rows_of_tiles, runs, strips, whole_row
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes

Background = Callable[[U8Array, AnyAlpha], U8Array]  # (photo, alpha) -> uint8 [H, W, 3] to lay behind it

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

_BLUR_SIDE = 512  # the blur is computed at this size: it holds no detail that needs more
_BLUR_SIGMA = 10.0  # pixels at that size: about 2 % of the longer side


class BackgroundError(MMNetError):
    """A background that is neither a colour, an image, `blur` nor `transparent`."""


def composite(
    image: U8Array, alpha: AnyAlpha, background: U8Array | tuple[int, int, int], *, estimate_foreground: bool = False
) -> U8Array:
    """alpha · F + (1 − alpha) · background, where F is the image or the person's colours.

    The alpha A is taken in bytes: (A · F + (255 − A) · background) / 255 is rounded to the nearest byte, as on phones
    and in the browser (preprocessing.md). There are no ties, and the bytes are the same on any processor.

    Args:
        image: uint8 [H, W, 3].
        alpha: float32 [H, W] in 0-1, which is rounded to bytes, or `AlphaU8`.
        background: uint8 [H, W, 3], or one colour.
        estimate_foreground: F is `foreground.estimate_foreground(image, alpha)` (made on the way, so faster): nothing
            of the photo's own background is carried along. Otherwise F is the image itself.

    Returns:
        uint8 [H, W, 3].

    Raises:
        ImageError: the shapes or dtypes do not fit, or alpha leaves 0-1.
    """
    image, shares = np.ascontiguousarray(image), alpha_u8_of(image, alpha)
    behind = np.asarray(background, np.uint8)
    if behind.shape == (3,):
        behind = plain(behind, *image.shape[:2])
    if behind.shape != image.shape:
        raise ImageError(f"the background has shape {behind.shape}, the image {image.shape}")
    mixture = Mixture(image, shares.values) if estimate_foreground and shares.edges.any() else None
    return _lay(image, shares, behind, mixture)


def _lay(image: U8Array, shares: AlphaU8, behind: U8Array, mixture: Mixture | None) -> U8Array:
    if compiled.LIBRARY is not None:
        difference, step = (None, COARSEST) if mixture is None else (mixture.difference, mixture.step)
        return compiled.lay(image, shares, behind, difference, step)
    out = np.empty(image.shape, np.uint8)
    opaque, edges = runs(shares.opaque, out.shape), strips(shares.edges, out.shape)
    for row in rows_of_tiles(len(out)):
        whole = whole_row(row, out.shape).slices
        out[whole] = behind[whole]
        for place in opaque[row]:
            out[place.slices] = image[place.slices]
        if strip := edges[row]:
            front, share = strip.take(image), strip.take(shares.values)
            if mixture is not None:
                front = mixture.undone(strip, front, share)
            strip.put(_blend(front, strip.take(behind), share), out)
    return out


def _blend(front: U8Array, behind: U8Array, share: U8Array) -> U8Array:
    """(share · front + (255 − share) · behind) / 255, rounded, in which there are no ties; all sums fit 16 bits."""
    weight = cv2.cvtColor(share, cv2.COLOR_GRAY2RGB)
    total = np.multiply(front, weight, dtype=np.uint16)
    total += np.multiply(behind, cv2.bitwise_not(weight), dtype=np.uint16)
    # ⌊(n + 127) / 255⌋ without a division, for n up to 255².
    total += np.uint16(128)
    total += total >> np.uint16(8)
    return (total >> np.uint16(8)).astype(np.uint8)


def plain(colour: U8Array | tuple[int, int, int], height: int, width: int) -> U8Array:
    """A background of one colour: uint8 [height, width, 3], read-only, of a single row in memory."""
    row = np.tile(np.asarray(colour, np.uint8), (1, width, 1))
    return np.broadcast_to(row, (height, width, 3))


def cutout(image: U8Array, alpha: AnyAlpha, *, estimate_foreground: bool = False) -> U8Array:
    """The person alone: uint8 [H, W, 4], RGBA, straight (not premultiplied).

    Args:
        image: uint8 [H, W, 3], RGB.
        alpha: float32 [H, W] in 0-1, or `AlphaU8`.
        estimate_foreground: whether the colours are the estimated foreground's, or the image's own.

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    shares = alpha_u8_of(image, alpha)
    colours = foreground.estimate_foreground(image, shares) if estimate_foreground else image
    return np.dstack([colours, shares.values])


def parse_background(text: str) -> Background | None:
    """What `--background` means; None for `transparent`.

    Args:
        text: `transparent`, `blur`, a colour (`#rrggbb`, `#rgb` or a name in COLOURS), or an image's path.

    Raises:
        BackgroundError: none of these.
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
            f"--background {text}: no such image, and no colour; give #rrggbb, #rgb, {', '.join(COLOURS)}, "
            f"{BLUR}, {TRANSPARENT} or an image's path"
        )
    photo = read_photo(text)
    return lambda image, _: cover(photo, image.shape[0], image.shape[1])


def cover(image: U8Array, height: int, width: int) -> U8Array:
    """Scale `image` to cover height × width, and cut what stands over evenly: uint8 [height, width, 3]."""
    check_rgb_bytes(image)
    scale = max(height / image.shape[0], width / image.shape[1])
    taken_height = max(1, min(image.shape[0], round(height / scale)))
    taken_width = max(1, min(image.shape[1], round(width / scale)))
    top, left = (image.shape[0] - taken_height) // 2, (image.shape[1] - taken_width) // 2
    taken = image[top : top + taken_height, left : left + taken_width]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(taken, (width, height), interpolation=method), np.uint8)


def gaussian_blurred_background(image: U8Array, alpha: AnyAlpha) -> U8Array:
    """The photo's own background out of focus, without a halo of the person's colours: uint8 [H, W, 3].

    A Gaussian weighted by 1 − alpha (normalized convolution; Knutsson and Westin, 1993).
    """
    alpha = alpha_u8_of(image, alpha).as_float()
    height, width = alpha.shape
    scale = min(1.0, _BLUR_SIDE / max(height, width))
    small = (max(1, round(width * scale)), max(1, round(height * scale)))
    weight = 1 - cv2.resize(alpha, small, interpolation=cv2.INTER_AREA) + np.float32(1e-3)
    colour = cv2.resize(image, small, interpolation=cv2.INTER_AREA).astype(np.float32)
    spread: F32Array = np.asarray(
        cv2.GaussianBlur(np.dstack([colour * weight[..., None], weight]), (0, 0), _BLUR_SIGMA), np.float32
    )
    soft = np.rint(spread[..., :3] / spread[..., 3:]).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _parse_colour(word: str) -> tuple[int, int, int] | None:
    digits = word.removeprefix("#")
    if word.startswith("#") and len(digits) in (3, 6):
        if len(digits) == 3:
            digits = "".join(2 * digit for digit in digits)
        try:
            red, green, blue = bytes.fromhex(digits)
        except ValueError:  # no hexadecimal digits, or spaces among them
            return None
        return red, green, blue
    return COLOURS.get(word)
