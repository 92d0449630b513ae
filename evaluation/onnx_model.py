"""ONNX models, run by ONNX Runtime: the form of an exported network for programs without LiteRT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.arrays import Alpha, F32Array, U8Array
from mmnet.errors import MissingExtraError
from mmnet.json_reader import parse_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.signature import INPUT, OUTPUT

EXTENSION = ".onnx"
RECIPE_KEY = "mmnet_recipe"  # in the metadata of the file
_FLOAT = "tensor(float)"


def load_onnx_runtime() -> Any:
    """Import and return the module `onnxruntime`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnx", "ONNX Runtime") from error
    return onnxruntime


class OnnxModel:
    """An ONNX model with the input `image` [1, S, S, 3], RGB in 0-1, and the output `alpha` [1, S, S, 1], both float32.

    Attributes:
        name: the name in messages.
        size: S, the side of the square in pixels.
        recipe: how it was made, as its metadata says; empty where it says nothing.
    """

    def __init__(self, content: bytes, name: str = "the model") -> None:
        """Load the model on one thread of the processor.

        Args:
            content: the bytes of the file.
            name: the name in messages.

        Raises:
            MissingExtraError: ONNX Runtime is not installed.
            ModelError: it is damaged, or has other inputs and outputs.
        """
        runtime = load_onnx_runtime()
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its messages are in the exceptions, too
        self.name = name
        try:
            session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # every kind of failure has a class of its own
            raise ModelError(f"{name}: ONNX Runtime cannot load it: {_line(error)}") from error
        ends = [*session.get_inputs(), *session.get_outputs()]
        shapes = [(end.name, list(end.shape), end.type) for end in ends]
        side = ends[0].shape[1] if ends and len(ends[0].shape) == 4 else None
        wanted = [(INPUT, [1, side, side, 3], _FLOAT), (OUTPUT, [1, side, side, 1], _FLOAT)]
        if not isinstance(side, int) or shapes != wanted:
            raise ModelError(
                f"{name}: its inputs and outputs are {shapes}; accepted are {INPUT} [1, S, S, 3] and "
                f"{OUTPUT} [1, S, S, 1] in float32: export it with mmnet export --format onnx"
            )
        self.size = side
        self.recipe = _recipe(session.get_modelmeta().custom_metadata_map)
        self._session: Any = session

    def run_float(self, image: U8Array | F32Array) -> Alpha:
        """Return the alpha of an image, [S, S, 3] RGB, uint8 or float32 in 0-255: float32 [S, S] in 0-1.

        Raises:
            ModelError: the model is closed, the image has another shape, ONNX Runtime cannot run the model, or the
                alpha is not finite.
        """
        if self._session is None:
            raise ModelError(f"{self.name}: the model is closed; open it again")
        if image.shape != (self.size, self.size, 3):
            raise ModelError(f"{self.name}: the image is {image.shape}, it takes {(self.size, self.size, 3)}")
        try:
            (alpha,) = self._session.run([OUTPUT], {INPUT: image[None].astype(np.float32) / np.float32(255)})
        except Exception as error:
            raise ModelError(f"{self.name}: ONNX Runtime cannot run it: {_line(error)}") from error
        if not np.isfinite(alpha).all():
            raise ModelError(f"{self.name}: computed an alpha that is not finite; check its weights")
        shown: Alpha = alpha[0, :, :, 0].clip(0, 1)
        return shown

    def close(self) -> None:
        """Free the session."""
        self._session = None


def is_onnx(path: Path) -> bool:
    """Whether a file is named as an ONNX model; the format itself has no signature."""
    return path.suffix.lower() == EXTENSION


def _recipe(metadata: dict[str, str]) -> dict[str, Any]:
    """Return the recipe in the metadata of a file; empty where there is none that can be read."""
    try:
        recipe = parse_json(metadata.get(RECIPE_KEY, "{}"))
    except (ValueError, json.JSONDecodeError):
        return {}
    return recipe if isinstance(recipe, dict) else {}


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
