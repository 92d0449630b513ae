"""The layers of a .tflite: the operators that compute, under the names of the network's layers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from os.path import commonpath
from pathlib import PurePosixPath

from mmnet.runtime.tflite.contents import Graph, Operator

# Operators that only move values, and operators that only change how values are stored.
MOVERS = frozenset({"CONCATENATION", "DEPTH_TO_SPACE", "PAD", "RESHAPE", "SPLIT", "STRIDED_SLICE"})
CONVERSIONS = frozenset({"DEQUANTIZE", "QUANTIZE"})


@dataclass(frozen=True)
class Layer:
    """One operator that computes.

    Attributes:
        name: of the layer in the network, for example `enc_block0/merge/pointwise_conv`; unique in a model.
        kind: the operation, for example "CONV_2D".
        tensor: the index of its (first) output.
    """

    name: str
    kind: str
    tensor: int

    @property
    def block(self) -> str:
        """The block that the layer belongs to: the first part of its name."""
        return self.name.partition("/")[0]


def layers(graph: Graph) -> list[Layer]:
    """List the layers of a model, in the order in which they run."""
    found = [(layer_name(graph.tensors[op.outputs[0]].name), op) for op in computing(graph)]
    seen: Counter[str] = Counter()
    unique = []
    for name, op in found:
        seen[name] += 1
        unique.append(Layer(name if seen[name] == 1 else f"{name} ({seen[name]})", op.name, op.outputs[0]))
    return unique


def computing(graph: Graph) -> Iterator[Operator]:
    """Iterate over the operators that compute: all but MOVERS and CONVERSIONS."""
    return (op for op in graph.operators if op.name not in MOVERS | CONVERSIONS)


def layer_name(tensor: str) -> str:
    """Return the name of the layer whose output a tensor is.

    The converter joins the names of the operators that it fused: `x/relu6/Relu6;x/BiasAdd;x/Conv2D`. The name of the
    layer is what they have in common, here `x`. If the operators belong to two layers, it is the last layer, whose
    operator comes first in the joined name.
    """
    scopes = [str(PurePosixPath(part).parent) for part in tensor.split(";")]
    first = tensor.split(";")[0]
    if "." in scopes:  # an operator at the top level, in no layer
        return first if scopes[0] == "." else scopes[0]
    return commonpath(scopes) or scopes[0]


def short_name(tensor: str) -> str:
    """Return the layer of a tensor and the last of its fused operators: `x/Relu6`. A name that is not joined stays."""
    parts = tensor.split(";")
    if len(parts) == 1 or "/" not in tensor:
        return tensor
    # The bias that fusing makes is a constant of its own; its name ends in /bias.
    last = parts[-1] if parts[-1].endswith("/bias") else parts[0]
    return f"{layer_name(tensor)}/{PurePosixPath(last).name}"
