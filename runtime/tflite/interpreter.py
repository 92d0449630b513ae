"""One owner of LiteRT interpreters: loading that refuses damaged models, images in, tensors out."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.probe import ensure_survival

_MAX_TENSOR_VALUES = 1 << 28


class Delegate(StrEnum):
    """The implementation that runs the operators on this machine.

    XNNPACK: LiteRT's default, optimized for the processor.
    NONE: LiteRT's built-in kernels.
    """

    XNNPACK = "xnnpack"
    NONE = "none"


_RESOLVERS = {
    Delegate.XNNPACK: OpResolverType.AUTO,
    Delegate.NONE: OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


def open_interpreter(
    model: bytes,
    name: str = "the model",
    *,
    threads: int = 1,
    delegate: Delegate | str = Delegate.XNNPACK,
    keep_tensors: bool = False,
) -> Interpreter:
    """Load a .tflite into a LiteRT interpreter, without allocating its tensors yet.

    LiteRT verifies the structure of the file. This function also refuses what LiteRT lets pass and does not survive:
    operators of a wrong form (`ensure_survival`), quantization that no integer has (XNNPACK ends the process), and
    sizes beyond any memory.

    Args:
        model: the bytes of a .tflite.
        name: what messages call the model.
        threads: number of threads, >= 1.
        delegate: what runs the operators.
        keep_tensors: whether the values of all tensors are kept after a run, not only those of the outputs.

    Raises:
        ModelError: the model is truncated or damaged.
        ValueError: there is no such delegate.
    """
    try:
        ensure_survival(model, Delegate(delegate))
    except ModelError as error:
        raise ModelError(f"{name}: {error}") from error
    try:
        interpreter = new_interpreter(model, threads=threads, delegate=delegate, keep_tensors=keep_tensors)
        _check_tensors(name, interpreter)
    except (ValueError, RuntimeError) as error:
        raise damaged(name) from error
    return interpreter


def new_interpreter(
    model: bytes, *, threads: int = 1, delegate: Delegate | str = Delegate.XNNPACK, keep_tensors: bool = False
) -> Interpreter:
    """Load a .tflite without any check of ours; arguments are those of `open_interpreter`.

    Raises:
        ValueError: there is no such delegate, or LiteRT refuses the model.
        RuntimeError: LiteRT refuses the model.
    """
    return Interpreter(
        model_content=model,
        num_threads=threads,
        experimental_op_resolver_type=_RESOLVERS[Delegate(delegate)],
        experimental_preserve_all_tensors=keep_tensors,
    )


def allocate(interpreter: Interpreter, name: str = "the model") -> None:
    """Allocate the tensors of an interpreter.

    Raises:
        ModelError: LiteRT cannot prepare the model, for example because it lacks an operator.
    """
    try:
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{name}: LiteRT cannot prepare it: {_first_line(error)}") from error


def invoke(interpreter: Interpreter, name: str = "the model") -> None:
    """Run the operators on the inputs that were written.

    Raises:
        ModelError: LiteRT cannot run the model.
    """
    try:
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{name}: LiteRT cannot run it: {_first_line(error)}") from error


def write_image(interpreter: Interpreter, tensor: int, image: U8Array | F32Array) -> None:
    """Write an image into an input tensor, [1, S, S, 3], without a copy of it.

    Args:
        interpreter: its tensors are allocated.
        tensor: the index of the tensor, uint8 in 0-255 or float32 in 0-1.
        image: [S, S, 3], uint8, or float32 in 0-255 for a float32 tensor.
    """
    # The view into the interpreter's own buffer must be gone before the next invocation.
    buffer = interpreter.tensor(tensor)()[0]
    if buffer.dtype == np.uint8:
        buffer[...] = image
    else:
        np.divide(image, np.float32(255), out=buffer)


def real_values(interpreter: Interpreter, details: dict[str, Any]) -> F32Array:
    """Return the real values of a tensor, float32 of its shape: scale · (stored − zero point) where it is quantized.

    Args:
        interpreter: has run the model, and keeps the tensor.
        details: of the tensor, as the interpreter gives them.
    """
    stored: AnyArray = interpreter.get_tensor(details["index"])
    scale, zero_point = details["quantization"]
    if not scale:
        return stored.astype(np.float32)
    return (stored.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def damaged(name: str) -> ModelError:
    """Return the error of a model that is truncated or damaged."""
    return ModelError(f"{name}: is truncated or damaged; copy or export it again")


def _check_tensors(name: str, interpreter: Interpreter) -> None:
    for tensor in interpreter.get_tensor_details():
        shape = [int(length) for length in tensor["shape"]]
        if min(shape, default=1) < 0 or math.prod(shape) > _MAX_TENSOR_VALUES:
            raise ModelError(f"{name}: is damaged: tensor '{tensor['name']}' has the shape {shape}")
        parameters = tensor["quantization_parameters"]
        scales, zero_points = parameters["scales"], parameters["zero_points"]
        possible = bool(np.all(np.isfinite(scales) & (scales > 0)))
        if np.issubdtype(tensor["dtype"], np.integer):
            limits = np.iinfo(tensor["dtype"])
            possible &= bool(np.all((zero_points >= limits.min) & (zero_points <= limits.max)))
        if not possible:
            raise ModelError(f"{name}: is damaged: tensor '{tensor['name']}' has an impossible scale or zero point")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
