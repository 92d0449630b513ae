"""The peak of this machine: the most it can do, measured with two small models under the same profiler.

The most multiply-adds per second are those of a 1x1 convolution of many channels, the most bytes per second those of a
concatenation, which copies maps as a whole. Both fit into the caches, as the maps of these networks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.arrays import AnyArray
from mmnet.benchmark.profile.litert import run_profiler
from mmnet.export.flatbuffer import write_tree

_SIDE, _CHANNELS = 32, 256
_RUNS = 50


@dataclass(frozen=True)
class Peak:
    """The most that this machine can do.

    Attributes:
        dtype: `int8` or `float32`.
        threads: the number of threads.
        multiply_adds: multiply-adds per second.
        bytes_moved: bytes per second, those that are read and those that are written.
    """

    dtype: str
    threads: int
    multiply_adds: float
    bytes_moved: float


def measure_peak(dtype: str, threads: int) -> Peak:
    """Measure what this machine can do at most.

    Args:
        dtype: `int8` or `float32`.
        threads: number of threads, >= 1.

    Raises:
        ProfileError: LiteRT's profiler cannot be used.
    """
    pixels, item = _SIDE * _SIDE, np.dtype(dtype).itemsize
    multiply_adds = pixels * _CHANNELS * _CHANNELS / _seconds(_convolution(dtype), threads)
    bytes_moved = 2 * 2 * pixels * _CHANNELS * item / _seconds(_concatenation(dtype), threads)
    return Peak(dtype, threads, multiply_adds, bytes_moved)


def _seconds(model: bytes, threads: int) -> float:
    """The time of the slowest operator of a model, in its fastest run."""
    events = run_profiler(model, threads, _RUNS)
    return max(max(min(times) for times in events.microseconds), 1) / 1e6


def _convolution(dtype: str) -> bytes:
    random = np.random.default_rng(0)
    if dtype == "int8":
        kernel = random.integers(-127, 128, (_CHANNELS, 1, 1, _CHANNELS)).astype(np.int8)
        bias = np.zeros(_CHANNELS, np.int32)
    else:
        kernel = random.standard_normal((_CHANNELS, 1, 1, _CHANNELS)).astype(np.float32)
        bias = np.zeros(_CHANNELS, np.float32)
    maps = (1, _SIDE, _SIDE, _CHANNELS)
    options = schema.Conv2DOptionsT()
    options.strideH = options.strideW = 1
    tensors = [
        _tensor("maps", maps, dtype),
        _tensor("kernel", kernel.shape, dtype, buffer=1),
        _tensor("bias", bias.shape, str(bias.dtype), buffer=2, scale=1 / 64),
        _tensor("result", maps, dtype, scale=1.0),
    ]
    operator = _operator(options, schema.BuiltinOptions.Conv2DOptions, (0, 1, 2), 3)
    return _model(schema.BuiltinOperator.CONV_2D, operator, tensors, (0,), (kernel, bias))


def _concatenation(dtype: str) -> bytes:
    part, whole = (1, _SIDE, _SIDE, _CHANNELS), (1, 2 * _SIDE, _SIDE, _CHANNELS)
    options = schema.ConcatenationOptionsT()
    options.axis = 1
    tensors = [_tensor("first", part, dtype), _tensor("second", part, dtype), _tensor("result", whole, dtype)]
    operator = _operator(options, schema.BuiltinOptions.ConcatenationOptions, (0, 1), 2)
    return _model(schema.BuiltinOperator.CONCATENATION, operator, tensors, (0, 1))


def _tensor(name: str, shape: tuple[int, ...], dtype: str, *, buffer: int = 0, scale: float = 1 / 8) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, np.array(shape, np.int32), buffer
    tensor.type = getattr(schema.TensorType, dtype.upper())
    if dtype.startswith("int"):
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = np.array([scale], np.float32), np.zeros(1, np.int64)
    return tensor


def _operator(options: Any, kind: int, reads: Sequence[int], writes: int) -> Any:
    operator = schema.OperatorT()
    operator.builtinOptions, operator.builtinOptionsType = options, kind
    operator.inputs, operator.outputs = np.array(reads, np.int32), np.array([writes], np.int32)
    return operator


def _model(
    kind: int, operator: Any, tensors: Sequence[Any], inputs: Sequence[int], constants: Sequence[AnyArray] = ()
) -> bytes:
    """A model with one operator; the constants are the buffers from 1 on."""
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = kind, kind, 1
    graph = schema.SubGraphT()
    graph.tensors, graph.operators = list(tensors), [operator]
    graph.inputs, graph.outputs = np.array(inputs, np.int32), operator.outputs
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    stored = [np.frombuffer(constant.tobytes(), np.uint8) for constant in constants]
    model.buffers = [schema.BufferT(data=data) for data in (None, *stored)]
    return write_tree(model)
