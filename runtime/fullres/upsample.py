"""The network's alpha at the photo's size.

The network sees S×S pixels, so its alpha knows no hair that is thinner than a pixel there. The photo does.
full-resolution.md has what each method was found to be worth.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import Alpha, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.fullres import compiled
from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha
from mmnet.runtime.fullres.guided import OFFSET, SLOPE, WHITE, Words, fit, varies
from mmnet.runtime.fullres.tiles import TILE_HEIGHT, TILE_WIDTH, Flags, Strip, Taps, runs, strips, whole_row
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes, resample

CERTAIN = 2 / 255  # alpha as near as this to 0 or 1 is taken for 0 or 1, where it is guided
_SUM = np.ones((1, 3), np.float32)


class Upsampling(StrEnum):
    """How the network's alpha comes to the photo's size.

    BILINEAR: without looking at the photo.
    GUIDED: edges where the photo has them: a guided filter's slopes carry the photo's detail into the alpha.
    """

    BILINEAR = "bilinear"
    GUIDED = "guided"


DEFAULT = Upsampling.GUIDED


class UpsamplingError(MMNetError):
    """The name of an unknown upsampling method."""


def choose_upsampling(name: str) -> Upsampling:
    """Return the upsampling method called `name`.

    Raises:
        UpsamplingError: there is no such method; the message lists the methods.
    """
    try:
        return Upsampling(name)
    except ValueError:
        raise UpsamplingError(f"unknown upsampling method {name!r}; choose one of {', '.join(Upsampling)}") from None


def upsample_alpha(
    alpha: Alpha, photo: U8Array, method: Upsampling = DEFAULT, *, model_input: U8Array | None = None
) -> Alpha:
    """Bring the network's alpha to the size of the photo that it was computed from.

    As `upsample`, but float32 [H, W] in 0-1: multiples of 1/65535, or of 1/255, where alpha is guided.
    """
    found = upsample(alpha, photo, method, model_input=model_input)
    return found.as_float() if isinstance(found, AlphaU8) else found


def upsample(
    alpha: Alpha, photo: U8Array, method: Upsampling = DEFAULT, *, model_input: U8Array | None = None
) -> AnyAlpha:
    """Bring the network's alpha to the size of the photo that it was computed from.

    GUIDED is the fast guided filter (He and Sun, 2015) with the photo's colours as the guide: where alpha changes,
    α ≈ a · colour + b is fitted in windows of 5×5 at the network's size, and a and b are interpolated. It differs in
    three ways. a is fitted only where alpha is not that of all four neighbours. b is chosen so that the network's own
    alpha is kept at its pixels, where the filter would blur it. And the guide is blurred by the binomial 1 2 1, about
    as much as the network blurs, so that what the blur took from alpha is restored from the photo. A photo that is no
    larger than the network's input is upsampled bilinearly.

    Either method gives the same bytes on any processor: everything is computed in whole numbers, but for the slopes,
    whose few operations in float64 IEEE 754 defines to the bit.

    Args:
        alpha: float32 [S, S] in 0-1, of the whole photo (`Fit.STRETCH`).
        photo: uint8 [H, W, 3], RGB, any H, W >= 1.
        method: how.
        model_input: what the network saw, uint8 [S, S, 3], where it is at hand: it then need not be made again.

    Returns:
        float32 [H, W] in 0-1, multiples of 1/65535; where it is guided, `AlphaU8`, which what comes after takes as it
        is. The temporary memory is a few megabytes, whatever the photo.

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
    return np.asarray(resized, np.float32) / np.float32(WHITE)


def _words(alpha: Alpha) -> Words:
    return np.asarray(np.rint(alpha * np.float32(WHITE)), np.uint16)


def _guided(alpha: Alpha, photo: U8Array, model_input: U8Array) -> AlphaU8:
    height, width = photo.shape[:2]
    words = _words(alpha)
    words[alpha <= np.float32(CERTAIN)] = 0
    words[alpha >= np.float32(1 - CERTAIN)] = WHITE
    guide = np.asarray(cv2.GaussianBlur(model_input, (3, 3), 0), np.uint8)  # in whole numbers, rounded half up
    edge = varies(words)
    mixed = edge | ((words > 0) & (words < WHITE))
    line = _Line(fit(words, guide, edge), height, width)

    top, bottom = _reach(alpha.shape[0], height, line.step, TILE_HEIGHT)
    left, right = _reach(alpha.shape[1], width, line.step, TILE_WIDTH)
    edges = cv2.integral(mixed.astype(np.uint8))
    crossed = edges[bottom][:, right] - edges[bottom][:, left] > edges[top][:, right] - edges[top][:, left]
    inside = ~crossed & (words[top[:, None], left] == WHITE)
    return line.shares(photo, crossed, inside)


class _Line:
    """α as slope · colour + offset, at every pixel of a photo."""

    def __init__(self, fitted: F32Array, height: int, width: int) -> None:
        """Bring what was fitted at the network's size (`guided.fit`) to a photo of height × width pixels.

        It is interpolated twice: between the network's pixels, on cells of a power of two of the photo's, and between
        those.
        """
        self.step = 1
        while self.step < 8 and height >= 2 * self.step * fitted.shape[0] and width >= 2 * self.step * fitted.shape[1]:
            self.step *= 2
        self._fitted = fitted
        self._rows = Taps.of(fitted.shape[0], height, self.step)
        self._columns = Taps.of(fitted.shape[1], width, self.step)

    def shares(self, photo: U8Array, crossed: Flags, inside: Flags) -> AlphaU8:
        """α of a photo: of the tiles `crossed` computed; of others 255 where they are `inside`, else 0."""
        if compiled.LIBRARY is not None:
            lies = self._rows, self._columns, self.step
            return compiled.guide(self._fitted, *lies, (SLOPE, OFFSET), photo, crossed, inside)
        opaque, crossed_by = runs(inside, photo.shape), strips(crossed, photo.shape)

        def fill(row: int, share: U8Array) -> None:
            share[whole_row(row, photo.shape).slices] = 0
            for place in opaque[row]:
                share[place.slices] = 255
            if strip := crossed_by[row]:
                strip.put(self.at(strip, strip.take(photo)), share)

        return AlphaU8.filled(photo.shape[:2], fill)

    def at(self, strip: Strip, pixels: U8Array) -> U8Array:
        """α at the pixels of a strip, uint8 [height, width, 3]: uint8 [height, width], 255 = the person."""
        rows, columns = strip.cells(self.step)
        cells = _between(_between(self._fitted, self._rows, rows, axis=0), self._columns, columns, axis=1)
        terms = strip.enlarge(np.ascontiguousarray(cells[..., :3]), self.step)
        cv2.multiply(terms, pixels, dst=terms, scale=1 / SLOPE, dtype=cv2.CV_32F)
        total = cv2.transform(terms, _SUM)
        offset = strip.enlarge(cells[..., 3] * np.float32(1 / OFFSET), self.step)
        # OpenCV rounds to whole numbers, and those beyond 0-255 to these.
        return np.asarray(cv2.add(total, offset, dtype=cv2.CV_8U), np.uint8)


def _between(values: F32Array, taps: Taps, some: slice | NDArray[np.intp], axis: int) -> F32Array:
    """Whole numbers [h, w, C] interpolated along an axis, at some cells, rounded."""
    first = values.take(taps.first[some], axis=axis)
    change = values.take(taps.second[some], axis=axis)
    fraction = taps.fraction[some]
    change -= first
    change *= fraction[:, None, None] if axis == 0 else fraction.repeat(values.shape[2]).reshape(-1, values.shape[2])
    change += first
    return np.rint(change, out=change)


@lru_cache(maxsize=8)
def _reach(values: int, pixels: int, step: int, tile: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Along an axis of `values` values on `pixels` pixels: the first that each tile looks at, and the one after.

    Of the cells next to a tile, half a cell may be looked at, and of the values next to those, one.
    """
    first = np.arange(0, pixels, tile) - step
    last = first + tile + 2 * step
    return (first * values // pixels - 1).clip(0, values - 1), (last * values // pixels + 2).clip(1, values)
