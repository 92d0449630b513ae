"""The operators of a model with their times, their work and their utilisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.benchmark.profile.litert import Events
from mmnet.benchmark.profile.peak import Peak
from mmnet.runtime.tflite.contents import Graph, Operator
from mmnet.runtime.tflite.inspection import multiply_adds_of
from mmnet.runtime.tflite.layers import layer_name

# The operators of TensorFlow Lite that the kernels of XNNPACK run, by the beginnings of their names.
_KERNELS: dict[str, frozenset[str]] = {
    "Fully Connected": frozenset({"FULLY_CONNECTED", "CONV_2D"}),
    "Convolution": frozenset({"CONV_2D", "DEPTHWISE_CONV_2D"}),
    "Deconvolution": frozenset({"TRANSPOSE_CONV"}),
    "Copy": frozenset({"CONCATENATION", "SPLIT", "RESHAPE"}),
    "Static Reshape": frozenset({"RESHAPE", "EXPAND_DIMS", "SQUEEZE"}),
    "Slice": frozenset({"SLICE", "STRIDED_SLICE"}),
    "Constant Pad": frozenset({"PAD"}),
    "Resize Bilinear": frozenset({"RESIZE_BILINEAR"}),
    "Depth To Space": frozenset({"DEPTH_TO_SPACE"}),
    "Space To Depth": frozenset({"SPACE_TO_DEPTH"}),
    "Transpose": frozenset({"TRANSPOSE"}),
    "Sigmoid": frozenset({"LOGISTIC"}),
    "HardSwish": frozenset({"HARD_SWISH"}),
    "Softmax": frozenset({"SOFTMAX"}),
    "Add": frozenset({"ADD"}),
    "Subtract": frozenset({"SUB"}),
    "Multiply": frozenset({"MUL"}),
    "Maximum": frozenset({"MAXIMUM"}),
    "Minimum": frozenset({"MINIMUM"}),
    "Clamp": frozenset({"RELU", "RELU6"}),
    "Max Pooling": frozenset({"MAX_POOL_2D"}),
    "Average Pooling": frozenset({"AVERAGE_POOL_2D"}),
    "Convert": frozenset({"QUANTIZE", "DEQUANTIZE"}),
}


@dataclass(frozen=True)
class OperatorProfile:
    """One operator.

    Attributes:
        layer: the layer of the network that it belongs to; empty if that is not known.
        operator: its kind, for example "CONV_2D"; empty if that is not known.
        kernel: the kernel that ran it, by XNNPACK's or TensorFlow Lite's name.
        microseconds: its time in the run in which it was fastest.
        median_microseconds: the median of its times.
        multiply_adds: the multiply-adds of one run.
        bytes_moved: the bytes of the tensors that it reads and writes, each once; 0 for a reshape, which leaves them
            where they are.
        utilisation: how much of what the machine can do it reaches, from 0 to 1: of the multiply-adds or of the bytes
            per second, whichever is more. None if it takes less time than the profiler can tell, or does neither.
    """

    layer: str
    operator: str
    kernel: str
    microseconds: int
    median_microseconds: float
    multiply_adds: int
    bytes_moved: int
    utilisation: float | None


@dataclass(frozen=True)
class KernelProfile:
    """All operators that one kernel ran.

    Attributes:
        kernel: XNNPACK's or TensorFlow Lite's name.
        operators: how many there are.
        microseconds: the sum of their times, each in the run in which it was fastest.
        multiply_adds: the multiply-adds of one run.
        bytes_moved: the sum of their `bytes_moved`.
        utilisation: how much of what the machine can do they reach together, from 0 to 1; None as in an operator.
    """

    kernel: str
    operators: int
    microseconds: int
    multiply_adds: int
    bytes_moved: int
    utilisation: float | None


def profile_operators(graph: Graph, events: Events, peak: Peak) -> tuple[OperatorProfile, ...]:
    """Return the operators of a model in the order in which they ran.

    XNNPACK reports its operators in the order of the graph, but joins some, such as a DEQUANTIZE and the QUANTIZE after
    it. An operator that it reports under an unknown name has no layer.

    Args:
        graph: the model.
        events: what the profiler reported of it.
        peak: what this machine can do.
    """
    operators = match_operators(graph, events)
    return tuple(
        _profile(graph, operator, kernel, times, peak)
        for operator, kernel, times in zip(operators, events.kernels, events.microseconds, strict=True)
    )


def profile_kernels(operators: Sequence[OperatorProfile]) -> tuple[KernelProfile, ...]:
    """Return the kernels that ran these operators, the slowest first."""
    groups: dict[str, list[OperatorProfile]] = {}
    for operator in operators:
        groups.setdefault(operator.kernel, []).append(operator)
    kernels = [_kernel(name, group) for name, group in groups.items()]
    return tuple(sorted(kernels, key=lambda kernel: -kernel.microseconds))


def _kernel(name: str, group: Sequence[OperatorProfile]) -> KernelProfile:
    spent = sum(one.microseconds for one in group)
    reached = [one.microseconds * one.utilisation for one in group if one.utilisation is not None]
    return KernelProfile(
        name,
        len(group),
        spent,
        sum(one.multiply_adds for one in group),
        sum(one.bytes_moved for one in group),
        sum(reached) / spent if reached else None,
    )


def match_operators(graph: Graph, events: Events) -> list[Operator | None]:
    """Return the operator of the graph that each event is of; None where that is not known.

    The events of built-in kernels tell it. The events of XNNPACK are the longest sequence of operators, in the order of
    the graph, that their kernels may have run.
    """
    outside = {index for index in events.outside if index is not None}
    delegated = [operator for index, operator in enumerate(graph.operators) if index not in outside]
    kernels = [kernel for kernel, index in zip(events.kernels, events.outside, strict=True) if index is None]
    inside = iter(_aligned(kernels, delegated))
    return [next(inside) if index is None else graph.operators[index] for index in events.outside]


def _aligned(kernels: Sequence[str], operators: Sequence[Operator]) -> list[Operator | None]:
    """Align the kernels with the operators: the longest common subsequence."""
    fits = np.array([[_may_run(kernel, one.name) for one in operators] for kernel in kernels], bool)
    longest: Any = np.zeros((len(kernels) + 1, len(operators) + 1), int)
    for row in reversed(range(len(kernels))):
        for column in reversed(range(len(operators))):
            skipped = max(longest[row + 1, column], longest[row, column + 1])
            longest[row, column] = max(skipped, fits[row, column] + longest[row + 1, column + 1])
    found: list[Operator | None] = []
    column = 0
    for row in range(len(kernels)):
        # The first operator after which as many kernels as possible still have one.
        best = longest[row, column]
        taken = [at for at in range(column, len(operators)) if fits[row, at] and 1 + longest[row + 1, at + 1] == best]
        if taken and best > longest[row + 1, column]:
            found.append(operators[taken[0]])
            column = taken[0] + 1
        else:
            found.append(None)
    return found


def _may_run(kernel: str, operator: str) -> bool:
    """Whether a kernel of XNNPACK may run an operator of this kind."""
    return any(kernel.startswith(name) and operator in kinds for name, kinds in _KERNELS.items())


def _profile(graph: Graph, operator: Operator | None, kernel: str, times: Sequence[int], peak: Peak) -> OperatorProfile:
    fastest, median = min(times), float(np.median(times))
    if operator is None:
        return OperatorProfile("", "", kernel, fastest, median, 0, 0, None)
    tensors = {index for index in (*operator.inputs, *operator.outputs) if index >= 0}
    moved = 0 if operator.name == "RESHAPE" else sum(graph.tensors[index].nbytes for index in tensors)
    adds = multiply_adds_of(graph, operator)
    utilisation = None
    if fastest and (adds or moved):
        utilisation = max(adds / peak.multiply_adds, moved / peak.bytes_moved) / (fastest / 1e6)
    layer = layer_name(graph.tensors[operator.outputs[0]].name)
    return OperatorProfile(layer, operator.name, kernel, fastest, median, adds, moved, utilisation)


def arithmetic(graph: Graph) -> str:
    """Return the dtype that most multiply-adds of a model are computed in: `int8` or `float32`."""
    adds = {"int8": 0, "float32": 0}
    for operator in graph.operators:
        kernel = graph.tensors[operator.inputs[1]].dtype if len(operator.inputs) > 1 else ""
        adds["int8" if kernel == "int8" else "float32"] += multiply_adds_of(graph, operator)
    return max(adds, key=lambda dtype: adds[dtype])
