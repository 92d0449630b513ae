"""Fake quantization in Keras 3, on any backend: values are rounded as 8-bit arithmetic rounds them, and stay float.

The arithmetic is that of TensorFlow's operators `FakeQuantWithMinMaxVars` and `FakeQuantWithMinMaxVarsPerChannel`, step
by step in float32, so that the values are equal bit for bit. The gradient is 1 inside the range and 0 outside.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

_HIGHEST = 255.0  # the last of the 8-bit steps, which are counted from 0, or from 1 in a narrow range


@cache
def fake_quantizer(keras: ModuleType) -> Callable[..., Any]:
    """Return a function that rounds a tensor to 8 bits.

    The function takes a float32 tensor, its lowest and its highest value (float32 scalars, or [C] for the last axis;
    zero lies between them), and `narrow`: whether the first step stays unused, as in weights. It returns a tensor of
    the same shape.
    """
    ops = keras.ops

    def nudged(low: Any, high: Any, first: float) -> tuple[Any, Any, Any]:
        """Return the range moved so that zero is one of its steps, and the size of a step."""
        step = (high - low) / (_HIGHEST - first)
        # Halves are rounded upwards, as positive numbers away from zero.
        zero = ops.clip(ops.floor(first - low / step + 0.5), first, _HIGHEST)
        return (first - zero) * step, (_HIGHEST - zero) * step, step

    def rounding(first: float) -> Callable[..., Any]:
        def rounded(x: Any, low: Any, high: Any) -> Any:
            lowest, highest, step = nudged(low, high, first)
            zero = ops.floor(-lowest * (1.0 / step) + 0.5)
            shifted = ops.minimum(ops.maximum(x, lowest), highest) - lowest
            # A division: with the product by 1/step, values halfway between two steps go to the other one.
            values = ops.floor(shifted / step - zero + 0.5) * step

            def gradient(*arguments: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
                (given,) = arguments if upstream is None else (upstream,)
                inside = ops.logical_and(x >= lowest, x <= highest)
                return ops.where(inside, given, ops.zeros_like(given)), ops.zeros_like(low), ops.zeros_like(high)

            return values, gradient

        with_gradient: Callable[..., Any] = ops.custom_gradient(rounded)
        return with_gradient

    whole, narrow_range = rounding(0.0), rounding(1.0)

    def fake_quantize(x: Any, low: Any, high: Any, *, narrow: bool = False) -> Any:
        return (narrow_range if narrow else whole)(x, low, high)

    return fake_quantize


def quantize_kernel(keras: ModuleType, kernel: Any, channels: int) -> Any:
    """Return a kernel rounded to 8 bits, symmetrically, with one scale per output channel.

    Args:
        keras: Keras 3.
        kernel: float32 [height, width, inputs, outputs], or [height, width, channels, 1] of a depthwise convolution.
        channels: the axis of the output channels, 3 or 2.
    """
    ops = keras.ops
    shape = kernel.shape
    if channels == 2:
        kernel = ops.reshape(kernel, (shape[0], shape[1], shape[3], shape[2]))
    lowest, highest = (extreme(kernel, axis=(0, 1, 2)) for extreme in (ops.min, ops.max))
    low, high = ops.minimum(lowest, -highest), ops.maximum(highest, -lowest)
    rounded = fake_quantizer(keras)(kernel, ops.stop_gradient(low), ops.stop_gradient(high), narrow=True)
    return ops.reshape(rounded, shape)
