"""The arithmetic of TensorFlow's converter in 8 bits: scales, zero points, weights and biases, to the bit.

The converter has two arithmetics. For ranges that a network was trained with it computes in float64 (MLIR's
`fakeQuantAttrsToType` and `UniformQuantizedValueConverter`, TensorFlow's `GetUniformQuantizedTypeForBias`). For ranges
that were measured it computes in float32, with reciprocals of scales (`DownCastScale`, `QuantizeLegacy`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array
from mmnet.export.direct.plan import Quantized

_STEPS = 255  # between the lowest and the highest value of an 8-bit activation
_LOWEST, _HIGHEST = -128, 127
_WEIGHT_MAX = 127  # weights are symmetric, so -128 is not used
_TINY = float(np.finfo(np.float32).eps)  # a range that is narrower has no steps
_BIAS_LIMITS = -(1 << 31), (1 << 31) - 1


@dataclass(frozen=True)
class Arithmetic:
    """One of the two arithmetics.

    Attributes:
        dtype: the type that it computes in, `np.float64` or `np.float32`.
    """

    dtype: Any

    def activation(self, low: float, high: float) -> Quantized:
        """Return the steps of an int8 activation between two values; zero is one of them.

        Args:
            low, high: the range, low <= 0 <= high.
        """
        first, last = self.dtype(np.float32(low)), self.dtype(np.float32(high))
        if last - first < _TINY:
            return Quantized(np.ones(1, self.dtype))
        scale = (last - first) / self.dtype(_STEPS)
        # Of the two ends, the zero point is computed from the one with the smaller rounding error.
        from_first, from_last = _LOWEST - float(first / scale), _HIGHEST - float(last / scale)
        zero = from_first if -_LOWEST + abs(first / scale) < _HIGHEST + abs(last / scale) else from_last
        return Quantized(np.array([scale]), int(_away(np.array(zero)).clip(_LOWEST, _HIGHEST)))

    def weights(self, kernel: F32Array, axis: int) -> tuple[NDArray[np.int8], Quantized]:
        """Return a kernel in int8, symmetric, with one scale per channel.

        Args:
            kernel: float32, of any shape.
            axis: the axis of the output channels.
        """
        others = tuple(index for index in range(kernel.ndim) if index != axis)
        largest = np.abs(kernel).max(axis=others).astype(self.dtype)
        scales = np.where(2 * largest < _TINY, 1, largest / self.dtype(_WEIGHT_MAX)).astype(self.dtype)
        shape = [1] * kernel.ndim
        shape[axis] = -1
        integers = self._divide(kernel, scales.reshape(shape)).clip(-_WEIGHT_MAX, _WEIGHT_MAX)
        return integers.astype(np.int8), Quantized(scales, axis=axis)

    def bias(self, bias: F32Array, source: Quantized, weights: Quantized) -> tuple[NDArray[np.int32], Quantized]:
        """Return a bias in int32, whose scales are the products of those of the input and of the weights."""
        scales = source.scales[0] * weights.scales
        return self._divide(bias, scales).astype(np.float64).clip(*_BIAS_LIMITS).astype(np.int32), Quantized(scales)

    def _divide(self, values: F32Array, scales: AnyArray) -> AnyArray:
        """Return values in steps, rounded to the nearest integer."""
        if self.dtype == np.float32:
            return _away(np.asarray(values * (np.float32(1) / scales)))
        return _away(values.astype(np.float64) / scales)


TRAINED, MEASURED = Arithmetic(np.float64), Arithmetic(np.float32)


def _away(values: AnyArray) -> AnyArray:
    """Round to the nearest integer, and halves away from zero."""
    whole = np.trunc(values)
    rounded: AnyArray = whole + np.sign(values) * (np.abs(values - whole) >= 0.5)
    return rounded
