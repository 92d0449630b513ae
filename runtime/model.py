"""`MattingModel`: a .tflite that is checked before it runs. `mmnet.runtime.tflite.contract` says what is accepted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mmnet.arrays import Alpha, AnyArray, U8Array
from mmnet.closing import Closing
from mmnet.runtime.errors import ModelError
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes
from mmnet.runtime.tflite.accelerator import Accelerator, CompiledInterpreter, choose_accelerator
from mmnet.runtime.tflite.contract import Endpoints, check_contract
from mmnet.runtime.tflite.file import check_identifier, read_model
from mmnet.runtime.tflite.interpreter import Delegate, allocate, damaged, invoke, open_interpreter, write_image
from mmnet.runtime.tflite.probe import trust
from mmnet.runtime.tflite.shipped import shipped_models

_ALPHA_TOLERANCE = 1e-3  # how far a float alpha may leave 0-1 by rounding; it is clipped
_MAX_THREADS = 256  # LiteRT ends the process where the system gives it no more
_MAX_DEFAULT_THREADS = 4  # the network is small: more threads only heat the processor


class MattingModel(Closing):
    """One .tflite in one LiteRT interpreter.

    It owns the interpreter and its buffers, which each run overwrites: use one object per thread. `close` (or
    `with`) frees them.

    Attributes:
        name: what messages call the model: its path, or "the model" for bytes.
        size: S, the side of its input and of its alpha, in pixels.
        threads: the number of threads it runs on.
        accelerator: what LiteRT compiled it for; None where an interpreter runs it.
        accelerated: whether the accelerator runs every operator; None where an interpreter runs it.
    """

    def __init__(
        self,
        model: str | Path | bytes,
        threads: int | None = None,
        *,
        delegate: Delegate | str = Delegate.XNNPACK,
        accelerator: Accelerator | str | None = None,
    ) -> None:
        """Load and check a model.

        Args:
            model: path of a .tflite, the name of a model that ships ("mmnet-1.0-256-int8"), or the bytes of a .tflite.
            threads: 1 to 256; None takes the number of cores, at most 4.
            delegate: what runs the operators: "xnnpack", or "none" for LiteRT's built-in kernels.
            accelerator: "cpu" or "gpu": LiteRT compiles the model for it, and no delegate is chosen. None: an
                interpreter runs it. On the CPU, both give the same bytes.

        Raises:
            AcceleratorError: there is no such accelerator, this machine has none, or it refuses the model.
            ModelError: no such file, not a .tflite, damaged, or a model with another contract.
            ValueError: there is no such delegate.
        """
        if not isinstance(model, str | os.PathLike | bytes):
            raise ModelError(f"the model is {model!r:.60}; give the path of a .tflite, or its bytes")
        self.name = "the model" if isinstance(model, bytes) else str(model)
        self.threads = min(_MAX_DEFAULT_THREADS, os.cpu_count() or 1) if threads is None else threads
        if type(self.threads) is not int or not 1 <= self.threads <= _MAX_THREADS:
            raise ModelError(f"threads is {threads!r}; give a whole number from 1 to {_MAX_THREADS}")
        if isinstance(model, bytes):
            check_identifier(model, self.name)
        content = model if isinstance(model, bytes) else read_model(Path(model))
        self.accelerator = choose_accelerator(accelerator)
        self.accelerated: bool | None = None
        self._interpreter: Interpreter | CompiledInterpreter | None = None
        interpreter = open_interpreter(content, self.name, threads=self.threads, delegate=delegate)
        try:
            self._endpoints = self.check_contract(interpreter)
        except (RuntimeError, ValueError) as error:  # LiteRT's: a name that is no text, an index out of range
            raise damaged(self.name) from error
        self.size = self._endpoints.size
        if self.accelerator is None:
            allocate(interpreter, self.name)
            self._interpreter = interpreter
        else:
            self._interpreter = self._compiled(content, interpreter, self.accelerator)
            self.accelerated = self._interpreter.whole

    def run(self, image: U8Array) -> U8Array:
        """Compute the alpha of an image in bytes, whatever the model's output is.

        Args:
            image: uint8 [S, S, 3], RGB, as `to_model_input` returns it.

        Returns:
            uint8 [S, S], alpha · 255 (255 = opaque): the model's own bytes, or its float alpha rounded.

        Raises:
            ImageError: another shape or dtype.
            ModelError: the model is closed, or its alpha is not finite or not within 0-1.
        """
        alpha = self.run_raw(image)
        return alpha if alpha.dtype == np.uint8 else np.rint(alpha * np.float32(255)).astype(np.uint8)

    def run_float(self, image: U8Array) -> Alpha:
        """Compute the alpha of an image as float32 [S, S] in 0-1: the model's own float alpha, or byte / 255.

        Argument and errors are those of `run`.
        """
        alpha = self.run_raw(image)
        return np.asarray(alpha if alpha.dtype == np.float32 else alpha / np.float32(255), np.float32)

    def run_raw(self, image: U8Array) -> AnyArray:
        """Compute the alpha of an image as the model stores it: uint8 [S, S] in 0-255, or float32 [S, S] in 0-1.

        Argument and errors are those of `run`.
        """
        if self._interpreter is None:
            raise ModelError(f"{self.name}: is closed")
        image = check_rgb_bytes(image)
        if image.shape[0] != self.size or image.shape[1] != self.size:
            raise ImageError(
                f"the image is {image.shape[1]}×{image.shape[0]}, {self.name} takes {self.size}×{self.size}; "
                "stretch it with mmnet.runtime.to_model_input"
            )
        write_image(self._interpreter, self._endpoints.image, image)
        self.invoke(self._interpreter)
        alpha: AnyArray = self._interpreter.get_tensor(self._endpoints.alpha)[0, :, :, 0]
        return alpha if alpha.dtype == np.uint8 else self._checked(alpha)

    def close(self) -> None:
        """Free the interpreter. Closing twice is fine; running afterwards raises ModelError."""
        self._interpreter = None

    def check_contract(self, interpreter: Interpreter) -> Endpoints:
        """Check the model's tensors before they are allocated; a subclass may accept another contract.

        Raises:
            ModelError: the model has other tensors.
        """
        return check_contract(interpreter, self.name)

    def invoke(self, interpreter: Interpreter) -> None:
        """Run the operators; a subclass may time this step.

        Raises:
            ModelError: LiteRT cannot run the model.
        """
        invoke(interpreter, self.name)

    def _compiled(self, content: bytes, interpreter: Any, accelerator: Accelerator) -> CompiledInterpreter:
        """Return the model compiled for an accelerator; the interpreter describes its tensors."""
        (image,), (alpha,) = interpreter.get_input_details(), interpreter.get_output_details()
        return CompiledInterpreter(content, self.name, accelerator, self.threads, image, alpha)

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
    """Return the bytes of the model that ships with this installation.

    Raises:
        ModelError: none does.
    """
    models = shipped_models()
    if not models:
        raise ModelError("no model ships with this installation; name one (model=FILE), or make one with export-tflite")
    return trust(next(iter(models.values())).read_bytes())
