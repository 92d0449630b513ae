"""The models that ship with the installation. Wherever a model is named, their names do instead of a path."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path

_SUFFIX = ".tflite"


def shipped_models() -> Mapping[str, Path]:
    """Return the models that ship: name -> path of the .tflite, sorted by name; the first is the default."""
    folder = resources.files("mmnet.runtime") / "models"
    if not folder.is_dir():
        return {}
    found = {entry.name.removesuffix(_SUFFIX): entry for entry in folder.iterdir() if entry.name.endswith(_SUFFIX)}
    return {name: Path(str(found[name])) for name in sorted(found)}


def shipped_path(path: Path) -> Path:
    """Return the path of the shipped model that a path without a folder names, or the path itself.

    The name may end in .tflite, as the file does. A file or folder of that name comes first.
    """
    is_name = path.name == str(path) and not path.exists()
    return shipped_models().get(path.name.removesuffix(_SUFFIX), path) if is_name else path


def hidden_model(path: Path) -> Path | None:
    """Return the path of the shipped model whose name a file or folder has; None if there is none."""
    is_name = path.name == str(path) and path.exists()
    return shipped_models().get(path.name.removesuffix(_SUFFIX)) if is_name else None


def names_that_continue(path: Path) -> list[str]:
    """Return the names of the shipped models that begin with that of a path and a hyphen.

    Their names begin with that of their checkpoint: mmnet-1.0 leads to mmnet-1.0-256-int8.
    """
    start = f"{path.name.removesuffix(_SUFFIX)}-"
    return [name for name in shipped_models() if name.startswith(start)]
