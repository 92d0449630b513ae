"""The rules that keep LiteRT from ending the process: operators of the right form, between tensors that fit.

LiteRT verifies the structure of a file, and trusts what it says. A convolution without a filter ends the process with
SIGSEGV. `check_rules` refuses operators of a wrong form, and says whether it knows every operator of a model well
enough to promise that LiteRT survives it: that holds for what `export-tflite` makes. Others run in another process
first (`mmnet.runtime.tflite.probe`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import MALFORMED, Graph, Operator, Tensor, damaged_contents, read_graph

_MAX_VALUES = 1 << 28
# Scales outside may make XNNPACK end the process: the product of an input's and a weight's, divided by that of the
# output, must stay in 2^-32 to 2^8.
_LEAST_SCALE, _GREATEST_SCALE = 2.0**-24, 2.0**4
_MAX_KERNEL = 64
_ACTIVATIONS = (0, 1, 3)  # none, ReLU, ReLU6


class _Arity(NamedTuple):
    """The numbers of inputs and outputs that an operator may have, and the inputs that may be left out (-1)."""

    inputs: tuple[int, int]
    outputs: tuple[int, int] = (1, 1)
    optional: tuple[int, ...] = ()


_ANY = 1 << 16
_ARITIES = {
    "ADD": _Arity((2, 2)),
    "AVERAGE_POOL_2D": _Arity((1, 1)),
    "BATCH_TO_SPACE_ND": _Arity((3, 3)),
    "CONCATENATION": _Arity((1, _ANY)),
    "CONV_2D": _Arity((2, 3), optional=(2,)),
    "DEPTHWISE_CONV_2D": _Arity((2, 3), optional=(2,)),
    "DEPTH_TO_SPACE": _Arity((1, 1)),
    "DEQUANTIZE": _Arity((1, 1)),
    "FULLY_CONNECTED": _Arity((2, 3), (1, 2), optional=(2,)),
    "LOGISTIC": _Arity((1, 1)),
    "MAX_POOL_2D": _Arity((1, 1)),
    "MEAN": _Arity((2, 2)),
    "MUL": _Arity((2, 2)),
    "PAD": _Arity((2, 2)),
    "QUANTIZE": _Arity((1, 1)),
    "RELU": _Arity((1, 1)),
    "RELU6": _Arity((1, 1)),
    "RESHAPE": _Arity((1, 2)),
    "RESIZE_BILINEAR": _Arity((2, 2)),
    "RESIZE_NEAREST_NEIGHBOR": _Arity((2, 2)),
    "SOFTMAX": _Arity((1, 1)),
    "SPACE_TO_BATCH_ND": _Arity((3, 3)),
    "SPLIT": _Arity((2, 2), (1, _ANY)),
    "STRIDED_SLICE": _Arity((4, 4)),
    "SUB": _Arity((2, 2)),
    "TRANSPOSE_CONV": _Arity((3, 4), optional=(3,)),
}


def check_rules(model: bytes) -> bool:
    """Check the operators and the signatures of a .tflite.

    Returns:
        Whether LiteRT is known to survive the model: it has one subgraph, of operators that `export-tflite` writes, and
        the shapes, dtypes and options of all of them fit together.

    Raises:
        ModelError: the model is damaged: as `check_flatbuffer`, or an operator has too few or too many inputs or
            outputs, leaves out a necessary input, or a signature names a subgraph that does not exist. The message
            names no file.
    """
    graph = read_graph(model)
    if not graph.operators:
        raise ModelError("the model is damaged: it has no operators; export or copy it again")
    for index, operator in enumerate(graph.operators):
        _check_arity(index, operator)
    try:
        return _Known(schema.Model.GetRootAs(model), graph).holds()
    except MALFORMED as error:
        raise damaged_contents() from error


def _check_arity(index: int, operator: Operator) -> None:
    arity = _ARITIES.get(operator.name)
    if arity is None:
        return
    what = f"the model is damaged: operator {index}, {operator.name},"
    for found, (low, high), kind in (
        (len(operator.inputs), arity.inputs, "inputs"),
        (len(operator.outputs), arity.outputs, "outputs"),
    ):
        if not low <= found <= high:
            raise ModelError(f"{what} has {found} {kind}; export or copy it again")
    for position, tensor in enumerate(operator.inputs):
        if tensor < 0 and position not in arity.optional:
            raise ModelError(f"{what} lacks its input {position}; export or copy it again")


class _Known:
    """The rules of the operators that `export-tflite` writes, for one model."""

    def __init__(self, root: Any, graph: Graph) -> None:
        self._root, self._graph, self._subgraph = root, graph, root.Subgraphs(0)
        self._rules: dict[str, Callable[[Operator, Any], bool]] = {
            "CONCATENATION": self._concatenation,
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise,
            "DEPTH_TO_SPACE": self._depth_to_space,
            "DEQUANTIZE": self._same_shape,
            "LOGISTIC": self._same_shape,
            "PAD": self._pad,
            "QUANTIZE": self._same_shape,
            "RESHAPE": self._reshape,
            "RESIZE_BILINEAR": self._resize,
            "SPLIT": self._split,
            "STRIDED_SLICE": self._strided_slice,
        }

    def holds(self) -> bool:
        """Whether every rule holds."""
        if self._root.SubgraphsLength() != 1 or not all(map(self._plain_tensor, range(len(self._graph.tensors)))):
            return False
        if any(self._root.SignatureDefs(i).SubgraphIndex() for i in range(self._root.SignatureDefsLength())):
            return False
        if not self._in_order():
            return False
        for index, operator in enumerate(self._graph.operators):
            rule = self._rules.get(operator.name)
            raw = self._subgraph.Operators(index)
            if rule is None or raw.IntermediatesLength() or raw.BuiltinOptions2() or not rule(operator, raw):
                return False
        return True

    def _plain_tensor(self, index: int) -> bool:
        tensor, raw = self._graph.tensors[index], self._subgraph.Tensors(index)
        stored = self._root.Buffers(raw.Buffer())
        signature = raw.ShapeSignatureAsNumpy()
        return (
            len(tensor.shape) <= 4
            and 0 < tensor.size <= _MAX_VALUES
            and tensor.dtype in ("float16", "float32", "int8", "int32", "uint8")
            and not tensor.variable
            and raw.Sparsity() is None
            and stored.Offset() == 0
            and stored.Size() == 0
            and (isinstance(signature, int) or tuple(signature.tolist()) == tensor.shape)
            and all(_LEAST_SCALE <= scale <= _GREATEST_SCALE for scale in tensor.scales if tensor.dtype != "int32")
            and all(scale > 0 for scale in tensor.scales)
        )

    def _in_order(self) -> bool:
        """Whether every tensor that is read is constant, an input, or written by one operator before."""
        known = set(self._graph.input_indices)
        if any(self._graph.tensors[index].constant for index in known):
            return False
        for operator in self._graph.operators:
            read = [index for index in operator.inputs if index >= 0]
            if not all(index in known or self._graph.tensors[index].constant for index in read):
                return False
            for index in operator.outputs:
                if index in known or self._graph.tensors[index].constant:
                    return False
                known.add(index)
        return known.issuperset(self._graph.output_indices)

    # --- the operators

    def _tensors(self, operator: Operator) -> tuple[list[Tensor], list[Tensor]]:
        tensors = self._graph.tensors
        return [tensors[i] for i in operator.inputs if i >= 0], [tensors[i] for i in operator.outputs]

    def _constant(self, index: int, dtype: str, shape: tuple[int, ...] | None = None) -> list[int] | None:
        """The integers of a constant; None if it is none, or has another dtype or shape."""
        tensor = self._graph.tensors[index]
        if not tensor.constant or tensor.dtype != dtype or (shape is not None and tensor.shape != shape):
            return None
        data = self._root.Buffers(self._subgraph.Tensors(index).Buffer()).DataAsNumpy()
        return [int(value) for value in np.frombuffer(data.tobytes(), dtype)]

    def _same_shape(self, operator: Operator, raw: Any) -> bool:
        (value,), (result,) = self._tensors(operator)
        kinds = {
            "LOGISTIC": [("float32", "float32"), ("int8", "int8")],
            "QUANTIZE": [
                ("uint8", "int8"),
                ("int8", "uint8"),
                ("float32", "int8"),
                ("float32", "uint8"),
                ("int8", "int8"),
            ],
            "DEQUANTIZE": [("float16", "float32"), ("int8", "float32"), ("uint8", "float32")],
        }[operator.name]
        per_tensor = len(value.scales) <= 1 and len(result.scales) <= 1
        quantized = all(bool(one.scales) == one.dtype.endswith("int8") for one in (value, result))
        return per_tensor and quantized and value.shape == result.shape and (value.dtype, result.dtype) in kinds

    def _convolution(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.Conv2DOptions, schema.Conv2DOptions)
        image, kernel = self._tensors(operator)[0][:2]
        return (
            options is not None
            and len(image.shape) == len(kernel.shape) == 4
            and kernel.shape[3] == image.shape[3]
            and self._filtered(operator, options, kernel.shape[0], kernel.shape[1:3], channel_axis=0)
        )

    def _depthwise(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.DepthwiseConv2DOptions, schema.DepthwiseConv2DOptions)
        image, kernel = self._tensors(operator)[0][:2]
        return (
            options is not None
            and len(image.shape) == len(kernel.shape) == 4
            and kernel.shape[0] == 1
            and kernel.shape[3] == image.shape[3] * options.DepthMultiplier()
            and self._filtered(operator, options, kernel.shape[3], kernel.shape[1:3], channel_axis=3)
        )

    def _filtered(
        self, operator: Operator, options: Any, channels: int, kernel: tuple[int, ...], channel_axis: int
    ) -> bool:
        inputs, (result,) = self._tensors(operator)
        image, weights = inputs[:2]
        if len(inputs) != 3 or inputs[2].shape != (channels,):
            return False
        kinds = (image.dtype, weights.dtype, inputs[2].dtype, result.dtype)
        if kinds == ("int8", "int8", "int32", "int8"):
            scaled = len(image.scales) == len(result.scales) == 1
        else:
            scaled = kinds in {("float32", kind, "float32", "float32") for kind in ("float32", "int8")}
        if weights.dtype == "int8":
            scales = len(weights.scales)
            per_channel = scales == channels and weights.channel_axis == channel_axis
            scaled = scaled and weights.constant and (scales == 1 or per_channel)
        if not scaled:
            return False
        steps = (options.StrideH(), options.StrideW(), options.DilationHFactor(), options.DilationWFactor())
        if not (all(1 <= step <= _MAX_KERNEL for step in (*steps, *kernel)) and options.Padding() in (0, 1)):
            return False
        if options.FusedActivationFunction() not in _ACTIVATIONS:
            return False
        sides = [
            _filtered_side(side, width, stride, dilation, same=options.Padding() == 0)
            for side, width, stride, dilation in zip(image.shape[1:3], kernel, steps[:2], steps[2:], strict=True)
        ]
        return result.shape == (image.shape[0], *sides, channels) and min(sides) > 0

    def _concatenation(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.ConcatenationOptions, schema.ConcatenationOptions)
        parts, (result,) = self._tensors(operator)
        if options is None or options.FusedActivationFunction() != 0 or not self._alike(parts, [result]):
            return False
        axis = options.Axis() % len(result.shape) if -len(result.shape) <= options.Axis() < len(result.shape) else None
        if axis is None or any(len(part.shape) != len(result.shape) for part in parts):
            return False
        joined = list(parts[0].shape)
        joined[axis] = sum(part.shape[axis] for part in parts)
        others = [[*part.shape[:axis], *part.shape[axis + 1 :]] for part in (*parts, result)]
        return tuple(joined) == result.shape and all(other == others[0] for other in others)

    def _split(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.SplitOptions, schema.SplitOptions)
        axes = self._constant(operator.inputs[0], "int32")
        whole, parts = self._graph.tensors[operator.inputs[1]], self._tensors(operator)[1]
        rank = len(whole.shape)
        if options is None or options.NumSplits() != len(parts) or axes is None or len(axes) != 1:
            return False
        if not self._alike([whole], parts) or not -rank <= axes[0] < rank or whole.shape[axes[0]] % len(parts):
            return False
        part = list(whole.shape)
        part[axes[0]] //= len(parts)
        return all(one.shape == tuple(part) for one in parts)

    def _resize(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.ResizeBilinearOptions, schema.ResizeBilinearOptions)
        image, result = self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]
        sides = self._constant(operator.inputs[1], "int32", (2,))
        if options is None or options.AlignCorners() or sides is None or min(sides) < 1 or len(image.shape) != 4:
            return False
        return self._alike([image], [result]) and result.shape == (image.shape[0], *sides, image.shape[3])

    def _reshape(self, operator: Operator, raw: Any) -> bool:
        image, result = self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]
        shape = self._constant(operator.inputs[1], "int32") if len(operator.inputs) == 2 else None
        if shape is None or len(shape) != len(result.shape) or shape.count(-1) > 1:
            return False
        fits = all(wanted in (-1, side) for wanted, side in zip(shape, result.shape, strict=True))
        return self._alike([image], [result]) and fits and result.size == image.size

    def _pad(self, operator: Operator, raw: Any) -> bool:
        image, result = self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]
        rank = len(image.shape)
        padding = self._constant(operator.inputs[1], "int32", (rank, 2))
        if padding is None or not all(0 <= value <= _MAX_KERNEL for value in padding):
            return False
        sides = tuple(
            side + before + after for side, before, after in zip(image.shape, padding[::2], padding[1::2], strict=True)
        )
        return self._alike([image], [result]) and result.shape == sides

    def _strided_slice(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.StridedSliceOptions, schema.StridedSliceOptions)
        image, result = self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]
        rank = len(image.shape)
        limits = [self._constant(index, "int32", (rank,)) for index in operator.inputs[1:]]
        if options is None or options.EllipsisMask() or options.NewAxisMask() or options.ShrinkAxisMask():
            return False
        if options.Offset() or any(values is None for values in limits) or not self._alike([image], [result]):
            return False
        begins, ends, strides = (values or [] for values in limits)
        if any(stride < 1 for stride in strides):
            return False
        sides = []
        for axis, side in enumerate(image.shape):
            begin = None if options.BeginMask() >> axis & 1 else begins[axis]
            end = None if options.EndMask() >> axis & 1 else ends[axis]
            sides.append(len(range(*slice(begin, end, strides[axis]).indices(side))))
        return result.shape == tuple(sides)

    def _depth_to_space(self, operator: Operator, raw: Any) -> bool:
        options = _options(raw, schema.BuiltinOptions.DepthToSpaceOptions, schema.DepthToSpaceOptions)
        image, result = self._graph.tensors[operator.inputs[0]], self._graph.tensors[operator.outputs[0]]
        if options is None or len(image.shape) != 4 or not self._alike([image], [result]):
            return False
        block, (batch, height, width, channels) = options.BlockSize(), image.shape
        if not 1 <= block <= _MAX_KERNEL or channels % block**2:
            return False
        return result.shape == (batch, height * block, width * block, channels // block**2)

    @staticmethod
    def _alike(first: list[Tensor], second: list[Tensor]) -> bool:
        """Whether all tensors have one dtype, float32 or int8 with one scale and zero point."""
        tensors = [*first, *second]
        kinds = {(tensor.dtype, tensor.scales, tensor.zero_points) for tensor in tensors}
        dtype, scales, _ = next(iter(kinds))
        return len(kinds) == 1 and dtype in ("float32", "int8") and len(scales) == (dtype == "int8")


def _options(raw: Any, kind: int, table: Any) -> Any | None:
    """The options of an operator; None if they are absent or of another kind."""
    stored = raw.BuiltinOptions()
    if stored is None or raw.BuiltinOptionsType() != kind:
        return None
    options = table()
    options.Init(stored.Bytes, stored.Pos)
    return options


def _filtered_side(side: int, kernel: int, stride: int, dilation: int, *, same: bool) -> int:
    """The side of a filtered image by TensorFlow's padding SAME or VALID, in pixels."""
    return -(-side // stride) if same else -(-(side - (kernel - 1) * dilation) // stride)
