"""The network's alpha at the photo's size.

The network sees S×S pixels, so its alpha knows no hair that is thinner than a pixel there. The photo does.
FULL_RESOLUTION.md has what each method was found to be worth.
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.errors import MMNetError
from mmnet.runtime.fit import Rectangle
from mmnet.runtime.model import Alpha
from mmnet.runtime.preprocess import Bytes, ImageError, check_rgb_bytes, resample
from mmnet.runtime.tiles import TILE, Field, Floats, for_edges, for_runs

_WHITE = 65535  # 257 · 255
_WORDS = 257  # in a byte

# Of the guided method, in pixels of the network's size; chosen on portraits, see FULL_RESOLUTION.md.
RADIUS = 2  # of the window that colours are fitted to alpha in
EPSILON = 64  # squared grey levels: contrast below 8 levels is taken for noise
CERTAIN = 2 / 255  # alpha as near as this to 0 or 1 is taken for 0 or 1
_WINDOW = 2 * RADIUS + 1, 2 * RADIUS + 1
_SLOPE = 4096  # slopes, bytes of alpha a grey level, are kept in 1/4096; they are below 8 (see `_slopes`)
_OFFSET = 16  # offsets in 1/16 byte of alpha
_POSITION = 256


class Upsampling(StrEnum):
    """How the network's alpha comes to the photo's size.

    BILINEAR: without looking at the photo.
    GUIDED: edges where the photo has them: a guided filter's slopes carry the photo's detail into the alpha.
    """

    BILINEAR = "bilinear"
    GUIDED = "guided"


DEFAULT = Upsampling.GUIDED


class UpsamplingError(MMNetError):
    """A method that there is not."""


def choose_upsampling(name: str) -> Upsampling:
    """The method called `name`.

    Raises:
        UpsamplingError: there is none; lists those there are.
    """
    try:
        return Upsampling(name)
    except ValueError:
        raise UpsamplingError(f"upsampling {name!r} is unknown; choose one of {', '.join(Upsampling)}") from None


def upsample_alpha(
    alpha: Alpha, photo: Bytes, method: Upsampling = DEFAULT, *, model_input: Bytes | None = None
) -> Alpha:
    """Bring the network's alpha to the size of the photo that it was computed from.

    GUIDED is the fast guided filter (He and Sun, 2015) with the photo's colours as the guide: where alpha changes,
    α ≈ a · colour + b is fitted in windows of 5×5 at the network's size, and a and b are interpolated. It differs in
    two ways. b is chosen so that the network's own alpha is kept at its pixels, where the filter would blur it.
    And the guide is blurred by the binomial 1 2 1, about as much as the network blurs, so that what the blur took
    from alpha is restored from the photo. Where alpha is 0, or 1, in a whole window, it stays that. A photo that is
    no larger than the network's input is upsampled bilinearly.

    Either method gives the same bytes on any processor: everything is computed in whole numbers, but for the slopes,
    whose few operations in float64 IEEE 754 defines to the bit.

    Args:
        alpha: float32 [S, S] in 0-1, of the whole photo (`Fit.STRETCH`).
        photo: uint8 [H, W, 3], RGB, any H, W >= 1.
        method: how.
        model_input: what the network saw, uint8 [S, S, 3], where it is at hand: it then need not be made again.

    Returns:
        float32 [H, W] in 0-1, multiples of 1/65535. The temporary memory is a few megabytes, whatever the photo.

    Raises:
        ImageError: an array of another shape or dtype, or alpha outside 0-1.
    """
    check_rgb_bytes(photo)
    if alpha.ndim != 2 or not alpha.size or alpha.dtype != np.float32:
        raise ImageError(f"the alpha is {alpha.dtype} {list(alpha.shape)}; give float32 [S, S]")
    if not (alpha.min() >= 0 and alpha.max() <= 1):
        raise ImageError("the alpha is not within 0-1")
    height, width = photo.shape[:2]
    if method is Upsampling.BILINEAR or (height <= alpha.shape[0] and width <= alpha.shape[1]):
        return resize_alpha(alpha, height, width)
    if model_input is None:
        model_input = resample(photo, *alpha.shape)
    elif check_rgb_bytes(model_input).shape[:2] != alpha.shape:
        raise ImageError(f"the model's input has shape {model_input.shape}, its alpha {alpha.shape}")
    return _guided(alpha, np.ascontiguousarray(photo), model_input)


def resize_alpha(alpha: Alpha, height: int, width: int) -> Alpha:
    """float32 [S, S] in 0-1 → [height, width]: bilinear, half-pixel centres, repeated edges, the same on any processor.

    It is computed in 16 bits, in which a byte / 255 is exact: OpenCV's floats round differently where the processor
    fuses multiplication and addition, as Arm does.
    """
    resized = cv2.resize(_words(alpha), (width, height), interpolation=cv2.INTER_LINEAR_EXACT)
    return np.asarray(resized, np.float32) / np.float32(_WHITE)


def _words(alpha: Alpha) -> NDArray[np.uint16]:
    return np.asarray(np.rint(alpha * np.float32(_WHITE)), np.uint16)


def _guided(alpha: Alpha, photo: Bytes, model_input: Bytes) -> Alpha:
    height, width = photo.shape[:2]
    words = _words(alpha)
    words[alpha <= np.float32(CERTAIN)] = 0
    words[alpha >= np.float32(1 - CERTAIN)] = _WHITE
    guide = np.asarray(cv2.GaussianBlur(model_input, (3, 3), 0), np.uint8)  # in whole numbers, rounded half up
    edge = _varies(words)
    slopes = _slopes(words, guide, edge)
    # α = Σ slope · (photo − guide) + words, of which what does not depend on the photo is the offset.
    carried = (slopes * guide.transpose(2, 0, 1)).sum(axis=0) / (_SLOPE / _OFFSET)
    offset = np.rint(words / (_WORDS / _OFFSET) - carried).astype(np.float32)
    step = 1
    while step < 8 and height >= 2 * step * alpha.shape[0] and width >= 2 * step * alpha.shape[1]:
        step *= 2
    mixed = edge | ((words > 0) & (words < _WHITE))
    line = Field(_stretch(np.concatenate([slopes, offset[None]]), height, width, step), step)

    top, bottom = _reach(alpha.shape[0], height, step)
    left, right = _reach(alpha.shape[1], width, step)
    edges = cv2.integral(mixed.astype(np.uint8))
    crossed = edges[bottom][:, right] - edges[bottom][:, left] > edges[top][:, right] - edges[top][:, left]
    out = np.zeros((height, width), np.float32)

    def fill(place: Rectangle) -> None:
        out[place.slices] = 1

    def lay(place: Rectangle) -> None:
        *slopes, offset = line.at(place)
        planes = cv2.split(photo[place.slices])
        total, *others = (slope * plane for slope, plane in zip(slopes, planes, strict=True))
        for other in others:
            total += other
        total *= np.float32(_OFFSET / _SLOPE)
        total += offset
        total *= np.float32(_WORDS / _OFFSET)
        np.rint(total, out=total)
        np.clip(total, 0, _WHITE, out=total)
        np.divide(total, np.float32(_WHITE), out=out[place.slices])

    for_runs(~crossed & (words[top[:, None], left] == _WHITE), out.shape, fill)
    for_edges(crossed, out.shape, lay)
    return out


def _stretch(values: Floats, height: int, width: int, step: int) -> Floats:
    """Whole numbers [C, S, S] that cover height × width pixels → on cells of step × step pixels, bilinear, rounded.

    As PREPROCESSING.md, section 4.2, with 8 fractional bits.
    """
    for axis, side in ((1, height), (2, width)):
        last = values.shape[axis] - 1
        centre = (2 * np.arange(-(-side // step)) + 1) * step
        position = (centre * (last + 1) * _POSITION // (2 * side) - _POSITION // 2).clip(0, last * _POSITION)
        near, fraction = np.divmod(position, _POSITION)
        weight = (fraction / np.float32(_POSITION)).astype(np.float32).reshape((-1, 1) if axis == 1 else -1)
        first = values.take(near, axis=axis)
        change = values.take(np.minimum(near + 1, last), axis=axis)
        change -= first
        change *= weight
        values = np.rint(np.add(first, change, out=change), out=change)
    return values


def _reach(cells: int, pixels: int, step: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Along one axis of `cells` cells on `pixels` pixels: the first cell that each tile looks at, and the one after.

    Of the steps next to a tile, half a step may be looked at, and of the cells next to those, one.
    """
    first = np.arange(0, pixels, TILE) - step
    last = first + TILE + 2 * step
    return (first * cells // pixels - 1).clip(0, cells - 1), (last * cells // pixels + 2).clip(1, cells)


def _varies(words: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Where a window holds more than one value: bool [S, S]."""
    window = np.ones(_WINDOW, np.uint8)
    return np.asarray(cv2.dilate(words, window) != cv2.erode(words, window))


def _slopes(words: NDArray[np.uint16], guide: Bytes, where: NDArray[np.bool_]) -> Floats:
    """How alpha changes with each colour: float32 [3, S, S], whole, times `_SLOPE`; 0 but at `where`.

    He, Sun and Tang, "Guided Image Filtering" (2013), eq. 19: a = (Σ + ε)⁻¹ · cov(guide, α), by Cramer's rule. No
    slope is steeper than σ(α) / 2√ε, which is below 8.
    """
    slopes = np.zeros((3, *words.shape), np.float32)
    left, top, width, height = cv2.boundingRect(where.astype(np.uint8))
    if not width:
        return slopes
    # Beyond this, nothing is looked at. Where it is cut inside the picture, no window that counts reaches the cut.
    seen = tuple(slice(max(0, start - RADIUS), start + side + RADIUS) for start, side in ((top, height), (left, width)))
    byte = np.rint(words[seen] / np.float32(_WORDS))
    red, green, blue = guide[seen].astype(np.float32).transpose(2, 0, 1).copy()
    at = np.flatnonzero(where[seen])
    count = float(_WINDOW[0] * _WINDOW[1])

    def total(plane: Floats) -> NDArray[np.float64]:
        sums = cv2.boxFilter(plane, -1, _WINDOW, normalize=False, borderType=cv2.BORDER_REPLICATE)
        return sums.ravel()[at].astype(np.float64)

    r, g, b, p = map(total, (red, green, blue, byte))

    def covariance(x: Floats, of_x: NDArray[np.float64], y: Floats, of_y: NDArray[np.float64]) -> NDArray[np.float64]:
        return count * total(x * y) - of_x * of_y

    ridge = EPSILON * count * count
    rr = covariance(red, r, red, r) + ridge
    gg = covariance(green, g, green, g) + ridge
    bb = covariance(blue, b, blue, b) + ridge
    rg, rb, gb = covariance(red, r, green, g), covariance(red, r, blue, b), covariance(green, g, blue, b)
    rp, gp, bp = (covariance(x, of_x, byte, p) for x, of_x in ((red, r), (green, g), (blue, b)))
    first, second, third = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    fourth, fifth, sixth = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = _SLOPE / (rr * first + rg * second + rb * third)
    fitted = (
        (first * rp + second * gp + third * bp) * scale,
        (second * rp + fourth * gp + fifth * bp) * scale,
        (third * rp + fifth * gp + sixth * bp) * scale,
    )
    for plane, slope in zip(slopes, fitted, strict=True):
        plane[where] = np.rint(slope)
    return slopes
