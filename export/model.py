"""The result of an export: a verified model in memory, with its recipe and its checks."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmnet.export.choices import DEFAULT_FORMAT
from mmnet.export.verify import ExportCheck
from mmnet.files import atomic_file, check_writable
from mmnet.network.config import ModelConfig
from mmnet.runtime.tflite.metadata import recipe_path

_LONGEST_LABEL = 120


@dataclass(frozen=True)
class ExportedModel:
    """A verified .tflite or .onnx.

    Attributes:
        content: the bytes of the file.
        recipe: how it was made, as plain JSON values; saved beside the model, and without the verification inside it.
        checks: what was verified, in order; all that are required passed.
        label: the name of the checkpoint in file names; empty for its name in the recipe.
    """

    content: bytes = field(repr=False)
    recipe: dict[str, Any] = field(repr=False)
    checks: tuple[ExportCheck, ...] = field(repr=False)
    label: str = ""

    @property
    def file_name(self) -> str:
        """The name that the model is saved under by default, for example `mmnet-1.0-256-int8.tflite`."""
        label = self.label or str(self.recipe["checkpoint"]["name"])
        file_format = self.recipe.get("file_format", DEFAULT_FORMAT)
        return default_file_name(label, self.recipe["model"]["size"], self.recipe["precision"], file_format)

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
            OutputError: it cannot be written.
        """
        path = Path(self.file_name if path is None else path)
        check_writable(path, force=force)
        check_writable(recipe_path(path), force=True)
        file = {"name": path.name, "bytes": len(self.content), "sha256": hashlib.sha256(self.content).hexdigest()}
        # Both are on the disk before either gets its name.
        with atomic_file(recipe_path(path)) as recipe, atomic_file(path, replace=force) as model:
            recipe.write_text(json.dumps(self.recipe | {"file": file}, indent=2) + "\n")
            model.write_bytes(self.content)
        return path

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
        return f"{config.name}, {size}×{size}, {precision}, {dtype} input, {len(self.content) / 1024:.0f} KiB"


def default_file_name(label: str, size: int, precision: str, file_format: str = DEFAULT_FORMAT) -> str:
    """Return the file name that a checkpoint gets at an input size and in a precision if none is given.

    It begins with the name of the checkpoint, so that the models of two checkpoints do not look like one network in two
    precisions.
    """
    plain = re.sub(r"[^\w.-]+", "_", label)[:_LONGEST_LABEL].strip(".")
    return f"{plain or 'model'}-{size}-{precision}.{file_format}"
