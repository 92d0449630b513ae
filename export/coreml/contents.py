"""The contents of an .mlpackage: operators with the values of their constants, as plain data."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.export.coreml.package import SPECIFICATION, WEIGHTS
from mmnet.export.coreml.tools import load_coremltools
from mmnet.runtime.errors import ModelError

# The numpy type of each type of a tensor; Core ML has more.
_DTYPES = {"FLOAT16": np.float16, "FLOAT32": np.float32, "INT32": np.int32, "BOOL": np.bool_, "STRING": np.object_}
# The header of a weight in the file of weights: a mark, its type, its bytes, and where they begin.
_WEIGHT_HEADER = struct.Struct("<IIQQ")
_WEIGHT_MARK = 0xDEADBEEF


@dataclass(frozen=True)
class MilOperator:
    """An operator of a program.

    Attributes:
        kind: for example `conv`.
        inputs: the name of each argument -> the names of the tensors that it takes.
        outputs: the names of its tensors.
        shapes: of its tensors.
        dtype: of its first tensor, for example `FLOAT16`.
    """

    kind: str
    inputs: Mapping[str, tuple[str, ...]]
    outputs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str


@dataclass(frozen=True)
class MilProgram:
    """The program of an .mlpackage.

    Attributes:
        operators: in the order in which they run, without constants.
        constants: the name of a tensor -> its value.
        image, alpha: the names of the input and of the output.
        opset: the version of the operators, for example `CoreML5`.
        specification: the whole specification, a protocol buffer of coremltools.
    """

    operators: tuple[MilOperator, ...]
    constants: Mapping[str, Any]
    image: str
    alpha: str
    opset: str
    specification: Any


def read_program(files: Mapping[str, bytes]) -> MilProgram:
    """Read the program of an .mlpackage with one image input and one image output.

    Args:
        files: the path of every file inside the package -> its bytes.

    Raises:
        MissingExtraError: coremltools is not installed.
        ModelError: a file is missing or damaged, or the program has parts that this project does not write.
    """
    load_coremltools()
    from coremltools.proto import Model_pb2
    from google.protobuf.message import DecodeError

    try:
        specification = Model_pb2.Model()
        specification.ParseFromString(files[SPECIFICATION])
        function = specification.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        weights = files[WEIGHTS]
        constants = {op.outputs[0].name: _value(op, weights) for op in block.operations if op.type == "const"}
        operators = tuple(_operator(op) for op in block.operations if op.type != "const")
        (image,), (alpha,) = function.inputs, block.outputs
    except (DecodeError, KeyError, IndexError, ValueError, struct.error) as error:
        raise ModelError(f"the .mlpackage cannot be read: {type(error).__name__}: {error}") from error
    return MilProgram(operators, constants, image.name, alpha, function.opset, specification)


def _operator(op: Any) -> MilOperator:
    inputs = {key: tuple(argument.name for argument in value.arguments) for key, value in op.inputs.items()}
    types = [output.type.tensorType for output in op.outputs]
    outputs = tuple(output.name for output in op.outputs)
    return MilOperator(op.type, inputs, outputs, tuple(map(_shape, types)), _type_name(types[0]))


def _value(op: Any, weights: bytes) -> Any:
    """Return the value of a constant: an array, or a number, truth value or text where it has no dimensions."""
    value = op.attributes["val"]
    kind = value.type.tensorType
    shape, dtype = _shape(kind), _DTYPES[_type_name(kind)]
    if value.WhichOneof("value") == "blobFileValue":
        flat = _weight(weights, value.blobFileValue.offset, dtype)
    else:
        field = value.immediateValue.tensor.WhichOneof("value")
        found = getattr(value.immediateValue.tensor, field).values
        flat = np.frombuffer(found, dtype) if field == "bytes" else np.array(list(found), dtype)
    return flat.reshape(shape) if shape else flat[0]


def _weight(weights: bytes, offset: int, dtype: Any) -> AnyArray:
    mark, _, size, begin = _WEIGHT_HEADER.unpack_from(weights, offset)
    if mark != _WEIGHT_MARK or begin + size > len(weights):
        raise ValueError(f"no weight at byte {offset}")
    return np.frombuffer(weights[begin : begin + size], dtype)


def _type_name(kind: Any) -> str:
    from coremltools.proto import MIL_pb2

    return str(MIL_pb2.DataType.Name(kind.dataType))


def _shape(kind: Any) -> tuple[int, ...]:
    return tuple(dimension.constant.size for dimension in kind.dimensions)
