"""Models that can be measured: every .tflite that the runtime runs, ONNX models, and MediaPipe's selfie segmenter."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Any, Protocol

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from mmnet.arrays import Alpha, F32Array, U8Array
from mmnet.evaluation.onnx_model import OnnxModel, is_onnx
from mmnet.runtime import MattingModel, ModelError
from mmnet.runtime.tflite.accelerator import Accelerator, AcceleratorError, choose_accelerator
from mmnet.runtime.tflite.interpreter import allocate, invoke, open_interpreter, write_image
from mmnet.runtime.tflite.metadata import read_metadata
from mmnet.runtime.tflite.shipped import shipped_path

Pixels = U8Array | F32Array


class LoadedModel(Protocol):
    """A model with an interpreter: a square image in, the alpha of that square out. For one thread at a time.

    Attributes:
        size: S, the side of the square in pixels.
    """

    size: int

    def run_float(self, image: Pixels) -> Alpha:
        """Return the alpha of an image, [S, S, 3] RGB, uint8 or float32 in 0-255: float32 [S, S] in 0-1."""

    def close(self) -> None:
        """Free the interpreter."""


class BytesModel(MattingModel):
    """A .tflite that the runtime runs. Its input is uint8, so a float image is rounded."""

    def run_float(self, image: Pixels) -> Alpha:
        """Return the alpha of an image, [S, S, 3] RGB, uint8 or float32 in 0-255: float32 [S, S] in 0-1.

        Raises as `MattingModel.run`.
        """
        return super().run_float(np.rint(image).astype(np.uint8))


class FloatModel:
    """A .tflite of one float32 input [1, S, S, 3], RGB in 0-1, and one float32 output [1, S, S, 1], alpha.

    Unlike the runtime, it takes float images, as training does, and needs no signature.
    """

    def __init__(self, content: bytes, name: str = "the model") -> None:
        """Load the model on one thread.

        Args:
            content: the bytes of the .tflite.
            name: the name in messages.

        Raises:
            ModelError: it is damaged, or has other tensors.
        """
        self.name = name
        interpreter = open_interpreter(content, name)
        allocate(interpreter, name)
        tensors = [*interpreter.get_input_details(), *interpreter.get_output_details()]
        given = [(tensor["shape"].tolist(), np.dtype(tensor["dtype"])) for tensor in tensors]
        self.size = int(given[0][0][1])
        wanted = [([1, self.size, self.size, channels], np.dtype(np.float32)) for channels in (3, 1)]
        if given != wanted:
            shapes = " and ".join(f"{shape} {dtype}" for shape, dtype in given)
            raise ModelError(f"{name}: its tensors are {shapes}; accepted are [1, S, S, 3] and [1, S, S, 1] float32")
        self._interpreter: Interpreter | None = interpreter
        self._image, self._alpha = (tensor["index"] for tensor in tensors)

    def run_float(self, image: Pixels) -> Alpha:
        """Return the alpha of an image, [S, S, 3] RGB, uint8 or float32 in 0-255: float32 [S, S] in 0-1.

        Raises:
            ModelError: the model is closed, the image has another shape, LiteRT cannot run the model, or the alpha is
                not finite.
        """
        if self._interpreter is None:
            raise ModelError(f"{self.name}: the model is closed; open it again")
        if image.shape != (self.size, self.size, 3):
            raise ModelError(f"{self.name}: the image is {image.shape}, it takes {(self.size, self.size, 3)}")
        write_image(self._interpreter, self._image, image)
        invoke(self._interpreter, self.name)
        alpha: Alpha = self._interpreter.get_tensor(self._alpha)[0, :, :, 0]
        if not np.isfinite(alpha).all():
            raise ModelError(f"{self.name}: computed an alpha that is not finite; check its weights")
        return alpha.clip(0, 1)

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


class SelfieSegmenter(FloatModel):
    """MediaPipe's selfie segmenter, general variant (npm package @mediapipe/selfie_segmentation, Apache-2.0).

    `selfie_segmentation.tflite` has no signature. Its input `input_1` is RGB in 0-1 at 256×256; its output, the
    probability of a person, is taken as the alpha. Its last operator is MediaPipe's custom operator
    Convolution2DTransposeBias, which LiteRT runs inside its XNNPACK delegate. The landscape variant is not square and
    cannot be measured.
    """

    CUSTOM_OPERATOR = b"Convolution2DTransposeBias"

    @classmethod
    def recognises(cls, content: bytes) -> bool:
        """Whether a .tflite is one of MediaPipe's segmenters: it contains the name of their custom operator."""
        return cls.CUSTOM_OPERATOR in content


@dataclass(frozen=True)
class Candidate:
    """A model to measure.

    Attributes:
        name: the heading of its column.
        kind: `checkpoint` (measured as its float .tflite), `tflite`, `onnx`, or `mediapipe`.
        source: the name by which the user gave it.
        size: S, the side of its input and of its alpha.
        content: the bytes of the file.
        recipe: the checkpoint that it was made from, and how, as its metadata says; empty where it says nothing. See
            `mmnet.export.exporter`.
        accelerator: what LiteRT compiles a .tflite for; None where an interpreter runs it.
    """

    name: str
    kind: str
    source: str
    size: int
    content: bytes
    recipe: Mapping[str, Any] = field(default_factory=dict)
    accelerator: Accelerator | None = None

    @property
    def computed_precision(self) -> str:
        """The precision that the model computes in, as far as its recipe says it: `int8` where it says nothing.

        A GPU computes the float32 of a model in 16 bits.
        """
        stored = str(self.recipe.get("precision", "int8"))
        return "float16" if stored == "float32" and self.accelerator is Accelerator.GPU else stored

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def load(self, *, floats: bool = False) -> LoadedModel:
        """Load the model into an interpreter of its own, on one thread.

        Args:
            floats: whether images will be float32. A checkpoint then takes them unchanged; a .tflite of ours rounds
                them.
        """
        if self.kind == "mediapipe":
            return SelfieSegmenter(self.content, self.source)
        if self.kind == "onnx":
            return OnnxModel(self.content, self.source)
        if self.accelerator is not None:
            return BytesModel(self.content, 1, accelerator=self.accelerator)
        return (
            FloatModel(self.content, self.source)
            if floats and self.kind == "checkpoint"
            else BytesModel(self.content, 1)
        )


def open_file(path: Path) -> Candidate:
    """Return a .tflite or .onnx file as a candidate, after loading it once to check it.

    Args:
        path: the file, or the name of a model that ships, such as "mmnet-1.0-256-int8".

    Raises:
        MissingExtraError: the file is an ONNX model, and ONNX Runtime is not installed.
        ModelError: there is no such file, it is a Core ML model, damaged, or its tensors are neither ours nor
            MediaPipe's.
    """
    found = shipped_path(path)
    if found.suffix.lower() == ".mlpackage" and found.exists():
        raise ModelError(f"{path}: is a Core ML model, which cannot be run here; name a .tflite of the same checkpoint")
    try:
        content = found.read_bytes() if found.is_file() else b""
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if is_onnx(path) and content:
        with closing(OnnxModel(content, str(path))) as model:
            return Candidate(found.stem, "onnx", str(path), model.size, content, model.recipe)
    if SelfieSegmenter.recognises(content):
        with closing(SelfieSegmenter(content, str(path))) as segmenter:
            return Candidate(found.stem, "mediapipe", str(path), segmenter.size, content)
    # Loaded by its path: messages of the runtime then name the file.
    with MattingModel(path, threads=1) as ours:
        return _ours(found.stem, str(path), ours.size, content)


def open_bytes(content: bytes, name: str = "model") -> Candidate:
    """Return the bytes of a .tflite as a candidate, after loading them once to check them.

    Args:
        content: the bytes.
        name: the heading of its column, and its name in messages.

    Raises:
        ModelError: they are damaged, or the tensors are neither ours nor MediaPipe's.
    """
    if SelfieSegmenter.recognises(content):
        with closing(SelfieSegmenter(content, name)) as segmenter:
            return Candidate(name, "mediapipe", name, segmenter.size, content)
    with MattingModel(content, threads=1) as model:
        return _ours(name, name, model.size, content)


def on_accelerator(model: object, accelerator: Accelerator | str) -> Candidate:
    """Return a .tflite as a candidate that an accelerator runs, after compiling it once to check that.

    Args:
        model: what `mmnet.api.models.open_models` returned; a candidate of the kind `tflite`.
        accelerator: what runs it.

    Raises:
        AcceleratorError: an unknown accelerator, one that this machine does not have, or a model that is no .tflite.
    """
    chosen = choose_accelerator(accelerator)
    if not isinstance(model, Candidate) or model.kind != "tflite":
        raise AcceleratorError("an accelerator runs a .tflite; export the checkpoint with export-tflite, and name that")
    with BytesModel(model.content, 1, accelerator=chosen) as compiled:
        # LiteRT falls back to the processor, whose alpha would look like a GPU's without any difference.
        part = ", in part" if chosen is Accelerator.GPU and not compiled.accelerated else ""
    return replace(model, name=f"{model.name} on {chosen}{part}", accelerator=chosen)


def _ours(name: str, source: str, size: int, content: bytes) -> Candidate:
    metadata = read_metadata(content)
    return Candidate(name, "tflite", source, size, content, metadata.recipe if metadata else {})


def with_unique_names(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with unique names: equal names become the source, equal sources get numbers."""
    names = [candidate.name for candidate in candidates]
    names = [
        PurePath(candidate.source).as_posix() if names.count(name) > 1 else name
        for name, candidate in zip(names, candidates, strict=True)
    ]
    numbered = [
        f"{name} ({names[: index + 1].count(name)})" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]
    return [replace(candidate, name=name) for candidate, name in zip(candidates, numbered, strict=True)]
