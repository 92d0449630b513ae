"""The operators of an ONNX model: what the inference graph becomes, in float32 or with 8-bit steps between operators.

The maps are [1, channels, height, width], as ONNX has them. Image and alpha keep the shapes of the .tflite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.export.direct.plan import Quantized, UnwritableGraphError
from mmnet.export.direct.rounding import TRAINED
from mmnet.graph.operators import (
    Concat,
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Image,
    Node,
    PadEdge,
    Relu6,
    Resize,
    Sigmoid,
    Split,
)
from mmnet.graph.shapes import same_pads, shapes
from mmnet.runtime.tflite.signature import INPUT, OUTPUT

_TO_CHANNELS_FIRST, _TO_CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


class OnnxNodes:
    """The nodes and constants of an ONNX graph, which are added one after the other.

    Attributes:
        nodes: the nodes, `onnx.NodeProto`.
        constants: the constants, `onnx.TensorProto`.
    """

    def __init__(self, onnx: Any, graph: Graph, steps: Mapping[str, Quantized]) -> None:
        """Add all nodes of a graph.

        Args:
            onnx: the module `onnx`.
            graph: the inference graph, without layouts.
            steps: the name of a node -> the 8-bit steps of its output; empty for a model in float32.
        """
        self._onnx = onnx
        self._graph = graph
        self._steps = steps
        self._shapes = shapes(graph)
        self._at: dict[str, str] = {}  # node -> the tensor that its readers read
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        for node in graph.nodes:
            self._at[node.name] = self._stepped(node.name, self._add(node))
        last = graph.nodes[-1].name
        self._node("Transpose", [self._at[last]], OUTPUT, perm=_TO_CHANNELS_LAST)

    def _add(self, node: Node) -> str:
        """Add the operators of a node; return the tensor of its output."""
        inputs = [self._at[name] for name in node.inputs]
        match node.op:
            case Image():
                return self._node("Transpose", [INPUT], f"{node.name}/channels_first", perm=_TO_CHANNELS_FIRST)
            case Conv() | Depthwise():
                return self._convolution(node, inputs[0])
            case Relu6():
                limits = [
                    self._constant(f"{node.name}/{name}", np.float32(value))
                    for name, value in (("low", 0), ("high", 6))
                ]
                return self._node("Clip", [*inputs, *limits], node.name)
            case Concat():
                return self._node("Concat", inputs, node.name, axis=1)
            case Split(index, _):
                channels = self._shapes[node.name][2]
                bounds = [
                    self._constant(f"{node.name}/{name}", np.array([value], np.int64))
                    for name, value in (("begin", index * channels), ("end", (index + 1) * channels), ("axis", 1))
                ]
                return self._node("Slice", [*inputs, *bounds], node.name)
            case Resize(factor, sampling):
                scales = self._constant(f"{node.name}/scales", np.array([1, 1, factor, factor], np.float32))
                centres = "asymmetric" if sampling == "legacy" else "half_pixel"
                return self._node(
                    "Resize", [*inputs, "", scales], node.name, mode="linear", coordinate_transformation_mode=centres
                )
            case PadEdge(before, after):
                pads = self._constant(
                    f"{node.name}/pads", np.array([0, 0, before, before, 0, 0, after, after], np.int64)
                )
                return self._node("Pad", [*inputs, pads], node.name, mode="edge")
            case DepthToSpace(block):
                return self._node("DepthToSpace", inputs, node.name, blocksize=block, mode="DCR")
            case Sigmoid():
                return self._node("Sigmoid", inputs, f"{node.name}/sigmoid")
            case _:
                raise UnwritableGraphError(f"{node.name}: {type(node.op).__name__} is not written as ONNX")

    def _convolution(self, node: Node, source: str) -> str:
        op = node.op
        assert isinstance(op, Conv | Depthwise)
        if isinstance(op, Conv):
            kernel, strides, dilations, groups = op.kernel.transpose(3, 2, 0, 1), op.strides, (1, 1), 1
            same = op.padding == "SAME"
        else:
            kernel, strides, dilations = op.kernel.transpose(2, 3, 0, 1), (op.stride, op.stride), op.dilations
            groups, same = len(kernel), True
        sides = self._shapes[node.inputs[0]][:2]
        pads = same_pads(sides, kernel.shape[2:], strides, dilations) if same else (0, 0, 0, 0)
        constants = self._weights(node.name, kernel, op.bias, self._steps.get(node.inputs[0]))
        return self._node(
            "Conv",
            [source, *constants],
            f"{node.name}/sums",
            strides=strides,
            dilations=dilations,
            pads=pads,
            group=groups,
        )

    def _weights(self, name: str, kernel: AnyArray, bias: AnyArray, source: Quantized | None) -> list[str]:
        """Add a kernel and a bias, as float32, or as integers with the steps of the 8-bit .tflite."""
        if source is None:
            return [self._constant(f"{name}/kernel", kernel), self._constant(f"{name}/bias", bias)]
        integers, steps = TRAINED.weights(np.asarray(kernel, np.float32), 0)
        sums, products = TRAINED.bias(np.asarray(bias, np.float32), source, steps)
        return [self._widened(f"{name}/kernel", integers, steps), self._widened(f"{name}/bias", sums, products)]

    def _widened(self, name: str, integers: AnyArray, steps: Quantized) -> str:
        """Add integers and the operator that makes floats of them, one scale per channel."""
        scales = self._constant(f"{name}/scales", steps.scales.astype(np.float32))
        stored = self._constant(f"{name}/integers", integers)
        zeros = self._constant(f"{name}/zeros", np.zeros(len(steps.scales), integers.dtype))
        return self._node("DequantizeLinear", [stored, scales, zeros], name, axis=0)

    def _stepped(self, name: str, tensor: str) -> str:
        """Add the rounding to 8 bits of a node's output, if it has one."""
        steps = self._steps.get(name)
        if steps is None:
            return tensor
        scale = self._constant(f"{name}/scale", steps.scales.astype(np.float32)[0])
        zero = self._constant(f"{name}/zero", np.int8(steps.zero_point))
        rounded = self._node("QuantizeLinear", [tensor, scale, zero], f"{name}/int8")
        return self._node("DequantizeLinear", [rounded, scale, zero], f"{name}/stepped")

    def _node(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        self.nodes.append(self._onnx.helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def _constant(self, name: str, value: Any) -> str:
        self.constants.append(
            self._onnx.numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name)
        )
        return name
