"""The check of a model that a caller names, before any work begins. Internal to `mmnet.api` and `mmnet.cli`."""

from __future__ import annotations

from pathlib import Path

from mmnet.runtime.model import MattingModel, default_model
from mmnet.runtime.tflite.contents import load_model


def checked_model(model: str | Path | bytes | None) -> bytes:
    """Return the bytes of a .tflite, after the runtime has accepted it.

    Args:
        model: the path or the bytes of a .tflite; None takes the model that ships.

    Raises:
        ModelError: the file cannot be read, or the runtime cannot run the model; or none was given and none ships.
    """
    content = default_model() if model is None else model
    MattingModel(content, threads=1).close()
    return content if isinstance(content, bytes) else load_model(Path(content))
