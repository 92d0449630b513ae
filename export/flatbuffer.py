"""The tree of a .tflite, to change and to write back."""

from __future__ import annotations

from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from mmnet.runtime.tflite.file import IDENTIFIER

# schema.fbs says `data:[ubyte] (force_align: 16)` of weights, metadata_schema.fbs of custom metadata.
BUFFER_ALIGNMENT = 16


def read_tree(model: bytes) -> Any:
    """The model as LiteRT's object API has it, a `schema.ModelT`."""
    return schema.ModelT.InitFromPackedBuf(model)


def write_tree(tree: Any) -> bytes:
    """The inverse of `read_tree`: the same tree gives the same bytes. The tree is used up."""
    tree.buffers = [_AlignedBuffer(buffer) for buffer in tree.buffers]
    builder = flatbuffers.Builder()
    builder.Finish(tree.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _AlignedBuffer:
    """A buffer that keeps its alignment, of which Python's object API does not know."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the object API's name)
        builder.Prep(BUFFER_ALIGNMENT, 0 if self._buffer.data is None else len(self._buffer.data))
        return int(self._buffer.Pack(builder))
