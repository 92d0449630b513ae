"""JPEG XL files with headers that no encoder here writes: the frame of a coded image behind a header of our own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmnet.arrays import U8Array

Bits = Sequence[tuple[int, int]]  # (value, number of bits), the lowest bit first

SRGB: Bits = [(1, 1)]
DISPLAY_P3: Bits = [(0, 1), (0, 1), (0, 2), (1, 2), (2, 2), (9, 4), (0, 1), (2, 2), (11, 4), (0, 2)]
PQ: Bits = [(0, 1), (0, 1), (0, 2), (1, 2), (1, 2), (0, 1), (2, 2), (14, 4), (0, 2)]
GAMMA_18: Bits = [(0, 1), (0, 1), (0, 2), (1, 2), (1, 2), (1, 1), (round(1e7 / 1.8), 24), (0, 2)]


def packed(bits: Bits) -> bytes:
    value = at = 0
    for number, count in bits:
        value |= number << at
        at += count
    return value.to_bytes(-(-at // 8), "little")


def jxl_file(
    pixels: U8Array,
    *,
    orientation: int = 1,
    colours: Bits = SRGB,
    animated: bool = False,
    premultiplied: bool = False,
    size: tuple[int, int] | None = None,
) -> bytes:
    """A lossless codestream of uint8 [H, W, 3] or [H, W, 4].

    Args:
        orientation: as EXIF counts it.
        size: width and height that the header declares.
    """
    import pylibjxl

    frame = _frame(pylibjxl.encode(np.ascontiguousarray(pixels), lossless=True))
    width, height = size or (pixels.shape[1], pixels.shape[0])
    alpha: Bits = [(0, 2)] if pixels.shape[2] == 3 else [(1, 2), (1, 1)]
    if premultiplied:
        alpha = [(1, 2), (0, 1), (0, 2), (0, 1), (0, 2), (0, 2), (0, 2), (1, 1)]
    header: Bits = [
        (0, 1), (3, 2), (height - 1, 30), (0, 3), (3, 2), (width - 1, 30),
        (0, 1), (1, 1), (orientation - 1, 3), (0, 1), (0, 1), (int(animated), 1),
        (0, 1), (0, 2), (1, 1), *alpha, (0, 1), *colours, (1, 1), (0, 2), (1, 1),
    ]  # fmt: skip
    return b"\xff\x0a" + packed(header) + frame


def _frame(data: bytes) -> bytes:
    """What follows the header in a file of `pylibjxl.encode`: lossless, 8 bits, in sRGB."""
    stream = data[data.index(b"\xff\x0a", 12) if data[4:8] == b"JXL " else 0 :]
    value, at = int.from_bytes(stream[2:64], "little"), 0

    def take(count: int) -> int:
        nonlocal at
        at += count
        return value >> (at - count) & ((1 << count) - 1)

    small = take(1)

    def skip_side() -> None:
        take(5 if small else (9, 13, 18, 30)[take(2)])

    skip_side()
    if not take(3):
        skip_side()
    assert not take(1), "not all of the metadata is left out"
    assert not take(1), "there are no extra fields"
    assert take(3) == 0, "8 bits"
    take(1)
    channels = take(2)
    assert channels in (0, 1)
    if channels:
        assert take(1), "an ordinary alpha"
    assert not take(1), "lossless"
    assert take(1), "sRGB"
    take(3)
    return stream[2 + -(-at // 8) :]
