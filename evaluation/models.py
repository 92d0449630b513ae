"""What can be measured: any file that the runtime runs, and MediaPipe's selfie segmenter through an adapter."""

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
from mmnet.runtime import MattingModel, ModelError
from mmnet.runtime.tflite.metadata import read_metadata

Photo = U8Array | F32Array


class Matter(Protocol):
    """One loaded model: a square photo in, the alpha of that square out. For one thread at a time."""

    size: int

    def run_float(self, image: Photo) -> Alpha:
        """[S, S, 3] RGB, uint8 or float32 in 0-255 -> float32 [S, S] in 0-1."""

    def close(self) -> None:
        """Free the interpreter."""


class BytesModel(MattingModel):
    """A file that the runtime runs. It takes bytes, so a photo in floats is rounded."""

    def run_float(self, image: Photo) -> Alpha:
        """[S, S, 3] RGB, uint8 or float32 in 0-255 -> float32 [S, S] in 0-1; errors as `MattingModel.run`."""
        return super().run_float(np.rint(image).astype(np.uint8))


class FloatModel:
    """A .tflite of one float32 input [1, S, S, 3], RGB in 0-1, and one float32 output [1, S, S, 1], alpha.

    Unlike the runtime it takes photos in floats, as networks are trained on, and does not ask for a signature.
    """

    def __init__(self, content: bytes, name: str = "the model") -> None:
        """Load it on one thread.

        Raises:
            ModelError: damaged, or of other tensors.
        """
        self.name = name
        try:
            interpreter = Interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise ModelError(f"{name}: is damaged, or LiteRT cannot run it here; copy it again") from error
        tensors = [*interpreter.get_input_details(), *interpreter.get_output_details()]
        found = [(tensor["shape"].tolist(), np.dtype(tensor["dtype"])) for tensor in tensors]
        self.size = int(found[0][0][1])
        wanted = [([1, self.size, self.size, channels], np.dtype(np.float32)) for channels in (3, 1)]
        if found != wanted:
            shapes = " and ".join(f"{shape} {dtype}" for shape, dtype in found)
            raise ModelError(f"{name}: its tensors are {shapes}; accepted are [1, S, S, 3] and [1, S, S, 1] float32")
        self._interpreter: Interpreter | None = interpreter
        self._image, self._alpha = (tensor["index"] for tensor in tensors)

    def run_float(self, image: Photo) -> Alpha:
        """[S, S, 3] RGB, uint8 or float32 in 0-255 -> float32 [S, S] in 0-1.

        Raises:
            ModelError: closed, another shape, or an alpha that is not finite.
        """
        if self._interpreter is None:
            raise ModelError(f"{self.name}: is closed")
        if image.shape != (self.size, self.size, 3):
            raise ModelError(f"{self.name}: the image is {image.shape}, it takes {(self.size, self.size, 3)}")
        self._interpreter.set_tensor(self._image, image[None].astype(np.float32) / np.float32(255))
        self._interpreter.invoke()
        alpha: Alpha = self._interpreter.get_tensor(self._alpha)[0, :, :, 0]
        if not np.isfinite(alpha).all():
            raise ModelError(f"{self.name}: computed an alpha that is not finite")
        return alpha.clip(0, 1)

    def close(self) -> None:
        """Free the interpreter."""
        self._interpreter = None


class SelfieSegmenter(FloatModel):
    """MediaPipe's selfie segmenter, general variant (npm package @mediapipe/selfie_segmentation, Apache-2.0).

    `selfie_segmentation.tflite` has no signature; its input `input_1` is RGB in 0-1 at 256×256, its output the
    probability of a person, which is taken for alpha. It ends in MediaPipe's custom operator
    Convolution2DTransposeBias, which LiteRT runs inside its XNNPACK delegate. The landscape variant is not square.
    """

    CUSTOM_OPERATOR = b"Convolution2DTransposeBias"

    @classmethod
    def recognises(cls, content: bytes) -> bool:
        """Whether a .tflite is one of MediaPipe's segmenters: it names their custom operator."""
        return cls.CUSTOM_OPERATOR in content


@dataclass(frozen=True)
class Candidate:
    """A model to measure.

    Attributes:
        name: its column's heading.
        kind: `checkpoint` (measured as its float .tflite), `tflite`, or `mediapipe`.
        source: what the user named it by.
        size: S, the side of its input and of its alpha.
        content: the .tflite.
        recipe: which checkpoint it was made of, and how, as far as it tells; see `mmnet.export.exporter`.
    """

    name: str
    kind: str
    source: str
    size: int
    content: bytes
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """Of the .tflite."""
        return hashlib.sha256(self.content).hexdigest()

    def load(self, *, floats: bool = False) -> Matter:
        """An interpreter of its own, on one thread.

        Args:
            floats: whether photos will come in floats. A checkpoint then takes them as they are; a file of ours
                rounds them.
        """
        if self.kind == "mediapipe":
            return SelfieSegmenter(self.content, self.source)
        return (
            FloatModel(self.content, self.source)
            if floats and self.kind == "checkpoint"
            else BytesModel(self.content, 1)
        )


def open_file(path: Path) -> Candidate:
    """A .tflite as a candidate, loaded once to see that it can be.

    Raises:
        ModelError: no such file, damaged, or neither our contract nor MediaPipe's.
    """
    try:
        content = path.read_bytes() if path.is_file() else b""
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    if SelfieSegmenter.recognises(content):
        with closing(SelfieSegmenter(content, str(path))) as segmenter:
            return Candidate(path.stem, "mediapipe", str(path), segmenter.size, content)
    # By its path: the runtime then names the file, and everything that can be wrong with it.
    with MattingModel(path, threads=1) as model:
        metadata = read_metadata(content)
        return Candidate(path.stem, "tflite", str(path), model.size, content, metadata.recipe if metadata else {})


def with_unique_names(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates with headings that tell them apart: of equal names, the source; of equal sources, numbers."""
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
