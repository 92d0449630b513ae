"""TFLite metadata, which tells MediaPipe's ImageSegmenter and Android's tools what the tensors mean.

MediaPipe reads three things: how to normalize a float input (a uint8 input gets the pixels as they are), the colour
space, and which activation to apply to the output. MMNet already ends in a sigmoid, so the activation is NONE.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.export.flatbuffer import BUFFER_ALIGNMENT, read_tree, write_tree
from mmnet.json_reader import parse_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.contents import Tensor, read_graph
from mmnet.runtime.tflite.metadata import (
    METADATA_BUFFER,
    METADATA_IDENTIFIER,
    MODEL_METADATA,
    RECIPE_BUFFER,
    ModelMetadata,
)

# The fields of each table, in the order of their ids: metadata_schema.fbs 1.5.0 and
# image_segmenter_metadata_schema.fbs 1.0.0.
_FIELDS: dict[str, tuple[str, ...]] = {
    "ModelMetadata": MODEL_METADATA,
    "SubGraphMetadata": (
        "name",
        "description",
        "input_tensor_metadata",
        "output_tensor_metadata",
        "associated_files",
        "input_process_units",
        "output_process_units",
        "input_tensor_groups",
        "output_tensor_groups",
        "custom_metadata",
    ),
    "TensorMetadata": ("name", "description", "dimension_names", "content", "process_units", "stats"),
    "Content": ("content_properties_type", "content_properties"),
    "ImageProperties": ("color_space",),
    "ProcessUnit": ("options_type", "options"),
    "NormalizationOptions": ("mean", "std"),
    "Stats": ("max", "min"),
    "CustomMetadata": ("name", "data"),
    "ImageSegmenterOptions": ("activation", "min_parser_version"),
}
_METADATA_VERSION = "1.5.0"  # the first with custom_metadata
_IMAGE_PROPERTIES = 2  # in union ContentProperties
_NORMALIZATION_OPTIONS = 1  # in union ProcessUnitOptions
_RGB, _GRAYSCALE = 1, 2  # enum ColorSpaceType

_SEGMENTER_BUFFER = "SEGMENTER_METADATA"
_SEGMENTER_IDENTIFIER = b"V001"
_SEGMENTER_VERSION = "1.0.0"
_NO_ACTIVATION = 0  # enum Activation

# The values of black and white in the image, and of background and person in the alpha, by dtype.
_RANGES = {"float32": (0.0, 1.0), "uint8": (0.0, 255.0), "int8": (-128.0, 127.0), "int16": (0.0, 32767.0)}


def add_metadata(model: bytes, card: ModelMetadata) -> bytes:
    """Return the model with `card` as its TFLite metadata and `card.recipe` embedded, replacing older ones.

    Graph, weights, signatures and other metadata stay the same; weights are 16-byte aligned. The same model and card
    give the same bytes, and adding twice gives the same as adding once.

    Args:
        model: a .tflite with one input [1, H, W, 3], an RGB image, and one output [1, H, W, 1], its alpha
            matte; each float32, uint8, int8 or int16.
        card: the description to record.

    Raises:
        ModelError: not a .tflite, or its inputs and outputs are different.
        TypeError, ValueError: `card.recipe` is not JSON, or beyond what `mmnet.json_reader` reads back.
    """
    recipe = json.dumps(card.recipe, sort_keys=True, ensure_ascii=False, allow_nan=False)
    encoded = recipe.encode(errors="backslashreplace")
    parse_json(encoded)
    image, alpha = _image_and_alpha(model)
    metadata = _encode(_describe(card, image, alpha), METADATA_IDENTIFIER)
    return _with_buffers(model, {METADATA_BUFFER: metadata, RECIPE_BUFFER: encoded})


def _image_and_alpha(model: bytes) -> tuple[Tensor, Tensor]:
    graph = read_graph(model)
    channels = [tensor.shape[3:] for tensor in (*graph.inputs, *graph.outputs) if len(tensor.shape) == 4]
    if (len(graph.inputs), len(graph.outputs), channels) != (1, 1, [(3,), (1,)]):
        raise ModelError(
            "metadata describes one image [1, H, W, 3] and its matte [1, H, W, 1], but the model takes "
            f"{_shapes(graph.inputs)} and gives {_shapes(graph.outputs)}"
        )
    for tensor in (*graph.inputs, *graph.outputs):
        if tensor.dtype not in _RANGES:
            raise ModelError(f"{tensor.name} is {tensor.dtype}; metadata describes {', '.join(_RANGES)}")
    return graph.inputs[0], graph.outputs[0]


def _shapes(tensors: Sequence[Tensor]) -> str:
    return ", ".join(str(list(tensor.shape)) for tensor in tensors) or "nothing"


# --- the contents of the metadata


class _Table(NamedTuple):
    """A flatbuffer table to write: its kind in the schema, and its fields by name."""

    kind: str
    fields: Mapping[str, _Value]


_Value: TypeAlias = "str | bytes | int | Sequence[float] | Sequence[_Table] | _Table"


def _describe(card: ModelMetadata, image: Tensor, alpha: Tensor) -> _Table:
    activation = _Table(
        "ImageSegmenterOptions", {"activation": _NO_ACTIVATION, "min_parser_version": _SEGMENTER_VERSION}
    )
    subgraph = _Table(
        "SubGraphMetadata",
        {
            "input_tensor_metadata": [_describe_image(image)],
            "output_tensor_metadata": [_describe_alpha(alpha)],
            "custom_metadata": [
                _Table(
                    "CustomMetadata",
                    {"name": _SEGMENTER_BUFFER, "data": _encode(activation, _SEGMENTER_IDENTIFIER)},
                )
            ],
        },
    )
    return _Table(
        "ModelMetadata",
        {
            "name": card.name,
            "description": card.description,
            "version": card.version,
            "subgraph_metadata": [subgraph],
            "author": card.author,
            "license": card.licence,
            "min_parser_version": _METADATA_VERSION,
        },
    )


def _describe_image(tensor: Tensor) -> _Table:
    black, white = _RANGES[tensor.dtype]
    _, height, width, _ = tensor.shape
    description = f"RGB image, {width}x{height}, from {black:g} (black) to {white:g} (white)."
    normalization = _Table("NormalizationOptions", {"mean": [0.0], "std": [255.0]})
    unit = _Table("ProcessUnit", {"options_type": _NORMALIZATION_OPTIONS, "options": normalization})
    # The scale of a quantized input is its normalization.
    units = {"process_units": [unit]} if tensor.dtype == "float32" else {}
    return _describe_tensor(tensor, "image", description, _RGB, units)


def _describe_alpha(tensor: Tensor) -> _Table:
    background, person = _RANGES[tensor.dtype]
    description = f"Alpha matte, from {background:g} (background) to {person:g} (person)."
    return _describe_tensor(tensor, "alpha", description, _GRAYSCALE, {})


def _describe_tensor(
    tensor: Tensor, name: str, description: str, color_space: int, more: Mapping[str, _Value]
) -> _Table:
    low, high = _RANGES[tensor.dtype]
    image = _Table("ImageProperties", {"color_space": color_space})
    return _Table(
        "TensorMetadata",
        {
            "name": name,
            "description": description,
            "content": _Table("Content", {"content_properties_type": _IMAGE_PROPERTIES, "content_properties": image}),
            "stats": _Table("Stats", {"max": [high], "min": [low]}),
            **more,
        },
    )


# --- its serialization


def _encode(root: _Table, identifier: bytes) -> bytes:
    builder = flatbuffers.Builder()
    builder.Finish(_write_table(builder, root), identifier)
    return bytes(builder.Output())


def _write_table(builder: Any, table: _Table) -> int:
    ids = _FIELDS[table.kind]
    # A flatbuffer is written back to front: a table comes after everything that it points to.
    slots = {
        ids.index(name): value if isinstance(value, int) else _write_value(builder, value)
        for name, value in table.fields.items()
    }
    builder.StartObject(len(ids))
    for name, value in table.fields.items():
        field_id = ids.index(name)
        if isinstance(value, int):
            builder.PrependUint8(value)
            builder.Slot(field_id)
        else:
            builder.PrependUOffsetTRelativeSlot(field_id, slots[field_id], 0)
    return int(builder.EndObject())


def _write_value(builder: Any, value: str | bytes | Sequence[float] | Sequence[_Table] | _Table) -> int:
    if isinstance(value, _Table):
        return _write_table(builder, value)
    if isinstance(value, str):
        return int(builder.CreateString(value))
    if isinstance(value, bytes):
        builder.Prep(BUFFER_ALIGNMENT, len(value))
        return int(builder.CreateByteVector(value))
    items = [_write_table(builder, item) if isinstance(item, _Table) else item for item in value]
    tables = any(isinstance(item, _Table) for item in value)
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        (builder.PrependUOffsetTRelative if tables else builder.PrependFloat32)(item)
    return int(builder.EndVector())


def _with_buffers(model: bytes, contents: Mapping[str, bytes]) -> bytes:
    tree = read_tree(model)
    tree.metadata = tree.metadata or []
    entries = {entry.name: entry for entry in tree.metadata}
    for name, content in contents.items():
        buffer = schema.BufferT(data=np.frombuffer(content, np.uint8))
        if entry := entries.get(name.encode()):
            tree.buffers[entry.buffer] = buffer
        else:
            tree.metadata.append(schema.MetadataT(name=name, buffer=len(tree.buffers)))
            tree.buffers.append(buffer)
    return write_tree(tree)
