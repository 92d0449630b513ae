"""The contents of a .tflite as plain data: operators, tensors, signatures.

Reading checks what LiteRT trusts. LiteRT verifies that every offset of the flatbuffer stays inside the file, but not
that the numbers in it make sense: a zero point outside the range of its dtype can end the process.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.file import check_identifier, read_model

# The exceptions that flatbuffers, json and bytes.decode raise when they read damaged bytes.
MALFORMED = (struct.error, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)


def damaged_contents() -> ModelError:
    """Return the error of a model whose tables cannot be read."""
    return ModelError("the model is damaged or cut short; export or copy it again")


def _names_by_value(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


_DTYPES = {value: name.lower() for value, name in _names_by_value(schema.TensorType).items()}
_OPERATORS = _names_by_value(schema.BuiltinOperator)
_BITS = {
    "int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "int8": 8, "uint8": 8, "bool": 8,
    "int16": 16, "uint16": 16, "float16": 16, "bfloat16": 16, "int32": 32, "uint32": 32, "float32": 32,
    "float8_e4m3fn": 8, "float8_e5m2": 8,
    "int64": 64, "uint64": 64, "float64": 64, "complex64": 64, "complex128": 128,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph.

    Attributes:
        name: the name that the converter gave it.
        shape: the shape that is allocated; () for a scalar.
        dtype: for example "float32" or "uint8".
        scales: one scale, or one scale per channel; empty if the tensor is not quantized.
        zero_points: as many as there are scales, or one.
        channel_axis: the axis that several scales belong to.
        constant: whether its values are stored in the file (weights, biases, shapes).
        variable: whether it keeps its values from one run to the next.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    channel_axis: int = 0
    constant: bool = False
    variable: bool = False

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The memory that it takes, in bytes; 0 for strings and resources, whose size the shape does not tell."""
        return math.ceil(self.size * _BITS.get(self.dtype, 0) / 8)


@dataclass(frozen=True)
class Operator:
    """A node of the graph.

    Attributes:
        name: of the operation, for example "CONV_2D".
        inputs: indices of the tensors that it reads; -1 for an optional input that is left out.
        outputs: indices of the tensors that it writes.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Signature:
    """A named entry point of the model.

    Attributes:
        key: its name.
        inputs, outputs: name of the argument or result -> index of its tensor.
    """

    key: str
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True)
class Graph:
    """The first subgraph of a model.

    Attributes:
        operators: in the order in which they run.
        tensors: all tensors; operators refer to them by index.
        input_indices, output_indices: the tensors that the graph takes and gives.
        signatures: the named entry points of the whole model.
    """

    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...]
    input_indices: tuple[int, ...]
    output_indices: tuple[int, ...]
    signatures: tuple[Signature, ...]

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """The input tensors."""
        return tuple(self.tensors[index] for index in self.input_indices)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """The output tensors."""
        return tuple(self.tensors[index] for index in self.output_indices)


def load_model(path: Path) -> bytes:
    """Read a .tflite file and check its contents, so that it can safely be given to an interpreter.

    Raises:
        ModelError: see `read_model` and `check_flatbuffer`. The message names the file.
    """
    model = read_model(path)
    try:
        check_flatbuffer(model)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return model


def check_flatbuffer(model: bytes) -> None:
    """Check that all tables of a .tflite can be read and fit together.

    Operators name tensors that exist, constants have the size that their shape says, and quantization fits its tensor.
    Damaged weights go unnoticed, because the format has no checksum.

    Raises:
        ModelError: the bytes are not a .tflite, truncated, or damaged. The message names no file.
    """
    read_graph(model)


def read_graph(model: bytes) -> Graph:
    """Read the first subgraph of a .tflite.

    Raises:
        ModelError: see `check_flatbuffer`.
    """
    check_identifier(model)
    try:
        return _read(schema.Model.GetRootAs(model))
    except MALFORMED as error:
        raise damaged_contents() from error


def _read(root: Any) -> Graph:
    subgraph = root.Subgraphs(0)
    names = [_operator_name(code) for code in _items(root, "OperatorCodes")]
    tensors = tuple(_tensor(root, tensor) for tensor in _items(subgraph, "Tensors"))
    count = len(tensors)
    operators = tuple(
        Operator(
            names[operator.OpcodeIndex()],
            _indices(operator.InputsAsNumpy(), count, optional=True),
            _indices(operator.OutputsAsNumpy(), count),
        )
        for operator in _items(subgraph, "Operators")
    )
    return Graph(
        operators,
        tensors,
        _indices(subgraph.InputsAsNumpy(), count),
        _indices(subgraph.OutputsAsNumpy(), count),
        tuple(_signature(signature, root.SubgraphsLength(), count) for signature in _items(root, "SignatureDefs")),
    )


def _items(owner: Any, field: str) -> list[Any]:
    item, count = getattr(owner, field), getattr(owner, f"{field}Length")()
    if 4 * count > len(owner._tab.Bytes):
        raise ValueError(f"{count} {field}")
    return [item(index) for index in range(count)]


def _operator_name(code: Any) -> str:
    builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if builtin == schema.BuiltinOperator.CUSTOM:
        return str(code.CustomCode().decode())
    return _OPERATORS.get(builtin, f"BUILTIN_{builtin}")


def _indices(values: Any, count: int, *, optional: bool = False) -> tuple[int, ...]:
    indices = () if isinstance(values, int) else tuple(values.tolist())  # the accessor gives 0 for no vector
    if any(not (-1 if optional else 0) <= index < count for index in indices):
        raise ValueError(f"tensors {indices} of {count}")
    return indices


def _tensor(root: Any, tensor: Any) -> Tensor:
    shape = _indices(tensor.ShapeAsNumpy(), 2**31)
    dtype = _DTYPES[tensor.Type()]
    if not 0 <= tensor.Buffer() < root.BuffersLength():
        raise ValueError(f"buffer {tensor.Buffer()}")
    stored = root.Buffers(tensor.Buffer())
    stored_bytes = max(0 if stored.DataIsNone() else len(stored.DataAsNumpy()), stored.Size())
    result = Tensor(
        tensor.Name().decode(),
        shape,
        dtype,
        *_quantization(tensor.Quantization(), shape, dtype),
        constant=stored_bytes > 0,
        variable=tensor.IsVariable(),
    )
    if result.constant and dtype in _BITS and tensor.Sparsity() is None and stored_bytes != result.nbytes:
        raise ValueError(f"{result.name}: {stored_bytes} bytes for {shape} of {dtype}")
    return result


def _quantization(
    quantization: Any, shape: tuple[int, ...], dtype: str
) -> tuple[tuple[float, ...], tuple[int, ...], int]:
    if quantization is None or not quantization.ScaleLength():
        return (), (), 0
    scales = tuple(quantization.ScaleAsNumpy().tolist())
    zero_points = tuple(quantization.ZeroPointAsNumpy().tolist()) if quantization.ZeroPointLength() else ()
    axis = quantization.QuantizedDimension()
    if len(zero_points) not in (1, len(scales)) or not all(0 <= scale < math.inf for scale in scales):
        raise ValueError(f"scales {scales}, zero points {zero_points}")
    if not all(_is_representable(zero_point, dtype) for zero_point in zero_points):
        raise ValueError(f"zero points {zero_points} of {dtype}")
    if len(scales) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scales)):
        raise ValueError(f"{len(scales)} scales along axis {axis} of {shape}")
    return scales, zero_points, axis


def _is_representable(value: int, dtype: str) -> bool:
    if dtype.startswith("uint"):
        return 0 <= value < 1 << _BITS[dtype]
    return not dtype.startswith("int") or -(1 << _BITS[dtype] - 1) <= value < 1 << _BITS[dtype] - 1


def _signature(signature: Any, subgraphs: int, count: int) -> Signature:
    key = signature.SignatureKey()
    if signature.SubgraphIndex() >= subgraphs:
        raise ValueError(f"a signature of subgraph {signature.SubgraphIndex()} of {subgraphs}")
    return Signature(
        key.decode() if key else "",
        _arguments(signature, "Inputs", count),
        _arguments(signature, "Outputs", count),
    )


def _arguments(signature: Any, field: str, count: int) -> dict[str, int]:
    arguments = {item.Name().decode(): int(item.TensorIndex()) for item in _items(signature, field)}
    if any(not 0 <= index < count for index in arguments.values()):
        raise ValueError(f"signature tensors {arguments} of {count}")
    return arguments
