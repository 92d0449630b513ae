"""Temporal smoothing: each matte of a video is averaged with the mattes before it, along the motion.

A network that sees one frame at a time gives the same edge a different alpha in every frame, because of noise,
compression and exposure. The smoothing works in four steps:

1. Dense optical flow between two frames is computed (Kroeger et al., "Fast Optical Flow using Dense Inverse Search",
   ECCV 2016), at 128×128 at most. Around the person, the flow of the person is used, because the matte moves with the
   person; at the edge itself, the flow would lie between that of the foreground and that of the background.
2. The smoothed matte of the frame before is warped along the flow.
3. The residual is computed: the difference between the frame and the warped frame before, less the difference that the
   whole frame shows (noise, or another exposure). Where there is no residual, the new matte has the weight `new` (an
   exponential average). Where the residual reaches `tolerance`, in occlusions and where the flow is wrong, the new
   matte has the whole weight, so that nothing is smeared.
4. If most of the frame has a large residual, the scene was cut: the new matte is taken as it is.
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

# Chosen by tools/accuracy/smoothing.py, on sequences of other people than those that results are reported for.
NEW, TOLERANCE = 0.25, 4.0

_WHITE = 65535  # 257 · 255, so that a byte is exact in 16 bits
_FLOW_SIDE = 128
_LEAST_FLOW_SIDE = 32  # the patches of the flow do not fit into smaller frames
_BOX = 5  # side of the box over which the residual is averaged, in pixels at the size of the flow
_AROUND = 21  # side of the box over which the motion of the person is averaged, in the same pixels
_LEAST_PERSON = 1e-4  # weight of the motion of the background, which counts where no person is near
_CUT = 12.0  # of 255; a median residual above it is a cut, because no noise reaches it
_ONE_BITS = 8
_ONE = 1 << _ONE_BITS  # the weight 1, in fixed point


class SmoothingError(MMNetError):
    """An alpha or a frame that cannot be smoothed, or an option out of range."""


@dataclass(frozen=True)
class _Before:
    """The frame before.

    Attributes:
        alpha: its smoothed matte, uint16 [S, S], 65535 = foreground.
        grey: its brightness, uint8 [G, G].
    """

    alpha: Words
    grey: U8Array


class TemporalSmoother:
    """Smooths the mattes of one video frame by frame. It is causal: it needs no later frame, and adds no delay.

        smooth = TemporalSmoother()
        for frame in frames:
            image = to_model_input(frame, model.size)
            alpha = smooth(model.run(image), image)

    It keeps one matte and one small frame. The same frames give the same bytes on any number of threads. The flow is
    computed in floats, so another kind of processor may round differently. Use one object per video, in one thread at
    a time.

    Attributes:
        options: the arguments that it was created with, by name.
    """

    def __init__(self, new: float = NEW, tolerance: float = TOLERANCE) -> None:
        """Set the strength of the smoothing.

        Args:
            new: weight of a new matte where nothing but noise changed, above 0 and at most 1; 1 smooths nothing.
            tolerance: residual of the frame above its noise, of 255, at which the new matte has the whole weight;
                above 0 and at most 255.

        Raises:
            SmoothingError: an argument is out of range.
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
        # Spatial propagation works in one stripe per thread, so its results would depend on the number of threads.
        self._flow.setUseSpatialPropagation(False)

    def __call__(self, alpha: AlphaValues, frame: U8Array) -> AlphaValues:
        """Smooth the matte of the next frame.

        Args:
            alpha: the model's output, uint8 [S, S], 255 = foreground, or float32 [S, S] in 0-1.
            frame: the model's input, uint8 [S, S, 3], RGB.

        Returns:
            The smoothed matte, a new array of the dtype and shape of `alpha`. The first matte of a video, of a scene,
            or of another size than the one before is returned unchanged.

        Raises:
            SmoothingError: an array has another shape or dtype, or the alpha leaves 0-1.
        """
        words, grey = _to_words(alpha), _to_grey(frame)
        if frame.shape[:2] != alpha.shape:
            raise SmoothingError(f"the alpha is {alpha.shape}, its frame {frame.shape}; give the input of the model")
        before = self._before
        if before is not None and before.alpha.shape == words.shape:
            words = self._smoothed(words, grey, before)
        self._before = _Before(words, grey)
        return _as_dtype_of(alpha, words)

    def reset(self) -> None:
        """Forget all earlier frames; the next frame begins another video or scene."""
        self._before = None

    def _smoothed(self, alpha: Words, grey: U8Array, before: _Before) -> Words:
        side = len(alpha)
        flow = self._motion(alpha, grey, before.grey)
        residual = _residual(grey, _warped(before.grey, flow))
        noise = _median(residual)
        if noise > _CUT:
            return alpha
        weight = (residual - np.float32(noise)) * np.float32(self._slope) + np.float32(self._least)
        weight = weight.clip(self._least, _ONE)
        weight[_is_outside(flow)] = _ONE
        full_weight = cv2.resize(weight, (side, side), interpolation=cv2.INTER_LINEAR).astype(np.int32)
        flow = np.asarray(cv2.resize(flow, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)
        # With bilinear interpolation, the matte would become softer with every frame that it is warped to.
        earlier = _warped(before.alpha, flow * np.float32(side / len(grey)), cv2.INTER_CUBIC).astype(np.int32)
        smoothed: NDArray[np.int32] = earlier + ((full_weight * (alpha - earlier) + _ONE // 2) >> _ONE_BITS)
        return smoothed.astype(np.uint16)

    def _motion(self, alpha: Words, grey: U8Array, before: U8Array) -> F32Array:
        """Return where each pixel was, relative to where it is: float32 [G, G, 2], x and y.

        Around the person, the person's motion is used.
        """
        flow = np.zeros((*grey.shape, 2), np.float32)
        if len(grey) < _LEAST_FLOW_SIDE:
            return flow
        flow = np.asarray(self._flow.calc(grey, before, flow), np.float32)
        small = np.asarray(cv2.resize(alpha, grey.shape, interpolation=cv2.INTER_AREA), np.float32)
        person = np.square(small / np.float32(_WHITE)) + np.float32(_LEAST_PERSON)
        moving, total = (cv2.blur(values, (_AROUND, _AROUND)) for values in (flow * person[..., None], person))
        return np.asarray(moving / total[..., None], np.float32)


def _residual(grey: U8Array, expected: AnyArray) -> F32Array:
    """Return |difference| of 255, averaged over a box, without the change in brightness of the whole frame."""
    difference: F32Array = np.asarray(cv2.subtract(grey, expected, dtype=cv2.CV_32F), np.float32)
    return np.asarray(cv2.blur(np.abs(difference - np.float32(_median(difference))), (_BOX, _BOX)), np.float32)


def _median(values: F32Array) -> float:
    """Return the median of every sixteenth value, which is accurate enough."""
    return float(np.median(values[::4, ::4]))


def _warped(image: AnyArray, flow: F32Array, interpolation: int = cv2.INTER_LINEAR) -> AnyArray:
    """Warp an image along the flow; beyond its edges, the edge pixels are repeated."""
    origin: Any = flow + _grid(len(image))
    no_map: Any = None  # `origin` holds x and y; OpenCV's type hints want a second map nevertheless
    return np.asarray(cv2.remap(image, origin, no_map, interpolation, borderMode=cv2.BORDER_REPLICATE))


def _is_outside(flow: F32Array) -> NDArray[np.bool_]:
    """Return where the flow comes from outside of the image: bool [G, G]."""
    origin = flow + _grid(len(flow))
    return np.asarray(((origin < -0.5) | (origin > len(flow) - 0.5)).any(axis=2))


@lru_cache(maxsize=4)
def _grid(side: int) -> F32Array:
    """Return the coordinates of every pixel, x and y: float32 [side, side, 2]."""
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


def _as_dtype_of(alpha: AlphaValues, words: Words) -> AlphaValues:
    if alpha.dtype == np.uint8:
        return np.asarray(cv2.convertScaleAbs(words, alpha=1 / 257), np.uint8)
    return words / np.float32(_WHITE)


def _to_grey(frame: U8Array) -> U8Array:
    """Return the brightness of a frame, scaled down to the size of the flow: uint8 [G, G]."""
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
        raise SmoothingError("the frame is no uint8 [S, S, 3]; give the input of the model")
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    side = min(len(grey), _FLOW_SIDE)
    return np.asarray(cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
