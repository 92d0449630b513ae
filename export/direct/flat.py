"""The bytes of a plan: a flatbuffer of LiteRT's schema."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.export.direct.plan import Operator, Plan, Tensor
from mmnet.export.flatbuffer import write_tree
from mmnet.runtime.tflite.signature import INPUT, OUTPUT, SIGNATURE

_SCHEMA_VERSION = 3
_DTYPES = {"float32": "FLOAT32", "float16": "FLOAT16", "int32": "INT32", "int8": "INT8", "uint8": "UINT8"}
# The options of each kind of operator: the name of their table. The others have none.
_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "CONCATENATION": "ConcatenationOptions",
    "SPLIT": "SplitOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
}
# The version of each kind that the interpreter has to know: for float, and for 8 bits.
_VERSIONS = {
    "CONV_2D": (1, 3),
    "DEPTHWISE_CONV_2D": (2, 3),
    "CONCATENATION": (1, 2),
    "SPLIT": (1, 2),
    "RESIZE_BILINEAR": (1, 2),
    "STRIDED_SLICE": (1, 2),
    "DEPTH_TO_SPACE": (1, 2),
    "LOGISTIC": (1, 2),
    "RESHAPE": (1, 1),
    "RELU6": (1, 2),
    "QUANTIZE": (1, 1),
    "DEQUANTIZE": (3, 2),  # from float16, and from 8 bits
}
_DESCRIPTION = "MLIR Converted."  # what TensorFlow's converter writes


def to_bytes(plan: Plan) -> bytes:
    """Return the .tflite of a plan, with the signature `serving_default`: `image` -> `alpha`.

    Constants of equal bytes share a buffer. The same plan gives the same bytes.
    """
    tree = schema.ModelT()
    tree.version, tree.description = _SCHEMA_VERSION, _DESCRIPTION
    tree.buffers, tree.operatorCodes = [schema.BufferT()], []
    graph = schema.SubGraphT()
    graph.name, graph.tensors = "main", []
    indices: dict[str, int] = {}
    buffers: dict[bytes, int] = {}
    for tensor in plan.tensors.values():
        indices[tensor.name] = len(graph.tensors)
        graph.tensors.append(_tensor(tensor, _buffer(tree, buffers, tensor)))
    graph.inputs, graph.outputs = (np.array([indices[name]], np.int32) for name in (plan.input, plan.output))
    codes: dict[tuple[str, int], int] = {}
    graph.operators = [_operator(tree, codes, plan, operator, indices) for operator in plan.operators]
    tree.subgraphs = [graph]
    tree.signatureDefs = [_signature(indices[plan.input], indices[plan.output])]
    return write_tree(tree)


def _buffer(tree: Any, buffers: dict[bytes, int], tensor: Tensor) -> int:
    """Return the buffer of a constant, which is added to the tree unless it has the same bytes already."""
    if tensor.data is None:
        return 0
    content = np.ascontiguousarray(tensor.data).tobytes()
    if content not in buffers:
        buffers[content] = len(tree.buffers)
        tree.buffers.append(schema.BufferT(data=np.frombuffer(content, np.uint8)))
    return buffers[content]


def _tensor(tensor: Tensor, buffer: int) -> Any:
    made = schema.TensorT()
    made.name, made.shape, made.buffer = tensor.name, np.array(tensor.shape, np.int32), buffer
    made.type, made.hasRank = getattr(schema.TensorType, _DTYPES[tensor.dtype]), True
    made.quantization = schema.QuantizationParametersT()
    if tensor.quantized is not None:
        scales = tensor.quantized.scales.astype(np.float32)
        made.quantization.scale = scales
        made.quantization.zeroPoint = np.full(len(scales), tensor.quantized.zero_point, np.int64)
        made.quantization.quantizedDimension = tensor.quantized.axis
    return made


def _operator(
    tree: Any, codes: dict[tuple[str, int], int], plan: Plan, operator: Operator, indices: dict[str, int]
) -> Any:
    in_8_bits = any(plan.tensors[name].dtype in ("int8", "uint8") for name in (*operator.inputs, *operator.outputs))
    key = operator.kind, _VERSIONS[operator.kind][in_8_bits]
    if key not in codes:
        codes[key] = len(tree.operatorCodes)
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, operator.kind)
        code.version = key[1]
        tree.operatorCodes.append(code)
    made = schema.OperatorT()
    made.opcodeIndex = codes[key]
    made.inputs = np.array([indices[name] for name in operator.inputs], np.int32)
    made.outputs = np.array([indices[name] for name in operator.outputs], np.int32)
    if operator.kind in _OPTIONS:
        name = _OPTIONS[operator.kind]
        made.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        made.builtinOptions = getattr(schema, f"{name}T")()
        for key_, value in operator.options.items():
            setattr(made.builtinOptions, key_, value)
    return made


def _signature(image: int, alpha: int) -> Any:
    signature = schema.SignatureDefT()
    signature.signatureKey, signature.subgraphIndex = SIGNATURE, 0
    for field, name, index in (("inputs", INPUT, image), ("outputs", OUTPUT, alpha)):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, index
        setattr(signature, field, [entry])
    return signature
