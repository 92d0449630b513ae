"""Metadata of a .tflite: the TFLite metadata that MediaPipe and Android read, and the recipe of the export.

A model file carries named metadata buffers. Two of them matter here. `TFLITE_METADATA` is a flatbuffer with the schema
of tensorflow/tflite-support and MediaPipe (`metadata_schema.fbs`, file identifier M001). `MMNET_RECIPE` is UTF-8 JSON
that tells which checkpoint and which quantization the file was made with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from flatbuffers import encode, packer
from flatbuffers.table import Table

from mmnet.json_reader import parse_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import MALFORMED
from mmnet.runtime.tflite.file import check_identifier

METADATA_BUFFER = "TFLITE_METADATA"
METADATA_IDENTIFIER = b"M001"
RECIPE_BUFFER = "MMNET_RECIPE"

# The fields of the schema's root table; the id of a field is its index here.
MODEL_METADATA = (
    "name",
    "description",
    "version",
    "subgraph_metadata",
    "author",
    "license",
    "associated_files",
    "min_parser_version",
)


@dataclass(frozen=True)
class ModelMetadata:
    """The metadata in a model file.

    Attributes:
        name: of the model, for example "MMNet-1.0 256 int8".
        description: one or two sentences.
        version: of the model.
        author: who made it.
        licence: licence of the weights, for example "Apache-2.0".
        recipe: how the file was made (checkpoint, step, quantization), as data that JSON can hold; empty if it was
            not exported by this project.
    """

    name: str
    description: str
    version: str
    author: str
    licence: str
    recipe: Mapping[str, Any] = field(default_factory=dict)


def belongs_to(recipe: object, model: bytes) -> bool:
    """Whether a recipe may be that of a model: it records the hash of these bytes, or none.

    An export gives the model its name, and then the recipe. One that was ended between the two leaves the recipe of the
    model before.

    Args:
        recipe: the content of the file beside the model, which may be anything.
        model: the bytes of the model.
    """
    file = recipe.get("file") if isinstance(recipe, Mapping) else None
    recorded = file.get("sha256") if isinstance(file, Mapping) else None
    return not isinstance(recorded, str) or recorded == hashlib.sha256(model).hexdigest()


def recipe_path(model: Path) -> Path:
    """Return the path of the recipe beside a model: `mmnet.tflite` → `mmnet.tflite.recipe.json`."""
    return model.with_name(f"{model.name}.recipe.json")


def read_metadata(model: bytes) -> ModelMetadata | None:
    """Read what a .tflite says about itself; None if it carries no TFLite metadata.

    Raises:
        ModelError: the bytes are not a .tflite, or the metadata is damaged.
    """
    check_identifier(model)
    try:
        buffers = metadata_buffers(model)
        if METADATA_BUFFER not in buffers:
            return None
        read = _root_strings(buffers[METADATA_BUFFER])
        recipe = parse_json(buffers.get(RECIPE_BUFFER, b"{}"))
        if not isinstance(recipe, dict):
            raise ValueError(f"a recipe that is a {type(recipe).__name__}")
        return ModelMetadata(
            name=read("name"),
            description=read("description"),
            version=read("version"),
            author=read("author"),
            licence=read("license"),
            recipe=recipe,
        )
    except MALFORMED as error:
        raise ModelError("the model's metadata is damaged; export the model again") from error


def metadata_buffers(model: bytes) -> dict[str, bytes]:
    """Return the metadata buffers of a .tflite: name -> bytes, in the order of the file."""
    root: Any = schema.Model.GetRootAs(model)
    return {
        entry.Name().decode(): _contents(root.Buffers(entry.Buffer()))
        for entry in (root.Metadata(index) for index in range(root.MetadataLength()))
    }


def _contents(buffer: Any) -> bytes:
    return b"" if buffer.DataIsNone() else buffer.DataAsNumpy().tobytes()


def _root_strings(metadata: bytes) -> Callable[[str], str]:
    if metadata[4:8] != METADATA_IDENTIFIER:
        raise ValueError(f"identifier {metadata[4:8]!r}")
    root = Table(metadata, encode.Get(packer.uoffset, metadata, 0))

    def read(field_name: str) -> str:
        # A vtable starts with two 16-bit sizes, followed by the offsets of the fields; 0 marks an absent field.
        offset = root.Offset(4 + 2 * MODEL_METADATA.index(field_name))
        return str(root.String(root.Pos + offset).decode()) if offset else ""

    return read
