"""The operators of a Core ML model: what the inference graph becomes as a program of MIL, Core ML's language.

The maps are [1, channels, height, width], as Core ML has them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.export.coreml.tools import load_coremltools
from mmnet.export.direct.plan import UnwritableGraphError
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

_WHITE = np.float32(255)
_CHANNELS = 1  # the axis


def mil_program(graph: Graph) -> Any:
    """Return a graph as a program with the input `image` and the output `alpha`.

    The image is float32 [1, 3, S, S], RGB in 0-255, and the alpha float32 [1, 1, S, S], whole numbers in 0-255: the
    tensors that Core ML makes of images, and images of.

    Args:
        graph: the inference graph, without layouts.

    Raises:
        MissingExtraError: coremltools is not installed.
        UnwritableGraphError: an operator that Core ML models are not written with.
    """
    tools = load_coremltools()
    from coremltools.converters.mil import Builder

    source = graph.nodes[0].op
    assert isinstance(source, Image)
    specification = Builder.TensorSpec((1, 3, source.size, source.size))

    def function(image: Any) -> Any:
        return _Operators(Builder, graph).add_all(image)

    assert function.__code__.co_varnames[0] == INPUT  # the builder names the input after the argument
    program = Builder.program(input_specs=[specification], opset_version=tools.target.iOS15)(function)
    program.functions["main"].set_output_types([tools.ImageType(name=OUTPUT, color_layout=tools.colorlayout.GRAYSCALE)])
    return program


class _Operators:
    """The operators of a program, which are added one after the other."""

    def __init__(self, builder: Any, graph: Graph) -> None:
        self._builder = builder
        self._graph = graph
        self._shapes = shapes(graph)
        self._at: dict[str, Any] = {}  # node -> the variable that its readers read
        self._parts: dict[str, Any] = {}  # node that is split -> the variables of its parts

    def add_all(self, image: Any) -> Any:
        """Add the operators of all nodes; return the variable of the alpha in bytes."""
        self._at[self._graph.nodes[0].name] = self._builder.mul(x=image, y=1 / _WHITE, name="scaled")
        for node in self._graph.nodes[1:]:
            self._at[node.name] = self._add(node)
        alpha = self._at[self._graph.nodes[-1].name]
        # Rounded here, the bytes are the same however Core ML turns floats into bytes.
        return self._builder.round(x=self._builder.mul(x=alpha, y=_WHITE, name="scaled_alpha"), name=OUTPUT)

    def _add(self, node: Node) -> Any:
        builder, inputs = self._builder, [self._at[name] for name in node.inputs]
        match node.op:
            case Conv() | Depthwise():
                return self._convolution(node, inputs[0])
            case Relu6():
                return builder.relu6(x=inputs[0], name=node.name)
            case Concat():
                return builder.concat(values=inputs, axis=_CHANNELS, name=node.name)
            case Split(index, parts):
                source = node.inputs[0]
                if source not in self._parts:
                    self._parts[source] = builder.split(x=inputs[0], num_splits=parts, axis=_CHANNELS, name=source)
                return self._parts[source][index]
            case Resize(_, sampling):
                height, width, _ = self._shapes[node.name]
                mode = "DEFAULT" if sampling == "legacy" else "UNALIGN_CORNERS"
                return builder.resize_bilinear(
                    x=inputs[0], target_size_height=height, target_size_width=width, sampling_mode=mode, name=node.name
                )
            case PadEdge(before, after):
                sides = [before, after, before, after]  # of rows, and of columns
                return builder.pad(x=inputs[0], pad=sides, mode="replicate", name=node.name)
            case DepthToSpace(block):
                return builder.depth_to_space(x=inputs[0], block_size=block, name=node.name)
            case Sigmoid():
                return builder.sigmoid(x=inputs[0], name=f"{node.name}/exact")
            case _:
                raise UnwritableGraphError(f"{node.name}: {type(node.op).__name__} is not written as Core ML")

    def _convolution(self, node: Node, source: Any) -> Any:
        op = node.op
        assert isinstance(op, Conv | Depthwise)
        kernel = channels_first(op)
        if isinstance(op, Conv):
            strides, dilations, groups, same = op.strides, (1, 1), 1, op.padding == "SAME"
        else:
            strides, dilations, groups, same = (op.stride, op.stride), op.dilations, len(kernel), True
        sides = self._shapes[node.inputs[0]][:2]
        top, left, bottom, right = same_pads(sides, kernel.shape[2:], strides, dilations) if same else (0, 0, 0, 0)
        return self._builder.conv(
            x=source,
            weight=kernel,
            bias=np.asarray(op.bias, np.float32),
            strides=list(strides),
            pad_type="custom",
            pad=[top, bottom, left, right],
            dilations=list(dilations),
            groups=groups,
            name=node.name,
        )


def channels_first(op: Conv | Depthwise) -> AnyArray:
    """Return a kernel as Core ML has it: float32 [outputs, inputs of a group, height, width]."""
    axes = (3, 2, 0, 1) if isinstance(op, Conv) else (2, 3, 0, 1)
    return np.ascontiguousarray(op.kernel.transpose(axes), np.float32)
