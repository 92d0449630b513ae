"""The result of an export: a verified model in memory, with its recipe and its checks."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmnet.errors import OutputError
from mmnet.export.choices import DEFAULT_FORMAT, EXTENSIONS, format_of
from mmnet.export.coreml.package import MANIFEST, write_mlpackage
from mmnet.export.verify import ExportCheck
from mmnet.files import atomic_file, atomic_folder, check_writable
from mmnet.network.config import ModelConfig
from mmnet.runtime.tflite.metadata import recipe_path

_LONGEST_LABEL = 120


@dataclass(frozen=True)
class ExportedModel:
    """A verified .tflite, .onnx or .mlpackage.

    Attributes:
        content: the bytes of the file; empty for an .mlpackage, which is a folder.
        recipe: how it was made, as plain JSON values; saved beside the model, and without the verification inside it.
        checks: what was verified, in order; all that are required passed.
        label: the name of the checkpoint in file names; empty for its name in the recipe.
        files: the path of every file inside an .mlpackage -> its bytes; empty for the other formats.
    """

    content: bytes = field(repr=False)
    recipe: dict[str, Any] = field(repr=False)
    checks: tuple[ExportCheck, ...] = field(repr=False)
    label: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def byte_count(self) -> int:
        """The bytes of the file, or of all files of an .mlpackage."""
        return len(self.content) + sum(map(len, self.files.values()))

    @property
    def file_name(self) -> str:
        """The name that the model is saved under by default, for example `mmnet-1.0-256-int8.tflite`."""
        label = self.label or str(self.recipe["checkpoint"]["name"])
        return default_file_name(label, self.recipe["model"]["size"], self.recipe["precision"], self.file_format)

    @property
    def file_format(self) -> str:
        """The format of the file, one of `mmnet.export.choices.FORMATS`."""
        return str(self.recipe.get("file_format", DEFAULT_FORMAT))

    @property
    def warnings(self) -> tuple[ExportCheck, ...]:
        """The checks that did not pass; none of them is required."""
        return tuple(check for check in self.checks if not check.passed)

    def save(self, path: str | Path | None = None, *, force: bool = False) -> Path:
        """Write the model and, beside it, its recipe as `PATH.recipe.json`: both or neither.

        Args:
            path: the file to write; `file_name` in the working directory by default.
            force: whether an existing file is replaced.

        Returns:
            The path of the model.

        Raises:
            OutputExistsError: the file exists and `force` is false.
            OutputError: it cannot be written, or `path` has the ending of another format.
        """
        path = Path(self.file_name if path is None else path)
        check_output(path, self.file_format, force=force)
        text = json.dumps(self.recipe | {"file": self._contents(path)}, indent=2) + "\n"
        # Both are on the disk before either gets its name.
        if self.files:
            with atomic_file(recipe_path(path)) as recipe, atomic_folder(path, replace=force) as package:
                recipe.write_text(text)
                write_mlpackage(self.files, package)
        else:
            with atomic_file(recipe_path(path)) as recipe, atomic_file(path, replace=force) as model:
                recipe.write_text(text)
                model.write_bytes(self.content)
        return path

    def _contents(self, path: Path) -> dict[str, Any]:
        """Return name, bytes and hash of what is saved, as the recipe beside it records them."""
        described: dict[str, Any] = {"name": path.name, "bytes": self.byte_count}
        if self.files:
            hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
            return described | {"sha256": hashes}
        return described | {"sha256": hashlib.sha256(self.content).hexdigest()}

    def __repr__(self) -> str:
        passed = sum(check.passed for check in self.checks)
        return f"<ExportedModel {self._title()}: {passed} of {len(self.checks)} checks passed>"

    def __str__(self) -> str:
        checkpoint = self.recipe["checkpoint"]
        lines = [self._title(), f"checkpoint {checkpoint['name']}, step {checkpoint['step']}", *map(str, self.checks)]
        return "\n".join(lines)

    def _title(self) -> str:
        config = ModelConfig.from_json(self.recipe["model"])
        size, precision, dtype = config.size, self.recipe["precision"], self.recipe["input"]
        return f"{config.name}, {size}×{size}, {precision}, {dtype} input, {self.byte_count / 1024:.0f} KiB"


def default_file_name(label: str, size: int, precision: str, file_format: str = DEFAULT_FORMAT) -> str:
    """Return the file name that a checkpoint gets at an input size and in a precision if none is given.

    It begins with the name of the checkpoint, so that the models of two checkpoints do not look like one network in two
    precisions.
    """
    plain = re.sub(r"[^\w.-]+", "_", label)[:_LONGEST_LABEL].strip(".")
    return f"{plain or 'model'}-{size}-{precision}{EXTENSIONS[file_format]}"


def check_output(path: Path, file_format: str, *, force: bool) -> None:
    """Raise if a model and its recipe cannot be saved; called before the work, so that the work is not lost.

    Args:
        path: the file, or the folder of an .mlpackage.
        file_format: one of `mmnet.export.choices.FORMATS`.
        force: whether an existing model is replaced.

    Raises:
        OutputExistsError: it exists and `force` is false.
        OutputError: it cannot be written; or its extension is that of another format; or an .mlpackage has another
            extension, which Xcode does not open, or would replace a folder that is no package.
    """
    if format_of(path) not in (None, file_format):
        right = EXTENSIONS[file_format]
        raise OutputError(f"{path}: {path.suffix} is the ending of another format; save this model as {right}")
    is_package = file_format == "coreml"
    if is_package and path.suffix != EXTENSIONS[file_format]:
        instead = path / "mmnet.mlpackage" if path.is_dir() else path.with_name(f"{path.name}.mlpackage")
        raise OutputError(f"{path}: a Core ML model is a folder whose name ends in .mlpackage; name {instead}")
    check_writable(path, force=force, folder=is_package)
    check_writable(recipe_path(path), force=True)
    if is_package and path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
        raise OutputError(f"{path}: is a folder and no Core ML package, which would be replaced; name another")
