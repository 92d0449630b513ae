"""The 8-bit activations of the inference graph: their names, which of them share a range, and its measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from mmnet.arrays import U8Array
from mmnet.graph.lower import lower
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
from mmnet.network.ranges import RangeError, Ranges
from mmnet.network.tensorflow import load_tensorflow

# The name of a range -> its lowest and highest value.
Limits = Mapping[str, tuple[float, float]]

# Operators whose inputs and outputs must have the same scale, by TensorFlow Lite's quantization specification.
_SAME_SCALE = (Concat, Split, Resize, PadEdge, DepthToSpace, Pack, Unpack, Stack, Unstack)
# Pixels are bytes already: 0 means 0 and 255 means 1. The scale of a sigmoid's output is fixed at 1/256.
IMAGE_LIMITS = (0.0, 1.0)
ALPHA_LIMITS = (0.0, 255 / 256)


def activations(graph: Graph) -> dict[str, str]:
    """Return every node of the inference graph whose output is rounded to 8 bits -> the name of its range.

    Nodes that must have the same scale share a range, which is named after the first of them. A convolution before a
    ReLU6 is left out, since the two become one operator. The image and the alpha are left out, since their ranges are
    fixed.
    """
    names: dict[str, str] = {}
    for node in graph.nodes:
        names[node.name] = node.name
        if isinstance(node.op, _SAME_SCALE):
            joined = {names[name] for name in node.inputs}
            first = next(name for name in names if name in joined)
            names = {name: first if group in {*joined, node.name} else group for name, group in names.items()}
    fixed = {node.name for node in graph.nodes if isinstance(node.op, Image | Sigmoid)}
    return {
        node.name: names[node.name]
        for node in graph.nodes
        if names[node.name] not in fixed and not _is_fused(graph, node)
    }


def _is_fused(graph: Graph, node: Node) -> bool:
    reader = graph.only_reader(node.name)
    return isinstance(node.op, Conv | Depthwise) and reader is not None and isinstance(reader.op, Relu6)


def measure_limits(
    graph: Graph, images: U8Array, *, progress: Callable[[int], None] = lambda done: None
) -> dict[str, tuple[float, float]]:
    """Measure the lowest and highest value of every activation over some images; a range always includes zero.

    Args:
        graph: the inference graph.
        images: uint8 [N, size, size, 3], RGB.
        progress: called with the number of images measured so far.

    Returns:
        The name of each range (see `activations`) -> its lowest and highest value.
    """
    tf = load_tensorflow("qat")
    names = activations(graph)

    @tf.function(autograph=False)  # type: ignore[untyped-decorator]
    def extremes(image: Any) -> Any:
        extrema: dict[str, list[Any]] = {}

        def record(node: Node, value: Any) -> Any:
            if node.name in names:
                extrema.setdefault(names[node.name], []).append((tf.reduce_min(value), tf.reduce_max(value)))
            return value

        lower(graph, image, hook=record)
        return {
            name: (tf.reduce_min([low for low, _ in pairs]), tf.reduce_max([high for _, high in pairs]))
            for name, pairs in extrema.items()
        }

    limits = dict.fromkeys(names.values(), (0.0, 0.0))
    for done, image in enumerate(images, start=1):
        for name, (low, high) in extremes(tf.constant(image[None].astype(np.float32) / np.float32(255))).items():
            limits[name] = min(limits[name][0], float(low)), max(limits[name][1], float(high))
        progress(done)
    # A channel that is always zero still needs a scale.
    return {name: (low, high) if low < high else (0.0, 6.0) for name, (low, high) in limits.items()}


def check_limits(ranges: Ranges, graph: Graph) -> None:
    """Check that `ranges` has one range for every activation of the inference graph and no other.

    Raises:
        RangeError: names the first activation that is missing or unknown.
    """
    expected = dict.fromkeys(activations(graph).values())
    for name in expected:
        if name not in ranges.limits:
            raise RangeError(
                f"the checkpoint's ranges lack activation {name}; measure them anew with mmnet quantize --steps 0"
            )
    for name in ranges.limits:
        if name not in expected:
            raise RangeError(
                f"the checkpoint's ranges name {name}, which is no activation of this network; measure them anew "
                "with mmnet quantize --steps 0"
            )
