"""The header of a HEIC or AVIF file (HEIF, ISO/IEC 23008-12): which of its images is the photo, and what it declares.

Such a file holds items: tiles, the grid that joins them, thumbnails, depth maps, gain maps, EXIF. One of the items is
the primary image. It is the photo, and the others are ignored. A sequence of images, such as a burst in one file or an
animation, is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.headers.boxes import boxes, find
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency, Turn

_SEQUENCES = {b"hevc": "HEIC", b"hevx": "HEIC", b"hevm": "HEIC", b"hevs": "HEIC", b"msf1": "HEIC", b"avis": "AVIF"}
_CODECS = {b"hvc1": "HEIC", b"av01": "AVIF"}
_DERIVED = (b"grid", b"iden", b"iovl")  # items that are made of others
_ALPHA = (b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1", b"urn:mpeg:avc:2015:auxid:1")
_HIDDEN = 1  # flag of an item
_MOST_DERIVATIONS = 8
# Codes of ITU-T H.273 that mean sRGB in a photo: nothing said, and those of ordinary video, which players show as sRGB.
_SRGB_PRIMARIES, _SRGB_TRANSFERS = (1, 2, 5, 6, 7), (1, 2, 6, 14, 15)


@dataclass
class _Items:
    """The items of a file.

    Attributes:
        primary: the number of the primary item.
        kinds: number -> kind.
        hidden: the numbers of items that are not shown by themselves.
        properties: number -> (kind, body) of its properties, in their order.
        references: (kind, from, to), for example (b"thmb", thumbnail, image).
    """

    primary: int
    kinds: dict[int, bytes] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    properties: dict[int, list[tuple[bytes, bytes]]] = field(default_factory=dict)
    references: list[tuple[bytes, int, int]] = field(default_factory=list)

    def of(self, item: int, kind: bytes) -> bytes:
        """Return the body of the first property of a kind; empty if there is none."""
        return next((body for name, body in self.properties.get(item, ()) if name == kind), b"")

    def coded(self) -> int:
        """Return the first coded item that the primary one is made of: itself, or a tile."""
        item = self.primary
        for _ in range(_MOST_DERIVATIONS):
            if self.kinds.get(item) not in _DERIVED:
                break
            item = next(to for kind, by, to in self.references if kind == b"dimg" and by == item)
        return item

    def images(self) -> int:
        """Return the number of images that a viewer shows."""
        within = {to for kind, _, to in self.references if kind == b"dimg"}
        beside = {by for kind, by, _ in self.references if kind in (b"thmb", b"auxl")}
        shown = {item for item, kind in self.kinds.items() if kind in _CODECS or kind in _DERIVED}
        return len(shown - within - beside - self.hidden)


def read_header(data: bytes) -> Header:
    """Read the header of a HEIC or AVIF file: that of its primary image.

    Raises:
        HeaderError: it is a sequence, or coded in another way.
        struct.error, IndexError: the file is cut short.
    """
    brand = data[8:12]
    if brand in _SEQUENCES:
        raise HeaderError(
            f"is a sequence of {_SEQUENCES[brand]} images; save the image that you mean as a photo, or all of them as "
            "a video"
        )
    try:
        items = _read_items(data)
        coded = items.coded()
    except StopIteration:
        raise IndexError("a grid without tiles") from None
    codec = items.kinds.get(coded, b"")
    if not codec:
        raise IndexError("no primary image")
    if codec not in _CODECS:
        name = codec.decode("latin-1").strip()
        raise HeaderError(f"is a HEIF image coded as {name if name.isalnum() else '?'}; save it as JPEG or PNG")
    width, height = struct.unpack_from(">II", items.of(items.primary, b"ispe"), 4)
    transparency = _transparency(items)
    if codec == b"av01" and transparency is Transparency.PREMULTIPLIED:
        transparency = Transparency.STRAIGHT  # libavif divides the colours by their alpha
    grey = _channels(items, coded) == 1
    return Header(
        _CODECS[codec],
        width,
        height,
        channels=(1 if grey else 3) + (transparency is not Transparency.NONE),
        bits=16 if _depth(items, coded) > 8 else 8,
        transparency=transparency,
        colours=_colours(items, coded),
        depth=_depth(items, coded),
        turns=tuple(_turns(items, width, height)),
        images=items.images(),
    )


def _read_items(data: bytes) -> _Items:
    start, end = find(data, b"meta")
    start += 4
    at, _ = find(data, b"pitm", start, end)
    items = _Items(_number(data, at + 4, 4 if data[at] else 2))
    at, stop = find(data, b"iinf", start, end)
    for kind, body, _ in boxes(data, at + (8 if data[at] else 6), stop):
        if kind == b"infe" and data[body] >= 2:
            wide = 4 if data[body] >= 3 else 2
            number = _number(data, body + 4, wide)
            items.kinds[number] = data[body + 6 + wide : body + 10 + wide]
            if data[body + 3] & _HIDDEN:
                items.hidden.add(number)
    _read_properties(data, *find(data, b"iprp", start, end), items)
    for kind, body, stop in boxes(data, start, end):
        if kind == b"iref":
            _read_references(data, body, stop, items)
    return items


def _read_properties(data: bytes, start: int, end: int, items: _Items) -> None:
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


def _read_references(data: bytes, start: int, end: int, items: _Items) -> None:
    wide = 4 if data[start] else 2
    for kind, at, stop in boxes(data, start + 4, end):
        by, (count,) = _number(data, at, wide), struct.unpack_from(">H", data, at + wide)
        places = range(at + wide + 2, min(stop, at + wide + 2 + count * wide), wide)
        items.references += [(kind, by, _number(data, place, wide)) for place in places]


def _transparency(items: _Items) -> Transparency:
    """Return how the primary image, or its first tile, declares transparency."""
    for kind, by, to in items.references:
        if kind == b"auxl" and to in (items.primary, items.coded()):
            name = items.of(by, b"auxC")[4:].split(b"\0")[0]
            if name in _ALPHA:
                premultiplied = (b"prem", to, by) in items.references
                return Transparency.PREMULTIPLIED if premultiplied else Transparency.STRAIGHT
    return Transparency.NONE


def _channels(items: _Items, coded: int) -> int:
    body = items.of(items.primary, b"pixi") or items.of(coded, b"pixi")
    return body[4] if body else 3


def _depth(items: _Items, coded: int) -> int:
    """Return the bits per sample, by the configuration of the decoder or by what the image declares."""
    av1, hevc = items.of(coded, b"av1C"), items.of(coded, b"hvcC")
    if len(av1) > 2:
        return (12 if av1[2] & 0x20 else 10) if av1[2] & 0x40 else 8
    if len(hevc) > 17:
        return 8 + (hevc[17] & 7)
    body = items.of(items.primary, b"pixi")
    return body[5] if len(body) > 5 else 8


def _colours(items: _Items, coded: int) -> DeclaredColours:
    """Return the colours of the primary image, or else of its first tile; an ICC profile comes before codes."""
    for item in (items.primary, coded):
        found = [body for kind, body in items.properties.get(item, ()) if kind == b"colr"]
        for body in found:
            if body[:4] in (b"prof", b"rICC"):
                return DeclaredColours(icc=body[4:])
        for body in found:
            if body[:4] == b"nclx":
                primaries, transfer = struct.unpack_from(">HH", body, 4)
                primaries = 1 if primaries in _SRGB_PRIMARIES else primaries
                transfer = 13 if transfer in _SRGB_TRANSFERS else transfer
                if (primaries, transfer) == (1, 13):
                    return DeclaredColours(is_srgb=True)
                return DeclaredColours(codes=(primaries, transfer, 0, 1))  # the decoder gives RGB of full range
    return DeclaredColours()


def _turns(items: _Items, width: int, height: int) -> Iterator[Turn]:
    """Yield what makes the decoded image upright, in its order (6.5.9, 6.5.10, 6.5.12)."""
    for kind, body in items.properties.get(items.primary, ()):
        if kind == b"irot":
            yield "rotate", (body[0] & 3,)
            if body[0] & 1:
                width, height = height, width
        elif kind == b"imir":
            yield "mirror", (body[0] & 1,)
        elif kind == b"clap":
            yield "crop", _clean_aperture(body, width, height)


def _clean_aperture(body: bytes, width: int, height: int) -> tuple[int, ...]:
    """Return left, top, right and bottom of the part that is shown (ISO/IEC 14496-12, 12.1.4)."""
    w, w_by, h, h_by, x, x_by, y, y_by = struct.unpack_from(">IIIIiIiI", body)
    if not (w_by and h_by and x_by and y_by):
        raise IndexError("an aperture of nothing")
    shown_width, shown_height = w // w_by, h // h_by
    left, top = round((width - shown_width) / 2 + x / x_by), round((height - shown_height) / 2 + y / y_by)
    if not (0 <= left < left + shown_width <= width and 0 <= top < top + shown_height <= height):
        raise HeaderError("declares to be shown in part, but not which part; save it as JPEG or PNG")
    return left, top, left + shown_width, top + shown_height


def _number(data: bytes, at: int, wide: int) -> int:
    (number,) = struct.unpack_from(">I" if wide == 4 else ">H" if wide == 2 else ">B", data, at)
    return int(number)
