"""The operators of a .tflite as plain data: what the inference graph becomes, before it is bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from os.path import commonpath
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.errors import MMNetError
from mmnet.graph.operators import (
    Concat,
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Image,
    Node,
    Pack,
    PadEdge,
    Relu6,
    Resize,
    Sigmoid,
    Split,
    Stack,
    Unpack,
    Unstack,
)
from mmnet.graph.shapes import Shape, shapes
from mmnet.runtime.tflite.signature import INPUT, OUTPUT

# Values of enums of the schema: the activation of a layer, and its padding.
NO_ACTIVATION, RELU6 = 0, 3
_PADDING = {"SAME": 0, "VALID": 1}


class UnwritableGraphError(MMNetError):
    """A graph with an operator that no .tflite of this project has: a defect of this package."""

    exit_code = 3


@dataclass(frozen=True)
class Quantized:
    """The meaning of integers: value = scale * (integer - zero point).

    Attributes:
        scales: float64 [channels], or [1] for one scale per tensor. The file holds them in float32.
        zero_point: the integer that means zero.
        axis: the axis of the channels.
    """

    scales: AnyArray
    zero_point: int = 0
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """One tensor.

    Attributes:
        name: unique in a plan; the layer of the network and the operator that computes it.
        shape: with the batch, which is 1.
        dtype: `float32`, `float16`, `int32`, `int8` or `uint8`.
        data: the values of a constant; None for a tensor that is computed.
        quantized: the meaning of its integers; None for others.
        node: the node of the graph whose output it is; empty for constants and steps in between.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    data: AnyArray | None = None
    quantized: Quantized | None = None
    node: str = ""


@dataclass(frozen=True)
class Operator:
    """One operator.

    Attributes:
        kind: its name in the schema, such as CONV_2D.
        inputs, outputs: names of tensors.
        options: the fields of its options in the schema.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """The contents of a .tflite.

    Attributes:
        tensors: every tensor by its name.
        operators: in the order in which they run.
        input: the name of the image.
        output: the name of the alpha.
    """

    tensors: Mapping[str, Tensor]
    operators: tuple[Operator, ...]
    input: str = INPUT
    output: str = OUTPUT


def plan_of(graph: Graph) -> Plan:
    """Return the operators of a graph after its layouts, with float constants.

    They are the operators that TensorFlow's converter makes of it, in the same order. A ReLU6 is part of the layer
    before it, all parts of a split are one operator, and the sigmoid comes before the rearrangement of its channels.

    Raises:
        UnwritableGraphError: the graph has an operator that is not written, such as a batch norm.
    """
    builder = _Builder(graph)
    for node in graph.nodes:
        builder.add(node)
    return _with_single_reshapes(Plan(builder.tensors, tuple(builder.operators)))


def _with_single_reshapes(plan: Plan) -> Plan:
    """Return the plan with one reshape in place of several in a row, and without tensors that nothing reads."""
    source = {op.outputs[0]: op.inputs[0] for op in plan.operators if op.kind == "RESHAPE"}

    def origin(name: str) -> str:
        while name in source:
            name = source[name]
        return name

    direct = [
        replace(op, inputs=(origin(op.inputs[0]), *op.inputs[1:])) if op.kind == "RESHAPE" else op
        for op in plan.operators
    ]
    read = {name for op in direct for name in op.inputs} | {plan.output}
    kept = [op for op in direct if read.intersection(op.outputs)]
    used = {name for op in kept for name in (*op.inputs, *op.outputs)} | {plan.input}
    tensors = {name: tensor for name, tensor in plan.tensors.items() if name in used}
    return replace(plan, tensors=tensors, operators=tuple(kept))


class _Builder:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._shapes = shapes(graph)
        self._at: dict[str, str] = {}  # node -> the tensor that its readers read
        self.tensors: dict[str, Tensor] = {}
        self.operators: list[Operator] = []

    def add(self, node: Node) -> None:
        match node.op:
            case Image():
                self._at[node.name] = self._tensor(Tensor(INPUT, (1, *self._shapes[node.name]), node=node.name))
            case Conv() | Depthwise():
                self._layer(node)
            case Relu6():
                if node.name not in self._at:  # otherwise, it is part of the layer before it
                    self._simple(node, "RELU6", "Relu6")
            case Concat() | Stack():
                self._join(node)
            case Split(_, parts):
                self._split(node, parts)
            case Resize(factor, sampling):
                height, width, _ = self._shapes[node.inputs[0]]
                sides = (factor * height, factor * width)
                size = self._integers(f"{node.name}/ResizeBilinear/size", sides)
                centres = {"alignCorners": False, "halfPixelCenters": sampling == "half_pixel"}
                self._simple(node, "RESIZE_BILINEAR", "ResizeBilinear", more=(size,), options=centres)
            case PadEdge(before, after):
                self._pad(node, before, after)
            case Pack() | Unpack() | Unstack():
                name = f"{node.name}/Reshape"
                self._reshape(self._at[node.inputs[0]], name, self._shapes[node.name], node.name)
                self._at[node.name] = name
            case DepthToSpace(block):
                reader = self._graph.only_reader(node.name)
                if reader is None or not isinstance(reader.op, Sigmoid):
                    self._simple(node, "DEPTH_TO_SPACE", "DepthToSpace", options={"blockSize": block})
            case Sigmoid():
                self._sigmoid(node)
            case _:
                raise UnwritableGraphError(
                    f"{node.name}: {type(node.op).__name__} is not written without TensorFlow; "
                    "apply the rewritings first, or take converter='tensorflow'"
                )

    def _layer(self, node: Node) -> None:
        """Add a convolution with its bias and the ReLU6 after it, if nothing else reads the convolution."""
        op = node.op
        assert isinstance(op, Conv | Depthwise)
        reader = self._graph.only_reader(node.name)
        last = reader if reader is not None and isinstance(reader.op, Relu6) else node
        name = commonpath([node.name, last.name])
        activation = {"fusedActivationFunction": NO_ACTIVATION if last is node else RELU6}
        if isinstance(op, Conv):
            kind, kernel, suffix = "CONV_2D", op.kernel.transpose(3, 0, 1, 2), "Conv2D"
            (down, right), padding, dilations, more = op.strides, op.padding, (1, 1), {"quantizedBiasType": 0}
        else:
            kind, kernel, suffix = "DEPTHWISE_CONV_2D", op.kernel.transpose(3, 0, 1, 2), "depthwise"
            down = right = op.stride
            padding, dilations, more = "SAME", op.dilations, {"depthMultiplier": 1}
        options = {
            "padding": _PADDING[padding],
            "strideH": down,
            "strideW": right,
            "dilationHFactor": dilations[0],
            "dilationWFactor": dilations[1],
            **activation,
            **more,
        }
        constants = (self._constant(f"{node.name}/{suffix}", kernel), self._constant(f"{name}/bias", op.bias))
        output = Tensor(
            f"{name}/{'BiasAdd' if last is node else 'Relu6'}", (1, *self._shapes[node.name]), node=last.name
        )
        self._operator(kind, (self._at[node.inputs[0]], *constants), output, options)
        self._at[node.name] = self._at[last.name] = output.name

    def _join(self, node: Node) -> None:
        """Add a concatenation: of channels, or of maps as rows."""
        sources = [self._at[name] for name in node.inputs]
        if isinstance(node.op, Stack):
            flat: list[str] = []
            for number, (source, name) in enumerate(zip(sources, node.inputs, strict=True)):
                height, width, channels = self._shapes[name]
                row = f"{node.name}/Reshape{f'_{number}' if number else ''}"
                flat.append(self._reshape(source, row, (1, height * width, channels), name))
            sources = flat
        axis = 1 if isinstance(node.op, Stack) else -1
        self._concatenate(f"{node.name}/concat", sources, axis, self._shapes[node.name], node.name)
        self._at[node.name] = f"{node.name}/concat"

    def _split(self, node: Node, parts: int) -> None:
        """Add a split with all its parts at the first of them."""
        if node.name in self._at:
            return
        siblings = [other for other in self._graph.readers(node.inputs[0]) if isinstance(other.op, Split)]
        named = {other.op.index: other.name for other in siblings if isinstance(other.op, Split)}
        outputs = [
            Tensor(f"{node.name}/split{part or ''}", (1, *self._shapes[node.name]), node=named.get(part, ""))
            for part in range(parts)
        ]
        for tensor in outputs:
            self._tensor(tensor)
            if tensor.node:
                self._at[tensor.node] = tensor.name
        axis = self._integers(f"{node.name}/split/axis", -1)
        names = tuple(tensor.name for tensor in outputs)
        self.operators.append(Operator("SPLIT", (axis, self._at[node.inputs[0]]), names, {"numSplits": parts}))

    def _pad(self, node: Node, before: int, after: int) -> None:
        """Add a padding that repeats edges: slices of one row or column, and concatenations."""
        at, source = self._at[node.inputs[0]], node.inputs[0]
        height, width, channels = self._shapes[source]
        for axis, letter in ((1, "rows"), (2, "columns")):
            sides = [1, height, width, channels]
            sides[axis] = 1
            edges = []
            for end, count in (("first", before), ("last", after)):
                if count:
                    edge = f"{node.name}/{end}_{letter}"
                    self._slice(at, edge, axis, end == "last", (1, height, width, channels), (*sides,), source)
                    edges.append([edge] * count)
                else:
                    edges.append([])
            height, width = (height + before + after, width) if axis == 1 else (height, width + before + after)
            name = f"{node.name}/concat{'' if axis == 1 else '_1'}"
            owner = node.name if axis == 2 else source
            self._concatenate(name, [*edges[0], at, *edges[1]], axis, (height, width, channels), owner)
            at = name
        self._at[node.name] = at

    def _slice(
        self, source: str, name: str, axis: int, last: bool, shape: tuple[int, ...], sides: tuple[int, ...], node: str
    ) -> None:
        """Add a slice of the first or the last row or column."""
        begin = [0, 0, 0, 0]
        end = [0 if index <= axis else side for index, side in enumerate(shape)]
        begin[axis], end[axis] = (-1, 0) if last else (0, 1)
        constants = (
            self._integers(f"{name}/begin", begin),
            self._integers(f"{name}/end", end),
            self._integers(f"{name}/strides", (1, 1, 1, 1)),
        )
        every, others = 0b1111, 0b1111 ^ (1 << axis)
        options = {
            "beginMask": others if last else every,
            "endMask": every if last else others,
            "ellipsisMask": 0,
            "newAxisMask": 0,
            "shrinkAxisMask": 0,
            "offset": False,
        }
        self._operator("STRIDED_SLICE", (source, *constants), Tensor(name, sides, node=node), options)

    def _sigmoid(self, node: Node) -> None:
        """Add the sigmoid, before the rearrangement of channels that it follows in the graph."""
        source = self._graph[node.inputs[0]]
        if not isinstance(source.op, DepthToSpace):
            self._simple(node, "LOGISTIC", OUTPUT)
            return
        name = f"{node.name}/Sigmoid"
        shape = (1, *self._shapes[source.inputs[0]])
        self._operator("LOGISTIC", (self._at[source.inputs[0]],), Tensor(name, shape, node=node.name))
        output = Tensor(OUTPUT, (1, *self._shapes[node.name]), node=node.name)
        self._operator("DEPTH_TO_SPACE", (name,), output, {"blockSize": source.op.block})
        self._at[node.name] = OUTPUT

    def _simple(
        self,
        node: Node,
        kind: str,
        suffix: str,
        *,
        more: tuple[str, ...] = (),
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Add an operator with one input, some constants and one output."""
        name = suffix if suffix == OUTPUT else f"{node.name}/{suffix}"
        output = Tensor(name, (1, *self._shapes[node.name]), node=node.name)
        self._operator(kind, (self._at[node.inputs[0]], *more), output, options)
        self._at[node.name] = name

    def _concatenate(self, name: str, sources: Iterable[str], axis: int, shape: Shape, node: str) -> None:
        options = {"axis": axis, "fusedActivationFunction": NO_ACTIVATION}
        self._operator("CONCATENATION", tuple(sources), Tensor(name, (1, *shape), node=node), options)

    def _reshape(self, source: str, name: str, shape: Shape, node: str) -> str:
        sides = self._integers(f"{name}/shape", (-1, *shape))
        self._operator("RESHAPE", (source, sides), Tensor(name, (1, *shape), node=node))
        return name

    def _operator(
        self, kind: str, inputs: tuple[str, ...], output: Tensor, options: Mapping[str, Any] | None = None
    ) -> None:
        self._tensor(output)
        self.operators.append(Operator(kind, inputs, (output.name,), options or {}))

    def _constant(self, name: str, values: AnyArray) -> str:
        return self._tensor(Tensor(name, values.shape, "float32", np.ascontiguousarray(values, np.float32)))

    def _integers(self, name: str, values: Any) -> str:
        data = np.array(values, np.int32)
        return self._tensor(Tensor(name, data.shape, "int32", data))

    def _tensor(self, tensor: Tensor) -> str:
        assert tensor.name not in self.tensors, tensor.name
        self.tensors[tensor.name] = tensor
        return tensor.name
