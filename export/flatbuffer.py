"""Reading a .tflite into a tree of objects that can be changed, and writing it back."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mmnet.runtime.tflite.file import IDENTIFIER

# Both schema.fbs (weights) and metadata_schema.fbs (custom metadata) say `data:[ubyte] (force_align: 16)`.
BUFFER_ALIGNMENT = 16


def read_tree(model: bytes) -> Any:
    """Return the model as a `schema.ModelT`, an object of LiteRT's object API."""
    return schema.ModelT.InitFromPackedBuf(model)


def write_tree(tree: Any) -> bytes:
    """Return the bytes of a .tflite, the inverse of `read_tree`; the tree must not be used afterwards.

    The same tree gives the same bytes. Vectors of the same numbers are stored once: of an 8-bit model, the zero points
    of all channels of all kernels and biases, eight bytes each, would be a fifth.
    """
    tree.buffers = [_AlignedBuffer(buffer) for buffer in tree.buffers]
    builder = _SharingBuilder()
    builder.Finish(tree.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """A builder that writes a vector of numbers once, however many tables refer to it."""

    def __init__(self) -> None:
        super().__init__()
        self._written: dict[tuple[np.dtype[Any], bytes], int] = {}

    def CreateNumpyVector(self, x: Any) -> int:  # noqa: N802 (the library's name)
        # Bytes are the contents of buffers, which have an alignment of their own.
        if x.dtype.itemsize == 1:
            return int(super().CreateNumpyVector(x))
        key = x.dtype, x.tobytes()
        if key not in self._written:
            self._written[key] = int(super().CreateNumpyVector(x))
        return self._written[key]


class _AlignedBuffer:
    """A buffer that keeps its alignment, which Python's object API ignores."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def Pack(self, builder: Any) -> int:  # noqa: N802 (the object API's name)
        builder.Prep(BUFFER_ALIGNMENT, 0 if self._buffer.data is None else len(self._buffer.data))
        return int(self._buffer.Pack(builder))
