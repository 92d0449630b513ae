"""A program of MIL, computed with NumPy: what the operators do is taken from their documentation in coremltools.

It knows nothing of the inference graph that the program was written from. After every operator, values are rounded to
the type that the program says, so that a program in float16 is computed as Core ML may compute it: with products of
16-bit values and sums in 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.export.coreml.contents import MilOperator, MilProgram
from mmnet.runtime.errors import ModelError

_CAST_TYPES = {"fp16": np.float16, "fp32": np.float32}


class CoreMLAlpha(NamedTuple):
    """The output of a program for one image.

    Attributes:
        exact: the alpha before it becomes bytes, float32 [S, S] in 0-1.
        bytes: the alpha that the program gives, uint8 [S, S].
    """

    exact: F32Array
    bytes: U8Array


def run_program(program: MilProgram, image: U8Array) -> CoreMLAlpha:
    """Compute the alpha of an image, uint8 [S, S, 3], RGB.

    Raises:
        ModelError: an operator that is not known here, a tensor of another shape than the program says, or an output
            that is not the bytes of an alpha.
    """
    values: dict[str, Any] = {program.image: image.transpose(2, 0, 1)[None].astype(np.float32)}
    exact: AnyArray | None = None
    for operator in program.operators:
        compute = _OPERATORS.get(operator.kind)
        if compute is None:
            raise ModelError(f"the .mlpackage has the operator {operator.kind}, which cannot be computed here")
        arguments = {
            name: tuple(values[one] if one in values else program.constants[one] for one in given)
            for name, given in operator.inputs.items()
        }
        for name, shape, value in zip(operator.outputs, operator.shapes, compute(arguments), strict=True):
            if value.shape != shape:
                raise ModelError(f"the .mlpackage's tensor {name} has the shape {value.shape}, and says {shape}")
            values[name] = _rounded(value, operator)
        if operator.kind == "sigmoid":
            exact = values[operator.outputs[0]]
    alpha = values[program.alpha]
    if exact is None or not np.array_equal(alpha, np.rint(alpha).clip(0, 255)):
        raise ModelError("the .mlpackage's alpha is not of whole numbers in 0-255")
    return CoreMLAlpha(np.asarray(exact[0, 0], np.float32), alpha[0, 0].astype(np.uint8))


_Arguments = Mapping[str, tuple[Any, ...]]


def _rounded(value: AnyArray, operator: MilOperator) -> F32Array:
    """Return values as they are in the type of the operator's output, held as float32."""
    return np.asarray(value.astype(np.float16) if operator.dtype == "FLOAT16" else value, np.float32)


def _convolution(arguments: _Arguments) -> list[AnyArray]:
    (x,), (weight,), (bias,) = arguments["x"], arguments["weight"], arguments["bias"]
    (strides,), (dilations,), (groups,) = arguments["strides"], arguments["dilations"], arguments["groups"]
    if arguments["pad_type"] not in (("custom",), ("valid",)):
        raise ModelError(f"the .mlpackage has the padding {arguments['pad_type'][0]}, which cannot be computed here")
    top, bottom, left, right = arguments["pad"][0] if arguments["pad_type"] == ("custom",) else (0, 0, 0, 0)
    padded = np.pad(x[0], ((0, 0), (top, bottom), (left, right)))
    weight, bias = np.asarray(weight, np.float32), np.asarray(bias, np.float32)
    outputs, inputs, *taps = weight.shape
    if (groups, inputs) not in ((1, len(padded)), (len(padded), 1)) or (groups > 1 and outputs != groups):
        raise ModelError(f"the .mlpackage has a convolution of {groups} groups, which cannot be computed here")
    rows, columns = (
        (side - (count - 1) * rate - 1) // step + 1
        for side, count, rate, step in zip(padded.shape[1:], taps, dilations, strides, strict=True)
    )
    sums = np.zeros((outputs, rows, columns), np.float32) + bias[:, None, None]
    for row in range(taps[0]):
        for column in range(taps[1]):
            down, right = row * dilations[0], column * dilations[1]
            part = padded[:, down :: strides[0], right :: strides[1]][:, :rows, :columns]
            if groups > 1:
                sums += part * weight[:, 0, row, column][:, None, None]
            else:
                sums += (weight[:, :, row, column] @ part.reshape(inputs, -1)).reshape(sums.shape)
    return [sums[None]]


def _resize(arguments: _Arguments) -> list[AnyArray]:
    (x,), (mode,) = arguments["x"], arguments["sampling_mode"]
    for axis, (side,) in ((2, arguments["target_size_height"]), (3, arguments["target_size_width"])):
        count = x.shape[axis]
        if mode == "DEFAULT":
            points = np.arange(side) * ((count - count / side) / (side - 1))
        elif mode == "UNALIGN_CORNERS":
            points = (np.arange(side) + 0.5) * (count / side) - 0.5
        else:
            raise ModelError(f"the .mlpackage has the sampling {mode}, which cannot be computed here")
        points = points.clip(0, count - 1)
        low = np.floor(points).astype(int)
        high = np.minimum(low + 1, count - 1)
        weight = (points - low).astype(np.float32).reshape([-1 if index == axis else 1 for index in range(4)])
        x = x.take(low, axis) * (1 - weight) + x.take(high, axis) * weight
    return [x]


def _pad(arguments: _Arguments) -> list[AnyArray]:
    (x,), (sides,), (mode,) = arguments["x"], arguments["pad"], arguments["mode"]
    if mode != "replicate":
        raise ModelError(f"the .mlpackage has the padding {mode}, which cannot be computed here")
    pairs = np.reshape(sides, (-1, 2)).tolist()
    return [np.pad(x, [(0, 0)] * (x.ndim - len(pairs)) + pairs, mode="edge")]


def _depth_to_space(arguments: _Arguments) -> list[AnyArray]:
    (x,), (block,) = arguments["x"], arguments["block_size"]
    _, channels, height, width = x.shape
    squares = x.reshape(block, block, channels // block**2, height, width)
    return [squares.transpose(2, 3, 0, 4, 1).reshape(1, channels // block**2, height * block, width * block)]


def _elementwise(function: Callable[..., AnyArray]) -> Callable[[_Arguments], list[AnyArray]]:
    """Return an operator that computes a function of `x`, or of `x` and `y`."""
    return lambda arguments: [
        np.asarray(function(*(np.asarray(arguments[name][0], np.float32) for name in ("x", "y") if name in arguments)))
    ]


_OPERATORS: dict[str, Callable[[_Arguments], list[AnyArray]]] = {
    "cast": lambda arguments: [arguments["x"][0].astype(_CAST_TYPES[arguments["dtype"][0]])],
    "concat": lambda arguments: [np.concatenate(arguments["values"], arguments["axis"][0])],
    "conv": _convolution,
    "depth_to_space": _depth_to_space,
    "mul": _elementwise(np.multiply),
    "pad": _pad,
    "relu6": _elementwise(lambda x: x.clip(0, 6)),
    "resize_bilinear": _resize,
    "round": _elementwise(np.rint),
    "sigmoid": _elementwise(lambda x: 1 / (1 + np.exp(-x))),
    "split": lambda arguments: np.split(arguments["x"][0], arguments["num_splits"][0], arguments["axis"][0]),
}
