"""The conversions between bytes and 8-bit integers at the two ends of a model, made fast.

A full-integer model takes and gives uint8, and computes in int8. The converter puts one QUANTIZE between them. XNNPACK
does not run that operator on uint8, and the built-in kernel takes a scalar loop: 4 % of an inference on a processor
with AVX-512. XNNPACK does run the way through float32, which gives the same bytes: the value of a byte is a multiple
of the scale, and both sides have the same scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def through_float(tree: schema.ModelT) -> None:
    """Replace every QUANTIZE between uint8 and int8 of the same scale by DEQUANTIZE and QUANTIZE, in place.

    Args:
        tree: a model as `mmnet.export.flatbuffer.read_tree` returns it; its first subgraph is changed.
    """
    graph = tree.subgraphs[0]
    operators: list[Any] = []
    for operator in graph.operators:
        if _is_border(tree, operator):
            (source,) = operator.inputs
            operators.append(_dequantize(tree, source))
            operator.inputs = operators[-1].outputs
        operators.append(operator)
    graph.operators = operators


def _is_border(tree: Any, operator: Any) -> bool:
    if tree.operatorCodes[operator.opcodeIndex].builtinCode != schema.BuiltinOperator.QUANTIZE:
        return False
    ends = [tree.subgraphs[0].tensors[index] for index in (operator.inputs[0], operator.outputs[0])]
    kinds = {end.type for end in ends}
    first, second = (end.quantization.scale for end in ends)
    return kinds == {schema.TensorType.UINT8, schema.TensorType.INT8} and np.array_equal(first, second)


def _dequantize(tree: Any, source: int) -> Any:
    """Add a float32 tensor of the shape of `source` to the tree, and return the operator that computes it."""
    tensors = tree.subgraphs[0].tensors
    result = schema.TensorT()
    result.shape, result.type, result.buffer = tensors[source].shape, schema.TensorType.FLOAT32, 0
    name = tensors[source].name
    result.name = f"{name.decode() if isinstance(name, bytes) else name}/float"
    tensors.append(result)
    operator = schema.OperatorT()
    operator.opcodeIndex = _operator_code(tree)
    operator.inputs, operator.outputs = np.array([source], np.int32), np.array([len(tensors) - 1], np.int32)
    operator.builtinOptionsType = schema.BuiltinOptions.DequantizeOptions
    operator.builtinOptions = schema.DequantizeOptionsT()
    return operator


def _operator_code(tree: Any) -> int:
    """The index of DEQUANTIZE among the operator codes of the tree, which is added if it is missing."""
    wanted = schema.BuiltinOperator.DEQUANTIZE
    for index, code in enumerate(tree.operatorCodes):
        if code.builtinCode == wanted:
            return index
    added = schema.OperatorCodeT()
    added.builtinCode, added.deprecatedBuiltinCode, added.version = wanted, wanted, 2  # 2 is the first with int8
    tree.operatorCodes.append(added)
    return len(tree.operatorCodes) - 1
