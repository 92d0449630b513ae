"""What differs between two .tflite of one network, whatever the order and the names of their operators."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

_NAMES: dict[int, str] = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}


class _File:
    def __init__(self, content: bytes) -> None:
        self.tree: Any = schema.ModelT.InitFromPackedBuf(content)
        self.graph: Any = self.tree.subgraphs[0]

    def kind(self, operator: Any) -> str:
        return _NAMES[int(self.tree.operatorCodes[operator.opcodeIndex].builtinCode)]

    def constant(self, index: int) -> bytes | None:
        data = self.tree.buffers[self.graph.tensors[index].buffer].data
        return None if data is None else bytes(data)

    def steps(self, index: int) -> tuple[Any, ...] | None:
        found = self.graph.tensors[index].quantization
        if found is None or found.scale is None:
            return None
        return [*map(float, found.scale)], [*map(int, found.zeroPoint)], found.quantizedDimension


def differences(expected: bytes, found: bytes) -> tuple[list[str], int]:
    """Return what is not the same, one line each, and the number of constants that were compared.

    Operators are compared by kind, options, shapes, types, constants and quantization. Each operator of the first file
    is paired with one of the second that reads the partners of its inputs.
    """
    first, second = _File(expected), _File(found)
    partner = {int(a): int(b) for a, b in zip(first.graph.inputs, second.graph.inputs, strict=True)}
    left, lines, constants = list(second.graph.operators), [], 0
    for operator in first.graph.operators:
        candidates = [other for other in left if _reads_partners(first, operator, second, other, partner)]
        if not candidates:
            lines.append(f"{first.kind(operator)} {first.graph.tensors[operator.outputs[0]].name}: has no partner")
            continue
        other = max(candidates, key=lambda one: _equal_constants(first, operator, second, one))
        left.remove(other)
        partner |= {int(a): int(b) for a, b in zip(operator.outputs, other.outputs, strict=True)}
        constants += sum(first.constant(index) is not None for index in operator.inputs)
        lines += _of_operators(first, operator, second, other)
    return lines + [f"{second.kind(other)}: is too many" for other in left], constants


def _reads_partners(first: _File, operator: Any, second: _File, other: Any, partner: dict[int, int]) -> bool:
    read = [partner.get(int(index)) for index in operator.inputs if first.constant(index) is None]
    return first.kind(operator) == second.kind(other) and read == [
        int(index) for index in other.inputs if second.constant(index) is None
    ]


def _equal_constants(first: _File, operator: Any, second: _File, other: Any) -> int:
    return sum(first.constant(a) == second.constant(b) for a, b in zip(operator.inputs, other.inputs, strict=False))


def _of_operators(first: _File, operator: Any, second: _File, other: Any) -> list[str]:
    kind, lines = first.kind(operator), []
    options = [vars(one.builtinOptions) if one.builtinOptions else {} for one in (operator, other)]
    if options[0] != options[1]:
        lines.append(f"{kind}: options {options[0]} and {options[1]}")
    for a, b in zip((*operator.inputs, *operator.outputs), (*other.inputs, *other.outputs), strict=True):
        one, two = first.graph.tensors[a], second.graph.tensors[b]
        what = f"{kind} {one.name}"
        if (*one.shape, one.type) != (*two.shape, two.type):
            lines.append(f"{what}: shapes {one.shape} and {two.shape}, types {one.type} and {two.type}")
        if first.constant(a) != second.constant(b):
            lines.append(f"{what}: another constant")
        if first.steps(a) != second.steps(b):
            lines.append(f"{what}: scales {first.steps(a)} and {second.steps(b)}")
    return lines


def ranges_of(calibrated: bytes) -> dict[str, tuple[float, float]]:
    """Return the ranges that TensorFlow's calibration wrote into a float .tflite, by the names of tensors."""
    found = {}
    tree: Any = schema.ModelT.InitFromPackedBuf(calibrated)
    for tensor in tree.subgraphs[0].tensors:
        steps = tensor.quantization
        if steps is not None and steps.min is not None and len(steps.min):
            found[tensor.name.decode()] = float(np.float32(steps.min[0])), float(np.float32(steps.max[0]))
    return found
