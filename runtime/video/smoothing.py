"""Temporal smoothing: each matte of a video is averaged with the mattes before it, along the motion.

A network that sees one frame at a time gives the same edge a different alpha in every frame, because of noise,
compression and exposure. The smoothing works in four steps, in integers (docs/internals/preprocessing.md, section 10):

1. The motion between two frames is found: for each block of a grey frame of 128×128, the most similar place in the
   frame before. Around the person, the motion of the person is used, because the matte moves with the person.
2. The smoothed matte of the frame before is moved along.
3. The residual is computed: the difference between the frame and the moved frame before, less the difference that the
   whole frame shows (noise, or another exposure). Where there is no residual, the new matte has the weight `new` (an
   exponential average). Where the residual reaches `tolerance`, in occlusions and where the motion is wrong, the new
   matte has the whole weight, so that nothing is smeared.
4. If most of the frame has a large residual, the scene was cut: the new matte is taken as it is.
"""

from __future__ import annotations

import ctypes

import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.core import library
from mmnet.runtime.video.averaging import ONE, TOLERANCE_ONE, WHITE, Before, Words, average, to_bytes, to_grey

AlphaValues = AnyArray  # uint8 or float32

# Chosen by tools/accuracy/smoothing.py, on sequences of other people than those that results are reported for.
NEW, TOLERANCE = 0.25, 4.0

_CORE_SIDE = 4096  # the largest side of a matte that the core takes


class SmoothingError(MMNetError):
    """An alpha or a frame that cannot be smoothed, or an option out of range."""


class TemporalSmoother:
    """Smooths the mattes of one video frame by frame. It is causal: it needs no later frame, and adds no delay.

        smooth = TemporalSmoother()
        for frame in frames:
            image = to_model_input(frame, model.size)
            alpha = smooth(model.run(image), image)

    It keeps one matte and one small frame. The same frames give the same bytes on every machine, as the web page and
    the Android library do. Use one object per video, in one thread at a time.

    Attributes:
        options: the arguments that it was created with, by name.
    """

    def __init__(self, new: float = NEW, tolerance: float = TOLERANCE) -> None:
        """Set the strength of the smoothing.

        Args:
            new: weight of a new matte where nothing but noise changed, above 0 and at most 1; 1 smooths nothing.
                It is rounded to 1/256.
            tolerance: residual of the frame above its noise, of 255, at which the new matte has the whole weight;
                above 0 and at most 255. It is rounded to 1/400.

        Raises:
            SmoothingError: an argument is out of range.
        """
        if not 0 < new <= 1:
            raise SmoothingError(f"new is {new}; it must be above 0 and at most 1")
        if not 0 < tolerance <= 255:
            raise SmoothingError(f"tolerance is {tolerance}; it must be above 0 and at most 255")
        self.options: dict[str, float] = {"new": new, "tolerance": tolerance}
        self._least = max(1, round(ONE * new))
        self._tolerance = max(1, round(TOLERANCE_ONE * tolerance))
        self._memory: _Memory = _InCore() if library.LIBRARY is not None else _InPython()

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
        words = _to_words(alpha)
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            raise SmoothingError("the frame is no uint8 [S, S, 3]; give the input of the model")
        if frame.shape[:2] != alpha.shape:
            raise SmoothingError(f"the alpha is {alpha.shape}, its frame {frame.shape}; give the input of the model")
        if isinstance(self._memory, _InCore) and len(words) > _CORE_SIDE:
            self._memory = _InPython()
        words = self._memory.smooth(words, frame, self._least, self._tolerance)
        return to_bytes(words) if alpha.dtype == np.uint8 else np.asarray(words / np.float32(WHITE), np.float32)

    def reset(self) -> None:
        """Forget all earlier frames; the next frame begins another video or scene."""
        self._memory.forget()


class _InPython:
    """Smooths in NumPy, which defines the values, and keeps the frame before."""

    def __init__(self) -> None:
        self._before: Before | None = None

    def smooth(self, alpha: Words, frame: U8Array, least: int, tolerance: int) -> Words:
        grey, before = to_grey(frame), self._before
        if before is not None and before.alpha.shape == alpha.shape:
            alpha = average(alpha, grey, before, least, tolerance)
        self._before = Before(alpha, grey)
        return alpha

    def forget(self) -> None:
        self._before = None


class _InCore:
    """Smooths in the core in C: the same values in a fraction of the time."""

    def __init__(self) -> None:
        self._state, self._arena = np.zeros(0, np.uint8), np.zeros(0, np.uint8)

    def smooth(self, alpha: Words, frame: U8Array, least: int, tolerance: int) -> Words:
        core, side = library.LIBRARY, len(alpha)
        assert core is not None
        if len(self._state) != core.mmnet_smooth_state(side):
            self._state = np.zeros(core.mmnet_smooth_state(side), np.uint8)
            self._arena = np.empty(core.mmnet_smooth_arena(side), np.uint8)
        smoothed = np.array(alpha, np.uint16, order="C")
        state, arena = self._state, self._arena
        kept = state.ctypes, ctypes.c_size_t(state.size)
        options = library.memory(frame), side, least, tolerance
        status = core.mmnet_smooth_words(*kept, *options, smoothed.ctypes, arena.ctypes, ctypes.c_size_t(arena.size))
        assert status == 0, f"the core's smoothing returned {status}; its arguments should have been refused"
        return smoothed

    def forget(self) -> None:
        self._state[:1] = 0


_Memory = _InPython | _InCore


def _to_words(alpha: AlphaValues) -> Words:
    if not isinstance(alpha, np.ndarray) or alpha.ndim != 2 or alpha.shape[0] != alpha.shape[1] or not alpha.size:
        raise SmoothingError(f"the alpha is {getattr(alpha, 'shape', type(alpha).__name__)}; give [S, S]")
    if alpha.dtype == np.uint8:
        return alpha * np.uint16(257)
    if alpha.dtype != np.float32:
        raise SmoothingError(f"the alpha is {alpha.dtype}; give uint8 in 0-255 or float32 in 0-1")
    if not 0 <= float(alpha.min()) <= float(alpha.max()) <= 1:
        raise SmoothingError("the alpha has values outside 0-1")
    return np.rint(alpha * np.float32(WHITE)).astype(np.uint16)
