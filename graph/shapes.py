"""The shapes of the maps of a graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from mmnet.graph.operators import (
    Concat,
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Image,
    Pack,
    PadEdge,
    Resize,
    Softmax,
    Split,
    Stack,
    Unpack,
    Unstack,
)

Shape: TypeAlias = tuple[int, int, int]


def shapes(graph: Graph) -> dict[str, Shape]:
    """Return the height, width and channels of every node's output."""
    found: dict[str, Shape] = {}
    for node in graph.nodes:
        inputs = [found[name] for name in node.inputs]
        height, width, channels = inputs[0] if inputs else (0, 0, 0)
        match node.op:
            case Image(size):
                height, width, channels = size, size, 3
            case Conv(kernel, _, strides, padding):
                rows, columns, _, channels = kernel.shape
                lost = (rows - 1, columns - 1) if padding == "VALID" else (0, 0)
                height, width = (
                    -(-(side - less) // step) for side, less, step in zip((height, width), lost, strides, strict=True)
                )
            case Depthwise(stride=stride):
                height, width = -(-height // stride), -(-width // stride)
            case Concat():
                channels = sum(shape[2] for shape in inputs)
            case Split(_, parts):
                channels //= parts
            case Resize(factor):
                height, width = height * factor, width * factor
            case PadEdge(before, after):
                height, width = height + before + after, width + before + after
            case DepthToSpace(block):
                height, width, channels = height * block, width * block, channels // block**2
            case Pack(columns):
                width, channels = width // columns, channels * columns
            case Unpack(columns):
                width, channels = width * columns, channels // columns
            case Stack():
                height, width = len(inputs), height * width
            case Unstack(rows):
                height, width = rows, width // rows
            case Softmax():
                channels = 1
        found[node.name] = (height, width, channels)
    return found


def same_pads(
    sides: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
) -> tuple[int, int, int, int]:
    """Return the padding that TensorFlow calls SAME: rows before, columns before, rows after, columns after.

    Args:
        sides: height and width of the map.
        kernel: rows and columns of the kernel.
        strides, dilations: of rows and of columns.
    """
    missing = [
        max((-(-side // step) - 1) * step + (taps - 1) * rate + 1 - side, 0)
        for side, taps, step, rate in zip(sides, kernel, strides, dilations, strict=True)
    ]
    before = [space // 2 for space in missing]
    return before[0], before[1], missing[0] - before[0], missing[1] - before[1]
