"""HEIC and AVIF files written box by box around coded images, as phones write them and as no encoder here does."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from image_files import box
from PIL import Image

from mmnet.arrays import AnyArray, U8Array

ALPHA = b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"
DEPTH = b"urn:mpeg:mpegB:cicp:systems:auxiliary:depth\0"
Property = bytes  # a box
_ESSENTIAL = (b"irot", b"imir", b"clap", b"hvcC", b"av1C")


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def rotation(quarter_turns: int) -> Property:
    """Counter-clockwise."""
    return box(b"irot", bytes([quarter_turns]))


def mirroring(axis: int) -> Property:
    """0: top and bottom are exchanged; 1: left and right."""
    return box(b"imir", bytes([axis]))


def codes(primaries: int, transfer: int, matrix: int = 0) -> Property:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, transfer, matrix, 0x80))


def icc(profile: bytes) -> Property:
    return box(b"colr", b"prof", profile)


def aperture(width: int, height: int, right: int = 0, down: int = 0) -> Property:
    """The part that is shown: its size, and by how much its centre is moved."""
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, right, 1, down, 1))


@dataclass
class Item:
    """One image: coded, or a grid of tiles."""

    kind: bytes
    data: bytes
    width: int
    height: int
    properties: list[Property] = field(default_factory=list)
    tiles: Sequence[Item] = ()
    auxiliary: dict[bytes, Item] = field(default_factory=dict)
    premultiplied: bool = False
    hidden: bool = False


def coded(pixels: AnyArray, kind: str, **options: Any) -> Item:
    """An item of uint8 [H, W] or [H, W, 3], without loss of more than a few levels.

    Args:
        kind: "HEIC" or "AVIF".
    """
    return taken_out(encoded(pixels, kind, **options), pixels.shape[1], pixels.shape[0])


def encoded(pixels: AnyArray, kind: str, **options: Any) -> bytes:
    """A file of one image, as an encoder writes it; arguments as those of `coded`."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    if kind == "HEIC":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, quality=95, chroma=444, **options)
    else:
        image.save(buffer, "AVIF", quality=95, subsampling="4:4:4", **options)
    return buffer.getvalue()


def taken_out(data: bytes, width: int, height: int) -> Item:
    """The primary item of a file of one image, with the configuration of its decoder."""
    start, end = _find(data, b"meta", b"iprp", b"ipco")
    inner = {kind: data[at - 8 : stop] for kind, at, stop in _boxes(data, start, end)}
    kind = b"hvc1" if b"hvcC" in inner else b"av01"
    body, stop = _find(data, b"mdat")
    return Item(kind, data[body:stop], width, height, [inner.get(b"hvcC") or inner[b"av1C"]])


def grid(pixels: U8Array, kind: str, tile: int = 64) -> Item:
    """A grid of square tiles, which reach beyond the image at its right and lower edge."""
    height, width = pixels.shape[:2]
    rows, columns = -(-height // tile), -(-width // tile)
    padded = np.pad(pixels, ((0, rows * tile - height), (0, columns * tile - width), (0, 0)), mode="edge")
    tiles = [
        coded(padded[row * tile :, column * tile :][:tile, :tile].copy(), kind)
        for row in range(rows)
        for column in range(columns)
    ]
    for one in tiles:
        one.hidden = True
    return Item(b"grid", struct.pack(">BBBBHH", 0, 0, rows - 1, columns - 1, width, height), width, height, [], tiles)


def heif_file(*images: Item, primary: int = 0, exif: bytes = b"", brand: bytes = b"") -> bytes:
    """A file of images; the EXIF block is that of the primary one."""
    items: list[tuple[int, bytes, bytes, list[Property], bool]] = []
    references: list[bytes] = []

    def add(item: Item) -> int:
        parts = [add(tile) for tile in item.tiles]
        number = len(items) + 1
        size = full_box(b"ispe", 0, 0, struct.pack(">II", item.width, item.height))
        items.append((number, item.kind, item.data, [size, *item.properties], item.hidden))
        if parts:
            references.append(_reference(b"dimg", number, parts))
        for name, auxiliary in item.auxiliary.items():
            auxiliary.properties.append(full_box(b"auxC", 0, 0, name))
            other = add(auxiliary)
            references.append(_reference(b"auxl", other, [number]))
            if item.premultiplied:
                references.append(_reference(b"prem", number, [other]))
        return number

    numbers = [add(image) for image in images]
    if exif:
        items.append((len(items) + 1, b"Exif", bytes(4) + exif, [], True))
        references.append(_reference(b"cdsc", len(items), [numbers[primary]]))
    major = brand or (b"avif" if any(kind == b"av01" for _, kind, *_ in items) else b"heic")
    beginning = box(b"ftyp", major, bytes(4), b"mif1", major)
    length = len(_meta(items, references, numbers[primary], 0))
    meta = _meta(items, references, numbers[primary], len(beginning) + length + 8)
    return beginning + meta + box(b"mdat", *(data for _, _, data, _, _ in items))


def _meta(items: Sequence[Any], references: Sequence[bytes], primary: int, at: int) -> bytes:
    infos, places, known, associations = b"", b"", list[bytes](), b""
    for number, kind, data, properties, hidden in items:
        infos += full_box(b"infe", 2, int(hidden), struct.pack(">HH4s", number, 0, kind), b"\0")
        places += struct.pack(">HHHII", number, 0, 1, at, len(data))
        at += len(data)
        if properties:
            indices = bytes(
                place | (0x80 if one[4:8] in _ESSENTIAL else 0) for place, one in enumerate(properties, len(known) + 1)
            )
            known += properties
            associations += struct.pack(">HB", number, len(indices)) + indices
    associated = sum(bool(item[3]) for item in items)
    return full_box(
        b"meta", 0, 0,
        full_box(b"hdlr", 0, 0, struct.pack(">I4s12x", 0, b"pict") + b"\0"),
        full_box(b"pitm", 0, 0, struct.pack(">H", primary)),
        full_box(b"iloc", 0, 0, b"\x44\0", struct.pack(">H", len(items)), places),
        full_box(b"iinf", 0, 0, struct.pack(">H", len(items)), infos),
        full_box(b"iref", 0, 0, *references),
        box(b"iprp", box(b"ipco", *known), full_box(b"ipma", 0, 0, struct.pack(">I", associated), associations)),
    )  # fmt: skip


def _reference(kind: bytes, by: int, to: Sequence[int]) -> bytes:
    return box(kind, struct.pack(f">HH{len(to)}H", by, len(to), *to))


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    while at < end:
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, at + 8, at + (size or end - at)
        at += size or end - at


def _find(data: bytes, *path: bytes) -> tuple[int, int]:
    at, end = 0, len(data)
    for kind in path:
        at, end = next((start, stop) for found, start, stop in _boxes(data, at, end) if found == kind)
        at += 4 if kind == b"meta" else 0
    return at - (4 if path[-1] == b"meta" else 0), end
