"""The header of a HEIC or AVIF file (HEIF, ISO/IEC 23008-12): which of its images is the photo, and what it declares.

Such a file holds items: tiles, the grid that joins them, thumbnails, depth maps, gain maps, EXIF. One of the items is
the primary image. It is the photo, and the others are ignored. A sequence of images, such as a burst in one file or an
animation, is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency, Turn
from mmnet.runtime.imaging.headers.heif_items import CODECS, Items, read_items
from mmnet.runtime.imaging.headers.heif_sizes import check_sizes

_SEQUENCES = {b"hevc": "HEIC", b"hevx": "HEIC", b"hevm": "HEIC", b"hevs": "HEIC", b"msf1": "HEIC", b"avis": "AVIF"}
# Codes of ITU-T H.273 that mean sRGB in a photo: nothing said, and those of ordinary video, which players show as sRGB.
_SRGB_PRIMARIES, _SRGB_TRANSFERS = (1, 2, 5, 6, 7), (1, 2, 6, 14, 15)


def read_header(data: bytes) -> Header:
    """Read the header of a HEIC or AVIF file: that of its primary image.

    Raises:
        HeaderError: it is a sequence, is coded in another way, or declares another size than it is coded in.
        struct.error, IndexError: the file is cut short.
    """
    brand = data[8:12]
    if brand in _SEQUENCES:
        raise HeaderError(
            f"is a sequence of {_SEQUENCES[brand]} images; save the image that you mean as a photo, or all of them as "
            "a video"
        )
    try:
        items = read_items(data)
        coded = items.coded()
    except StopIteration:
        raise IndexError("a grid without tiles") from None
    codec = items.kinds.get(coded, b"")
    if not codec:
        raise IndexError("no primary image")
    if codec not in CODECS:
        name = codec.decode("latin-1").strip()
        raise HeaderError(f"is a HEIF image coded as {name if name.isalnum() else '?'}; save it as JPEG or PNG")
    check_sizes(data, items)
    width, height = items.size(items.primary)
    transparency = _transparency(items)
    if codec == b"av01" and transparency is Transparency.PREMULTIPLIED:
        transparency = Transparency.STRAIGHT  # libavif divides the colours by their alpha
    grey = _channels(items, coded) == 1
    return Header(
        CODECS[codec],
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


def _transparency(items: Items) -> Transparency:
    """Return how the primary image, or its first tile, declares transparency."""
    for item in (items.primary, items.coded()):
        alpha = items.alpha_of(item)
        if alpha is not None:
            premultiplied = (b"prem", item, alpha) in items.references
            return Transparency.PREMULTIPLIED if premultiplied else Transparency.STRAIGHT
    return Transparency.NONE


def _channels(items: Items, coded: int) -> int:
    body = items.of(items.primary, b"pixi") or items.of(coded, b"pixi")
    return body[4] if body else 3


def _depth(items: Items, coded: int) -> int:
    """Return the bits per sample, by the configuration of the decoder or by what the image declares."""
    av1, hevc = items.of(coded, b"av1C"), items.of(coded, b"hvcC")
    if len(av1) > 2:
        return (12 if av1[2] & 0x20 else 10) if av1[2] & 0x40 else 8
    if len(hevc) > 17:
        return 8 + (hevc[17] & 7)
    body = items.of(items.primary, b"pixi")
    return body[5] if len(body) > 5 else 8


def _colours(items: Items, coded: int) -> DeclaredColours:
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


def _turns(items: Items, width: int, height: int) -> Iterator[Turn]:
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
