"""The operators of a model with their times, their work and their utilisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmnet.benchmark.profile.litert import Events
from mmnet.benchmark.profile.peak import Peak
from mmnet.runtime.tflite.contents import Graph, Operator
from mmnet.runtime.tflite.inspection import multiply_adds_of
from mmnet.runtime.tflite.layers import layer_name


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
        bytes_moved: the bytes of the tensors that it reads and writes, each once. A reshape may move fewer.
        utilisation: how much of what the machine can do it reaches, from 0 to 1: of the multiply-adds or of the bytes
            per second, whichever is more. None if it takes less time than the profiler can tell.
    """

    layer: str
    operator: str
    kernel: str
    microseconds: int
    median_microseconds: float
    multiply_adds: int
    bytes_moved: int
    utilisation: float | None


def profile_operators(graph: Graph, events: Events, peak: Peak) -> tuple[OperatorProfile, ...]:
    """Return the operators of a model in the order in which they ran.

    XNNPACK reports its operators in the order of the graph. Where it joined or split some, their layers are not known.

    Args:
        graph: the model.
        events: what the profiler reported of it.
        peak: what this machine can do.
    """
    operators = _matched(graph, events)
    return tuple(
        _profile(graph, operator, kernel, times, peak)
        for operator, kernel, times in zip(operators, events.kernels, events.microseconds, strict=True)
    )


def _matched(graph: Graph, events: Events) -> list[Operator | None]:
    """The operator of the graph that each event is of; None where that is not known."""
    outside = {index for index in events.outside if index is not None}
    delegated = [operator for index, operator in enumerate(graph.operators) if index not in outside]
    if len(delegated) != events.outside.count(None):
        return [None if index is None else graph.operators[index] for index in events.outside]
    inside = iter(delegated)
    return [next(inside) if index is None else graph.operators[index] for index in events.outside]


def _profile(graph: Graph, operator: Operator | None, kernel: str, times: Sequence[int], peak: Peak) -> OperatorProfile:
    fastest, median = min(times), float(np.median(times))
    if operator is None:
        return OperatorProfile("", "", kernel, fastest, median, 0, 0, None)
    tensors = {index for index in (*operator.inputs, *operator.outputs) if index >= 0}
    moved = sum(graph.tensors[index].nbytes for index in tensors)
    adds = multiply_adds_of(graph, operator)
    utilisation = None
    if fastest:
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
