"""Segment an image with MediaPipe and each of several models, in MediaPipe's own environment.

    python mediapipe_client.py FOLDER IMAGE.npy MODEL.tflite...

prints a JSON object with the answer of MediaPipe for each model:
`{"MODEL.tflite": {"error": null, "masks": ["FOLDER/0.0.npy"], "metadata": {...}}}`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import mediapipe
import numpy as np
from mediapipe.tasks.metadata import image_segmenter_metadata_schema_py_generated as segmenter_schema
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
from mediapipe.tasks.metadata import schema_py_generated as model_schema
from mediapipe.tasks.python import BaseOptions
from mediapipe.tasks.python.vision import ImageSegmenter, ImageSegmenterOptions


def segment(model: str, pixels: np.ndarray) -> list[np.ndarray]:
    options = ImageSegmenterOptions(BaseOptions(model_asset_path=model), output_confidence_masks=True)
    with ImageSegmenter.create_from_options(options) as segmenter:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        return [np.array(mask.numpy_view()) for mask in segmenter.segment(image).confidence_masks]


def read_metadata(model: bytes) -> dict[str, Any] | None:
    """Return the model's metadata as MediaPipe's own schema modules read it."""
    root = model_schema.ModelT.InitFromPackedBuf(model)
    for entry in root.metadata:
        if entry.name == b"TFLITE_METADATA":
            buffer = bytes(root.buffers[entry.buffer].data)
            if not metadata_schema.ModelMetadata.ModelMetadataBufferHasIdentifier(buffer, 0):
                raise ValueError("metadata without its identifier")
            return plain(metadata_schema.ModelMetadataT.InitFromPackedBuf(buffer))
    return None


def plain(value: Any) -> Any:
    """Return the schema's objects as JSON values, without absent fields."""
    if isinstance(value, metadata_schema.CustomMetadataT):
        activation = segmenter_schema.ImageSegmenterOptionsT.InitFromPackedBuf(bytes(value.data))
        return {"name": value.name.decode(), "data": plain(activation)}
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name: plain(item) for name, item in vars(value).items() if item is not None}
    return value


def main(folder: Path, image: np.ndarray, models: list[str]) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    for number, model in enumerate(models):
        error, masks = None, []
        try:
            for channel, mask in enumerate(segment(model, image)):
                path = folder / f"{number}.{channel}.npy"
                np.save(path, mask)
                masks.append(str(path))
        except Exception as caught:  # MediaPipe raises what its status codes map to, FileNotFoundError among them
            error = str(caught)
        answers[model] = {"error": error, "masks": masks, "metadata": read_metadata(Path(model).read_bytes())}
    return answers


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), np.load(sys.argv[2]), sys.argv[3:])))
