"""A .tflite file as bytes: how it is read, and how it is recognized."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISDIR, S_ISREG

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.shipped import hidden_model, names_that_continue, shipped_path

IDENTIFIER = b"TFL3"  # the file identifier of the flatbuffer schema, at byte 4
MAX_MODEL_BYTES = 1 << 30

# Other forms of an exported model, by their extension.
OTHER_FORMATS = {".onnx": "an ONNX model", ".mlpackage": "a Core ML model"}


def read_model(path: Path) -> bytes:
    """Read the bytes of a .tflite file.

    Args:
        path: the file, or the name of a model that ships, such as "mmnet-1.0-256-int8", with or without ".tflite".

    Raises:
        ModelError: the file is missing, a folder, no regular file, too large, unreadable or empty, or its identifier
            is not that of a .tflite. The message names the file.
    """
    path = shipped_path(path)
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise ModelError(_other_format(path) or f"{path}: is a folder; name a .tflite file{_suggestion(path)}")
        if not S_ISREG(status.st_mode):
            raise ModelError(f"{path}: is not a file")
        if status.st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: has {status.st_size:,} bytes; a model may have {MAX_MODEL_BYTES:,}")
        model = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"{path}: no such model; name a .tflite file or a model that ships (mmnet models), or make one with "
            f"export-tflite{_suggestion(path)}"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        check_identifier(model, path)
    except ModelError as error:
        if model and (other := _other_format(path)):
            raise ModelError(other) from error
        raise ModelError(f"{error}{_suggestion(path)}") from error
    return model


def _other_format(path: Path) -> str | None:
    """Return the message about a file that is named as a model of another format; None where it is not."""
    format_name = OTHER_FORMATS.get(path.suffix.lower())
    return format_name and f"{path}: is {format_name}, and only a .tflite can be used here; name a .tflite file"


def _suggestion(path: Path) -> str:
    """Return the end of a message: the model that ships and that a path hides, or those that it may mean."""
    if hidden := hidden_model(path):
        return f"; it hides the model of that name, which ships: rename it, or name {hidden}"
    names = names_that_continue(path)
    return f"; did you mean {' or '.join(names)}, which ships?" if names else ""


def check_identifier(model: bytes, name: str | Path | None = None) -> None:
    """Refuse bytes that do not claim to be a .tflite.

    Args:
        model: the bytes of the file.
        name: what the message calls the model; None leaves that to the caller.

    Raises:
        ModelError: there are no bytes, or the identifier at byte 4 is another.
    """
    if not model:
        raise ModelError(_named(name, "the file is empty (0 bytes); export or copy the model again"))
    if model[4:8] != IDENTIFIER:
        raise ModelError(_named(name, "not a .tflite model (its identifier TFL3 is missing)"))


def _named(name: str | Path | None, message: str) -> str:
    return message if name is None else f"{name}: {message}"
