"""The network as a list of operators.

A `Graph` is plain data: nodes in the order in which they run, each with its constants. It is made from weights without
any framework, rewritten by `mmnet.graph.rewrite`, and turned into TensorFlow operators by `mmnet.graph.lower`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from mmnet.arrays import F32Array
from mmnet.network.blocks import NORM_EPSILON, walk
from mmnet.network.config import ModelConfig, Sampling
from mmnet.network.variables import ROOT, Weights, check_weights


@dataclass(frozen=True)
class Image:
    """The input: [1, size, size, 3] RGB in 0-1."""

    size: int


@dataclass(frozen=True)
class Conv:
    """A convolution. `kernel` is [height, width, inputs, outputs], `bias` is [outputs]."""

    kernel: F32Array
    bias: F32Array
    strides: tuple[int, int] = (1, 1)
    padding: Literal["SAME", "VALID"] = "SAME"


@dataclass(frozen=True)
class Depthwise:
    """A depthwise convolution with 'SAME' padding. `kernel` is [3, 3, channels, 1], `bias` is [channels]."""

    kernel: F32Array
    bias: F32Array
    stride: int = 1
    dilations: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Norm:
    """A batch norm with fixed statistics: x * scale + shift, with one scale and one shift per channel."""

    scale: F32Array
    shift: F32Array


@dataclass(frozen=True)
class Relu6:
    """The activation min(max(x, 0), 6)."""


@dataclass(frozen=True)
class Concat:
    """A concatenation of the channels."""


@dataclass(frozen=True)
class Split:
    """Part `index` of the channels, split into `parts` parts of equal size."""

    index: int
    parts: int


@dataclass(frozen=True)
class Resize:
    """A bilinear resize to `factor` times the size."""

    factor: int
    sampling: Sampling


@dataclass(frozen=True)
class PadEdge:
    """A padding that repeats the first row and column `before` times and the last ones `after` times."""

    before: int
    after: int


@dataclass(frozen=True)
class DepthToSpace:
    """A rearrangement of the channels of a pixel into a square of block x block pixels.

    Channel a * block + b becomes the pixel in row a and column b.
    """

    block: int


@dataclass(frozen=True)
class Pack:
    """A reshape of `columns` neighbouring columns into one with their channels side by side; no byte moves."""

    columns: int


@dataclass(frozen=True)
class Unpack:
    """The inverse of `Pack`: a reshape of each column into `columns` neighbouring ones; no byte moves."""

    columns: int


@dataclass(frozen=True)
class Stack:
    """A concatenation of maps [H, W, C] as rows: n of them become [n, H * W, C]."""


@dataclass(frozen=True)
class Unstack:
    """A reshape of one row of H * W pixels into `rows` rows; no byte moves."""

    rows: int


@dataclass(frozen=True)
class Softmax:
    """A softmax over two logits; channel 1 is the alpha."""


@dataclass(frozen=True)
class Sigmoid:
    """The activation 1 / (1 + exp(-x))."""


Op: TypeAlias = (
    Image
    | Conv
    | Depthwise
    | Norm
    | Relu6
    | Concat
    | Split
    | Resize
    | PadEdge
    | DepthToSpace
    | Pack
    | Unpack
    | Stack
    | Unstack
    | Softmax
    | Sigmoid
)


@dataclass(frozen=True)
class Node:
    """One step of the graph.

    Attributes:
        name: unique in the graph; the path of a layer below `MMNet/`.
        op: the operator.
        inputs: names of the nodes whose outputs it reads.
    """

    name: str
    op: Op
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Graph:
    """The nodes in the order in which they run; the last one is the output."""

    nodes: tuple[Node, ...]

    def __getitem__(self, name: str) -> Node:
        return next(node for node in self.nodes if node.name == name)

    def readers(self, name: str) -> tuple[Node, ...]:
        """Return the nodes that read the output of `name`, in order."""
        return tuple(node for node in self.nodes if name in node.inputs)

    def only_reader(self, name: str) -> Node | None:
        """Return the node that reads the output of `name` if there is exactly one, else None."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 else None

    def pruned(self) -> Graph:
        """Return the graph without the nodes that the output does not need."""
        needed = {self.nodes[-1].name}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        return Graph(tuple(node for node in self.nodes if node.name in needed))

    def with_nodes(self, changed: Mapping[str, Sequence[Node]]) -> Graph:
        """Return the graph with each named node replaced by the given nodes; an empty sequence removes it."""
        return Graph(tuple(new for node in self.nodes for new in changed.get(node.name, (node,))))

    def reading(self, old: str, new: str) -> Graph:
        """Return the graph with every reader of `old` reading `new` instead."""
        return Graph(
            tuple(
                replace(node, inputs=tuple(new if name == old else name for name in node.inputs)) for node in self.nodes
            )
        )


class _Recorder:
    """A builder whose tensors are node names."""

    def __init__(self, config: ModelConfig, weights: Weights) -> None:
        self._config = config
        self._weights = weights
        self.nodes = [Node("image", Image(config.size))]

    def conv(
        self, x: str, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True
    ) -> str:
        weights = self._weight(name, "weights")
        node = self._add(name, Conv(weights, np.zeros(filters, np.float32), (stride, stride)), x)
        return self._norm(node, activation)

    def depthwise(self, x: str, name: str, *, stride: int = 1, rate: int = 1) -> str:
        kernel = self._weight(name, "depthwise_weights")
        node = self._add(name, Depthwise(kernel, np.zeros(kernel.shape[2], np.float32), stride, (rate, rate)), x)
        return self._norm(node, True)

    def concat(self, parts: Sequence[str]) -> str:
        return self._add(f"concat{len(self.nodes)}", Concat(), *parts)

    def upsample(self, x: str, name: str) -> str:
        return self._add(name, Resize(2, self._config.sampling), x)

    def head(self, x: str, name: str) -> str:
        return self._add(name, Conv(self._weight(name, "weights"), self._weight(name, "biases")), x)

    def _norm(self, name: str, activation: bool) -> str:
        beta, gamma, mean, variance = (
            self._weight(name, f"BatchNorm/{part}") for part in ("beta", "gamma", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + np.float32(NORM_EPSILON))
        node = self._add(f"{name}/norm", Norm(scale, beta - mean * scale), name)
        return self._add(f"{name}/relu6", Relu6(), node) if activation else node

    def _weight(self, name: str, part: str) -> F32Array:
        return self._weights[f"{ROOT}{name}/{part}"]

    def _add(self, name: str, op: Op, *inputs: str) -> str:
        self.nodes.append(Node(name, op, inputs))
        return name


def training_graph(config: ModelConfig, weights: Weights) -> Graph:
    """Return the network as it was trained, with frozen statistics, from the image to the softmax.

    The auxiliary head is left out.

    Raises:
        VariableError: the weights do not belong to this configuration.
    """
    check_weights(weights, config)
    recorder = _Recorder(config, weights)
    outputs = walk(config, recorder, "image")
    return Graph((*recorder.nodes, Node("alpha", Softmax(), (outputs["final_block"],)))).pruned()
