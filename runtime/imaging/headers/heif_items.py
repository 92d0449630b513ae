"""The items of a HEIC or AVIF file: images, tiles, grids, thumbnails, and what is declared of each of them."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from mmnet.runtime.imaging.headers.boxes import MOST_BOXES, boxes, find

CODECS = {b"hvc1": "HEIC", b"av01": "AVIF"}
_DERIVED = (b"grid", b"iden", b"iovl")  # items that are made of others
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:avc:2015:auxid:1")
_HIDDEN = 1  # flag of an item
_MOST_DERIVATIONS = 8
_IN_FILE, _IN_META = 0, 1  # where the bytes of an item are: anywhere in the file, or in the box of the items


@dataclass
class Items:
    """The items of a file.

    Attributes:
        primary: the number of the primary item.
        kinds: number -> kind.
        hidden: the numbers of items that are not shown by themselves.
        properties: number -> (kind, body) of its properties, in their order.
        references: (kind, from, to), for example (b"thmb", thumbnail, image).
        places: number -> the beginnings and ends of the parts of its bytes in the file.
    """

    primary: int
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    properties: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    references: list[tuple[bytes, int, int]] = field(default_factory=list)
    places: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def of(self, item: int, kind: bytes) -> bytes:
        """Return the body of the first property of a kind; empty if there is none."""
        return next((body for name, body in self.properties.get(item, ()) if name == kind), b"")

    def size(self, item: int) -> tuple[int, int]:
        """Return the declared width and height of an item.

        Raises:
            IndexError, struct.error: it declares none.
        """
        width, height = struct.unpack_from(">II", self.of(item, b"ispe"), 4)
        if not (width and height):
            raise IndexError("an image of no size")
        return int(width), int(height)

    def parts(self, item: int) -> list[int]:
        """Return the items that an item is made of; empty for a coded one."""
        return [to for kind, by, to in self.references if kind == b"dimg" and by == item]

    def alpha_of(self, item: int) -> int | None:
        """Return the item that holds the alpha of an image."""
        for kind, by, to in self.references:
            if kind == b"auxl" and to == item and self.of(by, b"auxC")[4:].split(b"\0")[0] in _ALPHA:
                return by
        return None

    def coded(self) -> int:
        """Return the first coded item that the primary one is made of: itself, or a tile."""
        item = self.primary
        for _ in range(_MOST_DERIVATIONS):
            if self.kinds.get(item) not in _DERIVED:
                break
            item = next(iter(self.parts(item)))
        return item

    def images(self) -> int:
        """Return the number of images that a viewer shows."""
        within = {to for kind, _, to in self.references if kind == b"dimg"}
        beside = {by for kind, by, _ in self.references if kind in (b"thmb", b"auxl")}
        shown = {item for item, kind in self.kinds.items() if kind in CODECS or kind in _DERIVED}
        return len(shown - within - beside - self.hidden)


def read_items(data: bytes) -> Items:
    """Read the items of a file.

    Raises:
        struct.error, IndexError: the file is cut short.
    """
    start, end = find(data, b"meta")
    start += 4
    at, _ = find(data, b"pitm", start, end)
    items = Items(_number(data, at + 4, 4 if data[at] else 2))
    at, stop = find(data, b"iinf", start, end)
    for kind, body, _ in boxes(data, at + (8 if data[at] else 6), stop):
        if kind == b"infe" and data[body] >= 2:
            wide = 4 if data[body] >= 3 else 2
            number = _number(data, body + 4, wide)
            items.kinds[number] = data[body + 6 + wide : body + 10 + wide]
            if data[body + 3] & _HIDDEN:
                items.hidden.add(number)
    _read_properties(data, *find(data, b"iprp", start, end), items)
    _read_places(data, start, end, items)
    for kind, body, stop in boxes(data, start, end):
        if kind == b"iref":
            _read_references(data, body, stop, items)
    return items


def _read_properties(data: bytes, start: int, end: int, items: Items) -> None:
    known = [(kind, data[at:stop]) for kind, at, stop in boxes(data, *find(data, b"ipco", start, end))]
    for kind, at, stop in boxes(data, start, end):
        if kind != b"ipma":
            continue
        wide_item, wide_index = (4 if data[at] else 2), (2 if data[at + 3] & 1 else 1)
        mask = 0x7FFF if wide_index == 2 else 0x7F
        (count,) = struct.unpack_from(">I", data, at + 4)
        place = at + 8
        for _ in range(count):
            if place >= stop:
                raise IndexError("associations are cut short")
            number = _number(data, place, wide_item)
            place += wide_item + 1
            for _ in range(data[place - 1]):
                index = _number(data, place, wide_index) & mask
                place += wide_index
                if index:
                    items.properties.setdefault(number, []).append(known[index - 1])


def _read_places(data: bytes, start: int, end: int, items: Items) -> None:
    """Read where the bytes of the items are (ISO/IEC 14496-12, 8.11.3)."""
    at, _ = find(data, b"iloc", start, end)
    version = data[at]
    wide_offset, wide_length, wide_base, wide_index = data[at + 4] >> 4, data[at + 4] & 15, data[at + 5] >> 4, 0
    if version:
        wide_index = data[at + 5] & 15
    wide_item = 4 if version == 2 else 2
    count = _number(data, at + 6, wide_item)
    at += 6 + wide_item
    for _ in range(min(count, MOST_BOXES)):
        number, method = _number(data, at, wide_item), _IN_FILE
        at += wide_item
        if version:
            method = data[at + 1] & 15
            at += 2
        base = _number(data, at + 2, wide_base) + (find(data, b"idat", start, end)[0] if method == _IN_META else 0)
        extents = _number(data, at + 2 + wide_base, 2)
        at += 4 + wide_base
        for _ in range(extents):
            begin = base + _number(data, at + wide_index, wide_offset)
            length = _number(data, at + wide_index + wide_offset, wide_length) or len(data)  # 0: up to the end
            at += wide_index + wide_offset + wide_length
            if method in (_IN_FILE, _IN_META):
                items.places.setdefault(number, []).append((begin, begin + length))


def _read_references(data: bytes, start: int, end: int, items: Items) -> None:
    wide = 4 if data[start] else 2
    for kind, at, stop in boxes(data, start + 4, end):
        by, (count,) = _number(data, at, wide), struct.unpack_from(">H", data, at + wide)
        places = range(at + wide + 2, min(stop, at + wide + 2 + count * wide), wide)
        items.references += [(kind, by, _number(data, place, wide)) for place in places]


def _number(data: bytes, at: int, wide: int) -> int:
    """Return a number of 0 to 8 bytes, the highest first."""
    if at + wide > len(data):
        raise IndexError("a number is cut short")
    return int.from_bytes(data[at : at + wide], "big")
