"""A video's mattes, smoothed: each is averaged with those before it, along the motion, where nothing else changed.

A network that sees one frame at a time makes something else of the same edge in every frame, because of noise,
compression and exposure. What it is smoothed by:

1. Dense optical flow between the two frames (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV
   2016), at 128×128 at most. Around the person it is the person's, with whom the matte moves; at the edge itself it
   would lie between the person's and that of what is behind.
2. The matte so far, carried along the flow.
3. The residual: what of the image the flow does not explain, less what all of the image shows (noise, and an
   exposure that changed). Where there is none, the new matte counts `new` (an exponential average); where it
   reaches `tolerance`, in occlusions and where the flow is wrong, the new matte counts alone, so that nothing is
   smeared.
4. If most of the image is not explained, the scene was cut: the new matte is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError

AlphaValues = AnyArray  # uint8 or float32
Words = NDArray[np.uint16]

# Chosen on sequences of other people than those reported: tools/smoothing.py.
NEW, TOLERANCE = 0.25, 4.0

_WHITE = 65535  # 257 · 255: a byte is exact in 16 bits
_FLOW_SIDE = 128
_LEAST_FLOW_SIDE = 32  # below, patches of the flow do not fit
_BOX = 5  # pixels at the flow's size over which the residual is averaged
_AROUND = 21  # pixels at the flow's size over which the person's motion is averaged
_LEAST_PERSON = 1e-4  # what counts as a person where there is none
_CUT = 12.0  # of 255: a residual of half of the image beyond any noise
_ONE_BITS = 8
_ONE = 1 << _ONE_BITS  # of the weights


class SmoothingError(MMNetError):
    """An alpha or a frame that cannot be smoothed, or an option out of range."""


@dataclass(frozen=True)
class _Before:
    """What is remembered of the past: all of it at the last frame's place.

    Attributes:
        alpha: uint16 [S, S], the smoothed matte, 65535 = the person.
        grey: uint8 [G, G], the frame.
    """

    alpha: Words
    grey: U8Array


class TemporalSmoother:
    """Smooths the mattes of one video, a frame at a time: causal, without delay.

        smooth = TemporalSmoother()
        for frame in frames:
            image = to_model_input(frame, model.size)
            alpha = smooth(model.run(image), image)

    It remembers one matte and one small frame. The same frames give the same bytes, on any number of threads; the flow
    is computed in floats, so another kind of processor may round otherwise. One object is for one video, and for one
    thread at a time.

    Attributes:
        options: what it was made with, by name.
    """

    def __init__(self, new: float = NEW, tolerance: float = TOLERANCE) -> None:
        """Set how strongly to steady.

        Args:
            new: how much of a new matte counts where nothing but noise changed, above 0 and at most 1; 1: do nothing.
            tolerance: residual of the image, of 255 and above its noise, at which the new matte counts alone;
                above 0.

        Raises:
            SmoothingError: one of them is out of range.
        """
        if not 0 < new <= 1:
            raise SmoothingError(f"new is {new}; it must be above 0 and at most 1")
        if not 0 < tolerance <= 255:
            raise SmoothingError(f"tolerance is {tolerance}; it must be above 0 and at most 255")
        self.options: dict[str, float] = {"new": new, "tolerance": tolerance}
        self._least = max(1, round(_ONE * new))
        self._slope = (_ONE - self._least) / tolerance
        self._before: _Before | None = None
        self._flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self._flow.setFinestScale(1)
        # Otherwise patches wait for their neighbours, in stripes: as many as there are threads.
        self._flow.setUseSpatialPropagation(False)

    def __call__(self, alpha: AlphaValues, frame: U8Array) -> AlphaValues:
        """Steady one matte.

        Args:
            alpha: the model's, uint8 [S, S], 255 = the person, or float32 [S, S] in 0-1.
            frame: what it was computed from, uint8 [S, S, 3], RGB.

        Returns:
            As `alpha`, a new array. The first of a video, of a scene, and of another size than the one before comes
            back as it is.

        Raises:
            SmoothingError: other arrays.
        """
        words, grey = _to_words(alpha), _to_grey(frame)
        if frame.shape[:2] != alpha.shape:
            raise SmoothingError(f"the alpha is {alpha.shape}, its frame {frame.shape}; give the model's own input")
        before = self._before
        if before is not None and before.alpha.shape == words.shape:
            words = self._smoothed(words, grey, before)
        self._before = _Before(words, grey)
        return _like(alpha, words)

    def reset(self) -> None:
        """Forget the past: what comes next is another video or another scene."""
        self._before = None

    def _smoothed(self, alpha: Words, grey: U8Array, before: _Before) -> Words:
        side = len(alpha)
        flow = self._motion(alpha, grey, before.grey)
        residual = _residual(grey, _carried(before.grey, flow))
        noise = _middle(residual)
        if noise > _CUT:
            return alpha
        weight = (residual - np.float32(noise)) * np.float32(self._slope) + np.float32(self._least)
        weight = weight.clip(self._least, _ONE)
        weight[_is_outside(flow)] = _ONE
        share = cv2.resize(weight, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.int32)
        flow = np.asarray(cv2.resize(flow, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
        # Carried from frame to frame, a bilinear matte would become softer and softer.
        past = _carried(before.alpha, flow * np.float32(side / len(grey)), cv2.INTER_CUBIC).astype(np.int32)
        smoothed: NDArray[np.int32] = past + ((share * (alpha - past) + _ONE // 2) >> _ONE_BITS)
        return smoothed.astype(np.uint16)

    def _motion(self, alpha: Words, grey: U8Array, before: U8Array) -> F32Array:
        """Where each pixel was, x and y relative to where it is; around the person, hers: float32 [G, G, 2]."""
        flow = np.zeros((*grey.shape, 2), np.float32)
        if len(grey) < _LEAST_FLOW_SIDE:
            return flow
        flow = np.asarray(self._flow.calc(grey, before, flow), np.float32)
        small = np.asarray(cv2.resize(alpha, grey.shape, interpolation=cv2.INTER_AREA), np.float32)
        person = np.square(small / np.float32(_WHITE)) + np.float32(_LEAST_PERSON)
        moving, there = (cv2.blur(values, (_AROUND, _AROUND)) for values in (flow * person[..., None], person))
        return np.asarray(moving / there[..., None], np.float32)


def _residual(grey: U8Array, expected: AnyArray) -> F32Array:
    """|difference| of 255, averaged over a box, without what the whole image became brighter or darker by."""
    difference: F32Array = np.asarray(cv2.subtract(grey, expected, dtype=cv2.CV_32F), np.float32)
    return np.asarray(cv2.blur(np.abs(difference - np.float32(_middle(difference))), (_BOX, _BOX)), np.float32)


def _middle(values: F32Array) -> float:
    """The median, of every sixteenth value: enough of one in an image."""
    return float(np.median(values[::4, ::4]))


def _carried(image: AnyArray, flow: F32Array, how: int = cv2.INTER_LINEAR) -> AnyArray:
    """The image as seen along the flow; its edges go on beyond it."""
    at: Any = flow + _grid(len(image))
    nothing: Any = None  # `at` holds x and y; OpenCV's type hints want a second map nevertheless
    return np.asarray(cv2.remap(image, at, nothing, how, borderMode=cv2.BORDER_REPLICATE))


def _is_outside(flow: F32Array) -> NDArray[np.bool_]:
    """Where the flow comes from beyond the image: bool [G, G]."""
    at = flow + _grid(len(flow))
    return np.asarray(((at < -0.5) | (at > len(flow) - 0.5)).any(axis=2))


@lru_cache(maxsize=4)
def _grid(side: int) -> F32Array:
    """Every pixel's own x and y: float32 [side, side, 2]."""
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=2).astype(np.float32)


def _to_words(alpha: AlphaValues) -> Words:
    if not isinstance(alpha, np.ndarray) or alpha.ndim != 2 or alpha.shape[0] != alpha.shape[1] or not alpha.size:
        raise SmoothingError(f"the alpha is {getattr(alpha, 'shape', type(alpha).__name__)}; give [S, S]")
    if alpha.dtype == np.uint8:
        return alpha * np.uint16(257)
    if alpha.dtype != np.float32:
        raise SmoothingError(f"the alpha is {alpha.dtype}; give uint8 in 0-255 or float32 in 0-1")
    if not 0 <= float(alpha.min()) <= float(alpha.max()) <= 1:
        raise SmoothingError("the alpha has values outside 0-1")
    return np.rint(alpha * np.float32(_WHITE)).astype(np.uint16)


def _like(alpha: AlphaValues, words: Words) -> AlphaValues:
    if alpha.dtype == np.uint8:
        return np.asarray(cv2.convertScaleAbs(words, alpha=1 / 257), np.uint8)
    return words / np.float32(_WHITE)


def _to_grey(frame: U8Array) -> U8Array:
    """The frame's light, small: uint8 [G, G]."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise SmoothingError("the frame is no uint8 [S, S, 3]; give the model's own input")
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    side = min(len(grey), _FLOW_SIDE)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
