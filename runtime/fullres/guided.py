"""Alpha as a line of the colours around: the guided filter's fit, at the network's size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.runtime.fullres import compiled
from mmnet.runtime.fullres.tiles import Flags

Words = NDArray[np.uint16]

WHITE = 65535  # 257 · 255
_WORDS = 257  # in a byte
SLOPE = 4096  # slopes, bytes of alpha a grey level, are kept in 1/4096; they are below 8 (see `_slopes`)
OFFSET = 16  # offsets in 1/16 byte of alpha

# In pixels of the network's size; chosen on portraits, see full-resolution.md.
RADIUS = 2  # of the window that colours are fitted to alpha in
EPSILON = 64  # squared grey levels: contrast below 8 levels is taken for noise
_NEIGHBOURS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
_WINDOW = 2 * RADIUS + 1, 2 * RADIUS + 1


def varies(words: Words) -> Flags:
    """Where α is not that of all four neighbours: bool [S, S]. Beyond, photos have nothing to add."""
    return np.asarray(cv2.dilate(words, _NEIGHBOURS) != cv2.erode(words, _NEIGHBOURS))


def fit(words: Words, guide: U8Array, where: Flags) -> F32Array:
    """α ≈ Σ slope · colour + offset, such that it holds at each pixel of the guide.

    Args:
        words: α, uint16 [S, S], `WHITE` = the person.
        guide: uint8 [S, S, 3].
        where: bool [S, S]; elsewhere the slopes are 0.

    Returns:
        float32 [S, S, 4], whole: three slopes, times `SLOPE`, and the offset, in 1/`OFFSET` byte; |v| < 2^16.
    """
    if compiled.LIBRARY is not None:
        return compiled.fit(words, guide, where, RADIUS, EPSILON, (SLOPE, OFFSET))
    planes = np.zeros((4, words.size), np.float32)
    *slopes, offset = planes
    np.rint(words.ravel() * np.float32(OFFSET / _WORDS), out=offset)
    at = np.flatnonzero(where)
    if at.size:
        carried = np.zeros(at.size)
        for plane, slope, colour in zip(slopes, _slopes(words, guide, at), cv2.split(guide), strict=True):
            plane[at] = slope
            carried += slope * colour.ravel().take(at)
        offset[at] = np.rint(words.ravel().take(at) / (_WORDS / OFFSET) - carried / (SLOPE / OFFSET))
    return np.asarray(cv2.merge([plane.reshape(words.shape) for plane in planes]), np.float32)


def _slopes(words: Words, guide: U8Array, at: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
    """How alpha changes with each colour, at some pixels (of the flat image): three of float64 [N], times `SLOPE`.

    He, Sun and Tang, "Guided Image Filtering" (2013), eq. 19: a = (Σ + ε)⁻¹ · cov(guide, α), by Cramer's rule. No
    slope is steeper than σ(α) / 2√ε, which is below 8.
    """
    red, green, blue = (plane.astype(np.uint16) for plane in cv2.split(guide))
    byte = np.rint(words / np.float32(_WORDS)).astype(np.uint16)
    count = _WINDOW[0] * _WINDOW[1]

    def total(plane: Words) -> NDArray[np.int32]:
        sums = cv2.boxFilter(plane, cv2.CV_32S, _WINDOW, normalize=False, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(sums, np.int32).ravel().take(at)

    of = {id(plane): total(plane) for plane in (red, green, blue, byte)}

    def covariance(x: Words, y: Words) -> NDArray[np.float64]:
        found = total(x * y)
        found *= np.int32(count)
        found -= of[id(x)] * of[id(y)]
        return found.astype(np.float64)  # whole, up to (25 · 255)²

    ridge = EPSILON * count * count
    rr, gg, bb = (covariance(colour, colour) + ridge for colour in (red, green, blue))
    rg, rb, gb = covariance(red, green), covariance(red, blue), covariance(green, blue)
    rp, gp, bp = (covariance(colour, byte) for colour in (red, green, blue))
    first, second, third = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    fourth, fifth, sixth = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = SLOPE / (rr * first + rg * second + rb * third)
    return (
        np.rint((first * rp + second * gp + third * bp) * scale),
        np.rint((second * rp + fourth * gp + fifth * bp) * scale),
        np.rint((third * rp + fifth * gp + sixth * bp) * scale),
    )
