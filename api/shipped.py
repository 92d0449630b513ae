"""The models that ship with the installation, with the figures that were measured of them: `list_models`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.evaluation.models import open_bytes
from mmnet.evaluation.release.published import PublishedFigures, published_figures
from mmnet.runtime.tflite.file import read_model
from mmnet.runtime.tflite.shipped import shipped_models


@dataclass(frozen=True)
class ShippedModel:
    """A model that ships.

    Attributes:
        name: takes the place of a path, as in `PortraitMatter("mmnet-1.0-256-int8")`.
        path: of the .tflite.
        is_default: whether it is used where no model is named.
        bytes: the size of the file.
        size: the side of its input, in pixels.
        precision: of its weights and activations, such as "int8".
        sha256: of the file, in hexadecimal.
        figures: what was measured of this very file.
    """

    name: str
    path: Path
    is_default: bool
    bytes: int
    size: int
    precision: str
    sha256: str
    figures: Sequence[PublishedFigures]

    def document(self) -> dict[str, Any]:
        """Return the same as plain JSON values."""
        return {
            "name": self.name,
            "path": str(self.path),
            "default": self.is_default,
            "bytes": self.bytes,
            "size": self.size,
            "precision": self.precision,
            "sha256": self.sha256,
            "figures": [{"set": one.title, "images": one.images, **one.values} for one in self.figures],
        }


def list_models() -> list[ShippedModel]:
    """List the models that ship with the installation, the default one first.

    Raises:
        ModelError: a file of the installation is damaged.
    """
    found: list[ShippedModel] = []
    for name, path in shipped_models().items():
        candidate = open_bytes(read_model(path))
        precision = str(candidate.recipe.get("precision", "unknown"))
        sha256 = candidate.sha256
        figures = published_figures(sha256)
        size, count = candidate.size, len(candidate.content)
        found.append(ShippedModel(name, path, not found, count, size, precision, sha256, figures))
    return found
