"""A .tflite whose contract is checked before it runs: RGB square in, alpha square out.

The contract, as `export-tflite` writes it:

| tensor of signature `serving_default` | shape | dtype | values |
|---|---|---|---|
| input `image` | [1, S, S, 3] | uint8 (scale 1/255, zero point 0, or none) | RGB, 0-255 |
| | | float32 | RGB, 0-1 |
| output `alpha` | [1, S, S, 1] | uint8 (scale 1/256 or 1/255, zero point 0, or none) | 0-255 |
| | | float32 | 0-1 |

Alpha bytes are fractions of 255, as in every image format: the matte is byte / 255, and 255 is opaque. The
tensor's own scale says 1/256, because an int8 sigmoid has that scale and no other; taken literally, nothing
would ever be wholly opaque. The two readings differ by at most 1/256.
"""

from __future__ import annotations

import math
import os
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mmnet.arrays import Alpha, AnyArray, U8Array
from mmnet.runtime.errors import ModelError
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes
from mmnet.runtime.tflite.file import check_identifier, read_model

SIGNATURE, INPUT, OUTPUT = "serving_default", "image", "alpha"
_MAX_TENSOR_VALUES = 1 << 28
_INPUT_SCALES, _OUTPUT_SCALES = (1 / 255,), (1 / 256, 1 / 255)
_SCALE_TOLERANCE = 1e-3  # relative: a quarter of a grey level at 255
_ALPHA_TOLERANCE = 1e-3  # how far float alpha may leave 0-1 by rounding; it is clipped
_ACCEPTED = (
    f"accepted is signature '{SIGNATURE}' with input '{INPUT}' [1, S, S, 3] uint8 (scale 1/255) or float32 "
    f"and output '{OUTPUT}' [1, S, S, 1] uint8 (scale 1/256) or float32"
)

# What runs the operators on this host: by name, what the interpreter gets.
DELEGATES = {
    "xnnpack": OpResolverType.AUTO,
    "none": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
}


class MattingModel:
    """One .tflite in one LiteRT interpreter.

    It owns the interpreter and its buffers, which each run overwrites: use one object per thread. `close` (or
    `with`) frees them.

    Attributes:
        name: what messages call it: the path, or "the model" for bytes.
        size: S, the side of its input and of its alpha, in pixels.
        threads: how many threads it runs on.
    """

    def __init__(self, model: str | Path | bytes, threads: int | None = None, *, delegate: str = "xnnpack") -> None:
        """Load and check a model.

        Args:
            model: path of a .tflite, or its bytes.
            threads: >= 1; None takes the processor's, at most 4.
            delegate: one of DELEGATES; "none" runs LiteRT's built-in kernels.

        Raises:
            ModelError: no such file, not a .tflite, damaged, or another contract.
        """
        self.name = "the model" if isinstance(model, bytes) else str(model)
        self.threads = _default_threads() if threads is None else threads
        if self.threads < 1:
            raise ModelError(f"threads is {threads}; give at least 1")
        if isinstance(model, bytes):
            check_identifier(model, self.name)
        content = model if isinstance(model, bytes) else read_model(Path(model))
        self._interpreter: Interpreter | None = None
        interpreter = _interpreter(self.name, content, self.threads, delegate)
        try:
            _check_tensors(self.name, interpreter)
            self._image, self._alpha, self.size = self.check_contract(interpreter)
        except (RuntimeError, ValueError) as error:  # LiteRT's: a name that is no text, an index out of range
            raise _damaged(self.name) from error
        try:
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: LiteRT cannot prepare it: {_first_line(error)}") from error
        self._interpreter = interpreter

    def run(self, image: U8Array) -> U8Array:
        """Image → alpha bytes, for every model.

        Args:
            image: uint8 [S, S, 3], RGB, as `preprocess.to_model_input` makes it.

        Returns:
            uint8 [S, S], alpha · 255 (255 = opaque): the model's own bytes, or its float alpha rounded.

        Raises:
            ImageError: another shape or dtype.
            ModelError: the model is closed, or its alpha is not finite or not within 0-1.
        """
        alpha = self._invoke(image)
        return alpha if alpha.dtype == np.uint8 else np.rint(alpha * np.float32(255)).astype(np.uint8)

    def run_float(self, image: U8Array) -> Alpha:
        """As `run`, but float32 [S, S] in 0-1: the model's own float alpha, or byte / 255."""
        alpha = self._invoke(image)
        return np.asarray(alpha if alpha.dtype == np.float32 else alpha / np.float32(255), np.float32)

    def close(self) -> None:
        """Free the interpreter. Closing twice is fine; running afterwards raises ModelError."""
        self._interpreter = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check_contract(self, interpreter: Interpreter) -> tuple[dict[str, Any], dict[str, Any], int]:
        """Check the tensors before they are allocated; a subclass may accept another contract.

        Returns:
            The details of the input, those of the output, and S, the side of both in pixels.

        Raises:
            ModelError: the model has other tensors.
        """
        return _check_contract(self.name, interpreter)

    def invoke(self, interpreter: Interpreter) -> None:
        """Run the operators; a subclass may time this step."""
        interpreter.invoke()

    def _invoke(self, image: U8Array) -> AnyArray:
        """The alpha [S, S] as the model has it, uint8 or float32, a copy, checked."""
        if self._interpreter is None:
            raise ModelError(f"{self.name}: is closed")
        image = check_rgb_bytes(image)
        if image.shape[0] != self.size or image.shape[1] != self.size:
            raise ImageError(
                f"the image is {image.shape[1]}×{image.shape[0]}, {self.name} takes {self.size}×{self.size}; "
                "stretch it with mmnet.runtime.to_model_input"
            )
        # The view into the interpreter's own buffer must be gone before the invocation.
        buffer = self._interpreter.tensor(self._image["index"])()[0]
        if buffer.dtype == np.uint8:
            buffer[...] = image
        else:
            np.divide(image, np.float32(255), out=buffer)
        del buffer
        try:
            self.invoke(self._interpreter)
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{self.name}: LiteRT cannot run it: {_first_line(error)}") from error
        alpha: AnyArray = self._interpreter.get_tensor(self._alpha["index"])[0, :, :, 0]
        return alpha if alpha.dtype == np.uint8 else self._checked(alpha)

    def _checked(self, alpha: Alpha) -> Alpha:
        low, high = float(alpha.min()), float(alpha.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ModelError(f"{self.name}: computed an alpha that is not finite; export it again")
        if low < -_ALPHA_TOLERANCE or high > 1 + _ALPHA_TOLERANCE:
            raise ModelError(
                f"{self.name}: its alpha lies in {low:.3g} to {high:.3g}, not 0-1; it must end in a sigmoid"
            )
        return alpha.clip(0, 1)


def default_model() -> bytes:
    """The model that ships with this installation.

    Raises:
        ModelError: none does.
    """
    folder = resources.files("mmnet.runtime") / "models"
    models = [entry for entry in folder.iterdir() if entry.name.endswith(".tflite")] if folder.is_dir() else []
    if not models:
        raise ModelError(
            "no model ships with this installation; name one (--model FILE), or make one with export-tflite"
        )
    return min(models, key=lambda entry: entry.name).read_bytes()


def _default_threads() -> int:
    """The network is small: beyond four threads it only gets hotter."""
    return min(4, os.cpu_count() or 1)


def _interpreter(name: str, content: bytes, threads: int, delegate: str) -> Interpreter:
    """An interpreter that has verified the flatbuffer's structure, but allocated nothing yet."""
    try:
        return Interpreter(
            model_content=content, num_threads=threads, experimental_op_resolver_type=DELEGATES[delegate]
        )
    except (ValueError, RuntimeError) as error:
        raise _damaged(name) from error


def _damaged(name: str) -> ModelError:
    return ModelError(f"{name}: is truncated or damaged; copy or export it again")


def _check_tensors(name: str, interpreter: Interpreter) -> None:
    """Refuse what LiteRT's own check of the file lets pass, and does not survive when it allocates.

    That is quantization no integer has (XNNPACK ends the process), and sizes beyond any memory.
    """
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


def _check_contract(name: str, interpreter: Interpreter) -> tuple[dict[str, Any], dict[str, Any], int]:
    """The input's details, the output's, and S."""
    signatures = interpreter.get_signature_list()
    if SIGNATURE not in signatures:
        found = ", ".join(f"'{key}'" for key in sorted(signatures)) or "none"
        raise ModelError(f"{name}: its signatures are {found}; {_ACCEPTED}")
    signature = signatures[SIGNATURE]
    if signature["inputs"] != [INPUT] or signature["outputs"] != [OUTPUT]:
        found = f"inputs {signature['inputs']} and outputs {signature['outputs']}"
        raise ModelError(f"{name}: signature '{SIGNATURE}' has {found}; {_ACCEPTED}")

    runner = interpreter.get_signature_runner(SIGNATURE)
    image, alpha = runner.get_input_details()[INPUT], runner.get_output_details()[OUTPUT]
    if [tensor["index"] for tensor in interpreter.get_input_details()] != [image["index"]]:
        raise ModelError(f"{name}: signature '{SIGNATURE}' is not of its first subgraph; {_ACCEPTED}")

    size = int(image["shape_signature"][1]) if len(image["shape_signature"]) == 4 else 0
    _check_tensor(name, "input", INPUT, image, [1, size, size, 3], _INPUT_SCALES)
    _check_tensor(name, "output", OUTPUT, alpha, [1, size, size, 1], _OUTPUT_SCALES)
    return image, alpha, size


def _check_tensor(
    name: str, side: str, key: str, tensor: dict[str, Any], shape: list[int], scales: tuple[float, ...]
) -> None:
    found_shape = [int(length) for length in tensor["shape_signature"]]
    kind, (scale, zero_point) = np.dtype(tensor["dtype"]), tensor["quantization"]
    found = f"{name}: {side} '{key}' is {found_shape} {kind}"
    if found_shape != shape or shape[1] < 1 or kind not in (np.uint8, np.float32):
        raise ModelError(f"{found}; {_ACCEPTED}")
    close = any(abs(scale - wanted) <= _SCALE_TOLERANCE * wanted for wanted in scales)
    if kind == np.uint8 and scale != 0 and not (close and zero_point == 0):
        raise ModelError(f"{found} with scale {scale:.6g} and zero point {zero_point}; {_ACCEPTED}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
