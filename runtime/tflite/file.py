"""A .tflite file as bytes: how it is read, and how it is recognized."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISDIR, S_ISREG

from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.shipped import shipped_path

IDENTIFIER = b"TFL3"  # the file identifier of the flatbuffer schema, at byte 4
MAX_MODEL_BYTES = 1 << 30


def read_model(path: Path) -> bytes:
    """Read the bytes of a .tflite file.

    Args:
        path: the file, or the name of a model that ships, such as "mmnet-1.0-256-int8".

    Raises:
        ModelError: the file is missing, a folder, no regular file, too large, unreadable or empty, or its identifier
            is not that of a .tflite. The message names the file.
    """
    path = shipped_path(path)
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise ModelError(f"{path}: is a folder; name the .tflite file inside it")
        if not S_ISREG(status.st_mode):
            raise ModelError(f"{path}: is not a file")
        if status.st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: has {status.st_size:,} bytes; a model may have {MAX_MODEL_BYTES:,}")
        model = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(
            f"{path}: no such model; name a .tflite file or a model that ships (mmnet models), or make one with "
            "export-tflite"
        ) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    check_identifier(model, path)
    return model


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
