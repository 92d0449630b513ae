"""Layouts: the same sums over the same numbers, arranged so that kernels compute them faster.

A layout changes neither a weight nor a rounding: float and 8-bit alphas stay the same bytes. It is applied to the
inference graph right before the conversion, so ranges, layers and trained kernels know nothing of it. Some layouts pay
in 8 bits only. docs/internals/rewriting.md says what each one gains.

The names of the functions are recorded in the recipe of every exported model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from mmnet.arrays import F32Array
from mmnet.graph.operators import (
    Concat,
    Conv,
    Depthwise,
    Graph,
    Image,
    Node,
    Pack,
    Relu6,
    Stack,
    Unpack,
    Unstack,
)
from mmnet.graph.shapes import Shape, shapes

Layout: TypeAlias = "Callable[[Graph], Graph]"

# With more channels, a packed layer was not faster, and its kernel takes `rate` times the space.
_MOST_PACKED_CHANNELS = 56


def pack_columns(graph: Graph) -> Graph:
    """Let the first convolution read pairs of columns as six channels, with two taps per row instead of three.

    8-bit kernels process the channels of a tap eight at a time, so with three channels most of the work is spent on
    padding. Pairing columns is a reshape that moves no byte. One of the four taps is zero, which costs float kernels
    more than they gain.
    """
    image = graph.nodes[0]
    first = graph.only_reader(image.name)
    assert isinstance(image.op, Image)
    assert first is not None
    assert isinstance(first.op, Conv)
    rows, columns, channels, filters = first.op.kernel.shape
    taps = np.zeros((rows, columns + 1, channels, filters), np.float32)
    taps[:, :columns] = first.op.kernel
    packed = Node(f"{image.name}/packed", Pack(2), (image.name,))
    kernel = taps.reshape(rows, (columns + 1) // 2, 2 * channels, filters)
    convolution = replace(first, op=replace(first.op, kernel=kernel, strides=(2, 1)), inputs=(packed.name,))
    return graph.with_nodes({first.name: [packed, convolution]})


def pack_dilations(graph: Graph) -> Graph:
    """Let dilated depthwise convolutions read as many columns as their rate as the channels of one.

    Columns that are `rate` apart become neighbours: a convolution with dilation (rate, rate) over [H, W, C] is, to the
    bit, one with dilation (rate, 1) over [H, W / rate, rate * C]. The reshapes around it move no byte. Kernels compute
    many channels at a time, so with few channels part of their width is unused; and they look up nine addresses per
    pixel, of which there are fewer.
    """
    sizes = shapes(graph)
    for name in [node.name for node in graph.nodes]:
        node = graph[name]
        if isinstance(node.op, Depthwise) and _can_be_packed(node.op, sizes[name]):
            columns, last = node.op.dilations[1], _with_activation(graph, node)
            packed = Node(f"{node.name}/packed", Pack(columns), node.inputs)
            convolution = replace(node, op=_repeated(node.op, columns), inputs=(packed.name,))
            unpacked = Node(f"{node.name}/unpacked", Unpack(columns), (last.name,))
            graph = graph.reading(last.name, unpacked.name)
            if last is node:
                graph = graph.with_nodes({node.name: [packed, convolution, unpacked]})
            else:
                graph = graph.with_nodes({node.name: [packed, convolution], last.name: [last, unpacked]})
    return graph


def _can_be_packed(op: Depthwise, shape: Shape) -> bool:
    """Whether a depthwise convolution with maps of this shape can be packed, and has so few channels that it pays."""
    rate = op.dilations[1]
    _, width, channels = shape
    return rate > 1 and op.stride == 1 and width % rate == 0 and channels <= _MOST_PACKED_CHANNELS


def _with_activation(graph: Graph, node: Node) -> Node:
    """Return the activation of a layer if nothing else reads the layer, else the layer itself.

    What follows the layer otherwise, such as the batch norm of a graph that was not rewritten, has one number per
    channel and does not fit a layer with other channels.
    """
    reader = graph.only_reader(node.name)
    return reader if reader is not None and isinstance(reader.op, Relu6) else node


def _repeated(op: Depthwise, columns: int) -> Depthwise:
    """The depthwise convolution for `columns` columns side by side, which are as far apart as its dilation."""
    return replace(
        op,
        kernel=np.tile(op.kernel, (columns, 1)),
        bias=np.tile(op.bias, columns),
        dilations=(op.dilations[0], op.dilations[1] // columns),
    )


def stack_branches(graph: Graph) -> Graph:
    """Put maps below one another instead of side by side where a single 1x1 convolution reads them.

    A 1x1 convolution over n maps [H, W, C] side by side is, to the bit, one with a kernel of n rows over [n, H * W, C]:
    the sums have the same terms in the same order. The maps are then copied as a whole, not pixel by pixel. 8-bit
    kernels compute it as fast as before, float kernels do not. With several readers, Arm ran more instructions.
    """
    sizes = shapes(graph)
    for name in [node.name for node in graph.nodes if isinstance(node.op, Concat)]:
        node, reader = graph[name], graph.only_reader(name)
        parts = [sizes[source] for source in node.inputs]
        if reader is None or not _is_pointwise(reader) or len(set(parts)) != 1:
            continue
        assert isinstance(reader.op, Conv)
        stacked = replace(reader, op=_in_rows(reader.op, len(parts)))
        graph = graph.with_nodes({name: [replace(node, op=Stack())], reader.name: [stacked]})
        last = _with_activation(graph, stacked)
        unstacked = Node(f"{last.name}/unstacked", Unstack(parts[0][0]), (last.name,))
        graph = graph.reading(last.name, unstacked.name).with_nodes({last.name: [last, unstacked]})
    return graph


def _is_pointwise(node: Node) -> bool:
    return isinstance(node.op, Conv) and node.op.kernel.shape[:2] == (1, 1) and node.op.strides == (1, 1)


def _in_rows(op: Conv, rows: int) -> Conv:
    """The 1x1 convolution as one with a kernel of `rows` rows, each of which has its part of the channels."""
    kernel: F32Array = op.kernel.reshape(rows, 1, -1, op.kernel.shape[3])
    return replace(op, kernel=kernel, padding="VALID")


FLOAT_LAYOUTS: tuple[Layout, ...] = (pack_dilations,)
INTEGER_LAYOUTS: tuple[Layout, ...] = (pack_columns, pack_dilations, stack_branches)


def lay_out(graph: Graph, layouts: Sequence[Layout]) -> Graph:
    """Return the inference graph after some layouts, in their order."""
    for layout in layouts:
        graph = layout(graph)
    return graph
