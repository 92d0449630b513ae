"""The layers of a .tflite: its operators that compute, under the names of the network they were converted from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import commonpath
from pathlib import PurePosixPath

from mmnet.runtime.tflite.contents import Graph, Operator

# Operators that only move values about, and those that only change how they are stored.
MOVERS = frozenset({"CONCATENATION", "DEPTH_TO_SPACE", "PAD", "RESHAPE", "SPLIT", "STRIDED_SLICE"})
CONVERSIONS = frozenset({"DEQUANTIZE", "QUANTIZE"})


@dataclass(frozen=True)
class Layer:
    """One operator that computes.

    Attributes:
        name: of the layer in the network, for example `enc_block0/merge/pointwise_conv`; each name once.
        kind: the operator.
        tensor: the index of its (first) output.
    """

    name: str
    kind: str
    tensor: int

    @property
    def block(self) -> str:
        """The first part of its name."""
        return self.name.partition("/")[0]


def layers(graph: Graph) -> list[Layer]:
    """The layers of a model, in the order in which they run."""
    found = [(layer_name(graph.tensors[op.outputs[0]].name), op) for op in computing(graph)]
    seen: Counter[str] = Counter()
    unique = []
    for name, op in found:
        seen[name] += 1
        unique.append(Layer(name if seen[name] == 1 else f"{name} ({seen[name]})", op.name, op.outputs[0]))
    return unique


def computing(graph: Graph) -> Iterator[Operator]:
    """The operators that are neither movers nor conversions."""
    return (op for op in graph.operators if op.name not in MOVERS | CONVERSIONS)


def layer_name(tensor: str) -> str:
    """The layer that a tensor is the output of.

    The converter joins the names of the operators that it fused, `x/relu6/Relu6;x/BiasAdd;x/Conv2D`: the layer is
    what they have in common, here `x`; of operators of two layers the last, which comes first in the name.
    """
    scopes = [str(PurePosixPath(part).parent) for part in tensor.split(";")]
    first = tensor.split(";")[0]
    if "." in scopes:  # an operator at the top, in no layer
        return first if scopes[0] == "." else scopes[0]
    return commonpath(scopes) or scopes[0]


def short_name(tensor: str) -> str:
    """The tensor's layer and the last of the operators that the converter fused: `x/Relu6`. Short names stay."""
    parts = tensor.split(";")
    if len(parts) == 1 or "/" not in tensor:
        return tensor
    # The bias that fusing made is a constant of its own, told from the output by the lack of a number.
    last = parts[-1] if parts[-1].endswith("/bias") else parts[0]
    return f"{layer_name(tensor)}/{PurePosixPath(last).name}"
