"""Boxes: the parts of HEIC, AVIF and JPEG XL files (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MOST_BOXES = 20_000  # of one level; more are those of a damaged file


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Yield the kind of each box, and the beginning and the end of its body.

    Args:
        data: the file.
        start, end: the part of it that holds the boxes; None: up to the end of the file.

    Raises:
        struct.error, IndexError: a box is cut short.
    """
    end = len(data) if end is None else min(end, len(data))
    for _ in range(MOST_BOXES):
        if start + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        stop = end if size == 0 else start + size
        if stop < body:
            raise IndexError("a box ends before it begins")
        yield kind, body, min(stop, end)
        start = stop
    raise IndexError("too many boxes")


def find(data: bytes, kind: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Return the beginning and the end of the body of the first box of a kind.

    Raises:
        IndexError: there is none.
        struct.error: a box is cut short.
    """
    for found, body, stop in boxes(data, start, end):
        if found == kind:
            return body, stop
    raise IndexError(f"no box {kind!r}")
