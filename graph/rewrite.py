"""Rewritings of the graph that change its speed but not its function.

Each takes a graph and returns one that computes the same alpha. `REWRITES` lists them in the order in which they are
applied. docs/internals/rewriting.md says what each one gains, and what was tried without gain.

The names of the functions are recorded in the recipe of every exported model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mmnet.graph.operators import (
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Node,
    Norm,
    PadEdge,
    Relu6,
    Resize,
    Sigmoid,
    Softmax,
    Split,
)


def fold_norms(graph: Graph) -> Graph:
    """Fold each batch norm into the weights and the bias of the convolution before it."""
    for node in graph.nodes:
        if isinstance(node.op, Norm):
            source = graph[node.inputs[0]]
            op, scale = source.op, node.op.scale
            assert isinstance(op, Conv | Depthwise)
            # The output channels of a depthwise kernel are its third axis, those of a convolution's kernel its fourth.
            kernel = op.kernel * (scale if isinstance(op, Conv) else scale[:, None])
            folded = replace(op, kernel=kernel, bias=op.bias * scale + node.op.shift)
            graph = graph.with_nodes({source.name: [replace(source, op=folded)], node.name: []})
            graph = graph.reading(node.name, source.name)
    return graph


def softmax_to_sigmoid(graph: Graph) -> Graph:
    """Replace the softmax over two logits by the sigmoid of their difference: one output channel instead of two."""
    alpha = graph.nodes[-1]
    head = graph[alpha.inputs[0]]
    assert isinstance(alpha.op, Softmax)
    assert isinstance(head.op, Conv)
    kernel, bias = head.op.kernel, head.op.bias
    difference = replace(head.op, kernel=kernel[..., 1:] - kernel[..., :1], bias=bias[1:] - bias[:1])
    return graph.with_nodes({head.name: [replace(head, op=difference)], alpha.name: [replace(alpha, op=Sigmoid())]})


def fuse_head_with_resizes(graph: Graph) -> Graph:
    """Replace the last resizes and the 1x1 head after them by one small convolution at low resolution.

    A 1x1 convolution commutes with a bilinear resize, because the weights of the resize sum to one. A resize by a whole
    factor is a convolution that computes the factor² pixels of each square as channels, which depth-to-space then
    rearranges. Repeated edges replace the clamping of the resize. In 8 bits the logits are then rounded once instead of
    three times; and kernels are slow at interpolating a single channel.
    """
    output = graph.nodes[-1]
    head = graph[output.inputs[0]]
    resizes: list[Node] = []
    source = graph[head.inputs[0]]
    while isinstance(source.op, Resize) and graph.only_reader(source.name):
        resizes.insert(0, source)
        source = graph[source.inputs[0]]
    if not (resizes and isinstance(head.op, Conv) and head.op.kernel.shape[:2] == (1, 1)):
        return graph
    taps, before, after = _interpolation([node.op for node in resizes if isinstance(node.op, Resize)])
    factor, reach = taps.shape
    weights = head.op.kernel[0, 0, :, 0]
    kernel = np.einsum("ai,bj,c->ijcab", taps, taps, weights).reshape(reach, reach, len(weights), factor**2)
    bias = np.repeat(head.op.bias, factor**2)
    padded = Node(f"{head.name}/padded", PadEdge(before, after), (source.name,))
    phases = Node(f"{head.name}/phases", Conv(kernel.astype(np.float32), bias, padding="VALID"), (padded.name,))
    spread = Node(head.name, DepthToSpace(factor), (phases.name,))
    return graph.with_nodes({head.name: [padded, phases, spread]} | {node.name: [] for node in resizes})


def _interpolation(resizes: Sequence[Resize]) -> tuple[NDArray[np.float64], int, int]:
    """The weights of a chain of resizes along one axis, away from the edges.

    Returns:
        float64 [factor, before + 1 + after], and `before` and `after`: row a holds the weights with which output pixel
        i * factor + a takes the input pixels i - before ... i + after.
    """
    pixels = 8
    response = np.eye(pixels)
    for resize in resizes:
        offset = 0.0 if resize.sampling == "legacy" else 0.5
        positions = (np.arange(len(response) * resize.factor) + offset) / resize.factor - offset
        low = np.floor(positions).astype(int)
        fraction = (positions - low)[:, None]
        last = len(response) - 1
        response = response[low.clip(0, last)] * (1 - fraction) + response[(low + 1).clip(0, last)] * fraction
    factor = len(response) // pixels
    centre = pixels // 2
    taps = response[centre * factor : (centre + 1) * factor]
    used = np.flatnonzero(taps.any(axis=0))
    return taps[:, used[0] : used[-1] + 1], int(centre - used[0]), int(used[-1] - centre)


def compose_convolutions(graph: Graph) -> Graph:
    """Compose two 1x1 convolutions with nothing between them into one, where that takes fewer multiply-adds."""
    for node in graph.nodes:
        reader = graph.only_reader(node.name)
        if reader is None or not (_is_pointwise(node) and _is_pointwise(reader)):
            continue
        assert isinstance(node.op, Conv)
        assert isinstance(reader.op, Conv)
        first, second = node.op.kernel[0, 0], reader.op.kernel[0, 0]
        if first.shape[0] * second.shape[1] < first.size + second.size:
            kernel = (first.astype(np.float64) @ second).astype(np.float32)
            op = replace(reader.op, kernel=kernel[None, None], bias=node.op.bias @ second + reader.op.bias)
            return compose_convolutions(
                graph.with_nodes({node.name: [], reader.name: [replace(reader, op=op, inputs=node.inputs)]})
            )
    return graph


def _is_pointwise(node: Node) -> bool:
    return isinstance(node.op, Conv) and node.op.kernel.shape[:2] == (1, 1) and node.op.strides == (1, 1)


def merge_strided_branches(graph: Graph) -> Graph:
    """Merge the branches of each stride-2 block up to their last layer.

    The branches differ only in the dilation rate of that layer. The layers before it (1x1 convolution, ReLU6, strided
    depthwise convolution, ReLU6) run once on the channels of all branches. The split comes after the stride, where
    there is a quarter of the pixels.
    """
    chains: dict[str, list[list[Node]]] = {}
    for node in graph.nodes:
        if isinstance(node.op, Depthwise) and node.op.stride == 2:
            activation = graph[node.inputs[0]]
            convolution = graph[activation.inputs[0]]
            last = graph.only_reader(node.name)
            assert last is not None
            chains.setdefault(convolution.inputs[0], []).append([convolution, activation, node, last])
    for source, branches in chains.items():
        stages = list(zip(*branches, strict=True))
        merged: list[Node] = []
        for stage in stages:
            reads = merged[-1].name if merged else source
            merged.append(Node(f"{stage[0].name}/merged", _merge_channels(stage), (reads,)))
        parts = [
            Node(node.name, Split(index, len(branches)), (merged[-1].name,)) for index, node in enumerate(stages[-1])
        ]
        gone: dict[str, list[Node]] = {node.name: [] for stage in stages for node in stage}
        graph = graph.with_nodes(gone | {stages[0][0].name: [*merged, *parts]})
    return graph


def _merge_channels(nodes: Sequence[Node]) -> Conv | Depthwise | Relu6:
    """Return one operator that computes the outputs of all `nodes`, side by side."""
    first = nodes[0].op
    if isinstance(first, Relu6):
        return first
    assert isinstance(first, Conv | Depthwise)
    axis = 3 if isinstance(first, Conv) else 2
    kernels = [node.op.kernel for node in nodes if isinstance(node.op, Conv | Depthwise)]
    biases = [node.op.bias for node in nodes if isinstance(node.op, Conv | Depthwise)]
    return replace(first, kernel=np.concatenate(kernels, axis), bias=np.concatenate(biases))


REWRITES: tuple[Callable[[Graph], Graph], ...] = (
    fold_norms,
    softmax_to_sigmoid,
    fuse_head_with_resizes,
    compose_convolutions,
    merge_strided_branches,
)


def apply_rewrites(graph: Graph) -> Graph:
    """Return the training graph after all rewritings."""
    for rewrite in REWRITES:
        graph = rewrite(graph)
    return graph
