"""The precision `dynamic`: 8-bit weights and float activations, which the kernels quantize as they run.

No photos are needed. TensorFlow's own dynamic-range quantization also quantizes the large depthwise kernels, which
XNNPACK then leaves to the built-in kernels: three partitions instead of one. This module quantizes the convolutions
only, which hold most of the weights.
"""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.export.flatbuffer import read_tree, write_tree

# Smaller kernels are not worth it; TensorFlow has the same limit.
_MIN_WEIGHTS = 1024


def to_dynamic(float_model: bytes) -> bytes:
    """Quantize the convolution kernels of a float32 .tflite to int8, symmetric, one scale per output channel."""
    tree = read_tree(float_model)
    graph = tree.subgraphs[0]
    codes = [code.builtinCode for code in tree.operatorCodes]
    kernels = {op.inputs[1] for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.CONV_2D}
    for index in sorted(kernels):
        tensor = graph.tensors[index]
        if np.prod(tensor.shape) < _MIN_WEIGHTS:
            continue
        weights = np.frombuffer(bytes(tree.buffers[tensor.buffer].data), "<f4").reshape(tensor.shape)
        scales = np.abs(weights).max(axis=(1, 2, 3)) / np.float32(127)
        scales[scales == 0] = 1
        integers = np.rint(weights / scales[:, None, None, None]).astype(np.int8)
        # Kernels of equal value may share a buffer; each gets its own.
        tensor.buffer = len(tree.buffers)
        tree.buffers.append(schema.BufferT(data=np.frombuffer(integers.tobytes(), np.uint8)))
        tensor.type = schema.TensorType.INT8
        tensor.quantization = schema.QuantizationParametersT(
            scale=scales.tolist(), zeroPoint=[0] * len(scales), quantizedDimension=0
        )
    return write_tree(_without_orphans(tree))


def _without_orphans(tree: schema.ModelT) -> schema.ModelT:
    """Return the tree with the buffers that nothing uses any more emptied."""
    used = {tensor.buffer for graph in tree.subgraphs for tensor in graph.tensors}
    used |= {entry.buffer for entry in tree.metadata or []}
    for index, buffer in enumerate(tree.buffers):
        if index not in used:
            buffer.data = None
    return tree
