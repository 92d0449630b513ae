"""The memory that the activations of a graph need, by the plan of TFLite's built-in kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mmnet.runtime.tflite.contents import Graph

_ALIGNMENT = 64  # kDefaultTensorAlignment


class _Lifetime(NamedTuple):
    tensor: int
    nbytes: int
    first: int  # the operator that writes it
    last: int  # the last operator that reads it


class _Placed(NamedTuple):
    offset: int
    lifetime: _Lifetime

    @property
    def end(self) -> int:
        return self.offset + self.lifetime.nbytes


def peak_activation_bytes(graph: Graph) -> int:
    """Return the bytes of the tensor arena when the graph runs on TFLite's built-in kernels, for activations alone.

    This repeats TFLite's ArenaPlanner (`arena_planner.cc`, `simple_memory_arena.cc`). It places the tensors that live
    from the first to the last operator first, and then the others by size, the largest first. Each is placed in the
    tightest gap between the tensors that are alive at the same time, at a multiple of 64 bytes. Inputs, outputs and
    variables of the graph live to the end.

    A process needs more: kernels add scratch memory (im2col, row sums), a delegate keeps an arena of its own, and the
    weights are not counted.
    """
    placed: list[_Placed] = []
    for lifetime in sorted(_lifetimes(graph), key=lambda alive: _order(alive, len(graph.operators))):
        placed.append(_Placed(_tightest_gap(lifetime, placed), lifetime))
        placed.sort(key=lambda place: place.offset)
    return max((place.end for place in placed), default=0)


def _lifetimes(graph: Graph) -> list[_Lifetime]:
    end = len(graph.operators)
    first = dict.fromkeys(graph.input_indices, 0)
    last = dict.fromkeys((*graph.input_indices, *graph.output_indices), end)
    for index, tensor in enumerate(graph.tensors):
        if tensor.variable:
            first[index], last[index] = 0, end
    for step, operator in enumerate(graph.operators):
        if all(index < 0 or graph.tensors[index].constant for index in operator.inputs):
            continue  # unpacked weights, computed once and kept elsewhere
        for index in operator.outputs:
            first.setdefault(index, step)
        for index in operator.inputs:
            last[index] = max(last.get(index, step), step)
    return [
        # A tensor that no operator reads is never released.
        _Lifetime(index, graph.tensors[index].nbytes, start, last.get(index, end))
        for index, start in first.items()
        if graph.tensors[index].nbytes and not graph.tensors[index].constant
    ]


def _order(alive: _Lifetime, end: int) -> tuple[int, ...]:
    if (alive.first, alive.last) == (0, end):
        return (0, alive.tensor)
    return (1, -alive.nbytes, alive.first, alive.tensor)


def _tightest_gap(alive: _Lifetime, placed: Sequence[_Placed]) -> int:
    """The offset of the smallest gap that fits between tensors alive at the same time."""
    best: int | None = None
    tightest = 0
    free_from = 0
    for place in placed:
        if place.lifetime.last < alive.first or place.lifetime.first > alive.last:
            continue
        start = _aligned(free_from)
        gap = place.offset - free_from
        if start + alive.nbytes <= place.offset and (best is None or place.offset - start < tightest):
            best, tightest = start, gap
        free_from = max(free_from, place.end)
    return _aligned(free_from) if best is None else best


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT
