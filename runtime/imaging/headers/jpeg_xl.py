"""The header of a JPEG XL (ISO/IEC 18181-1, annex D; the container, ISO/IEC 18181-2)."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.colours.spaces import Chromaticities
from mmnet.runtime.imaging.headers.boxes import boxes
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency

CODESTREAM = b"\xff\x0a"
_HEADER_BYTES = 1 << 14
# Ratio -> width and height (D.2).
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_GREY, _XYB, _ALPHA, _SPOT, _CFA = 1, 2, 0, 2, 5  # colour spaces, and kinds of extra channels
_D65, _CUSTOM = 1, 2  # white points; custom ones and custom primaries have the same code
_WHITES = {10: (1 / 3, 1 / 3), 11: (0.314, 0.351)}
_DCI_TRANSFER, _UNKNOWN = 17, 2

# The four ways in which a number is written: (bits, added to them).
Ways = tuple[tuple[int, int], tuple[int, int], tuple[int, int], tuple[int, int]]
_SIZE: Ways = ((9, 1), (13, 1), (18, 1), (30, 1))
_ENUM: Ways = ((0, 0), (0, 1), (4, 2), (6, 18))
_XY: Ways = ((19, 0), (19, 524288), (20, 1048576), (21, 2097152))


@dataclass
class _Bits:
    """The bits of a codestream, the lowest of each byte first (B.2)."""

    value: int
    left: int

    def take(self, count: int) -> int:
        if count > self.left:
            raise IndexError("the header is cut short")
        taken = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return taken

    def number(self, ways: Ways) -> int:
        bits, added = ways[self.take(2)]
        return self.take(bits) + added


def read_header(data: bytes) -> Header:
    """Read the header of a JPEG XL.

    Raises:
        HeaderError: it is an animation.
        struct.error, IndexError: the file is cut short.
    """
    stream = _codestream(data)[len(CODESTREAM) : _HEADER_BYTES]
    bits = _Bits(int.from_bytes(stream, "little"), 8 * len(stream))
    width, height = _size(bits)
    if bits.take(1):
        return Header("JPEG XL", width, height)
    if bits.take(1):
        _read_extra_fields(bits)
    depth = _depth(bits)
    bits.take(1)
    channels = bits.number(((0, 0), (0, 1), (4, 2), (12, 1)))
    kinds = [_extra_channel(bits) for _ in range(channels)]
    is_xyb = bool(bits.take(1))
    grey, colours = _colours(bits, is_xyb)
    transparency = next((kind for kind in kinds if kind is not Transparency.NONE), Transparency.NONE)
    return Header(
        "JPEG XL",
        width,
        height,
        channels=(1 if grey else 3) + (transparency is not Transparency.NONE),
        transparency=transparency,
        colours=colours,
        depth=depth,
    )


def _codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream, which a container may hold in several parts."""
    if data.startswith(CODESTREAM):
        return data
    found = b""
    for kind, at, end in boxes(data):
        if kind == b"jxlc":
            return data[at : min(end, at + _HEADER_BYTES)]
        if kind == b"jxlp":
            found += data[at + 4 : min(end, at + 4 + _HEADER_BYTES)]
            if len(found) >= _HEADER_BYTES:
                break
    if not found.startswith(CODESTREAM):
        raise IndexError("no codestream")
    return found


def _size(bits: _Bits) -> tuple[int, int]:
    """Read a `SizeHeader` (D.2)."""
    small = bits.take(1)

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.number(_SIZE)

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    across, down = _RATIOS[ratio]
    return height * across // down, height


def _read_extra_fields(bits: _Bits) -> None:
    """Read the orientation, which the decoder applies, the size for layouts, the preview; refuse an animation."""
    bits.take(3)
    if bits.take(1):
        _size(bits)
    if bits.take(1):
        _read_preview(bits)
    if bits.take(1):
        raise HeaderError("is an animated JPEG XL; save the frame that you mean as a photo, or all of them as a video")


def _read_preview(bits: _Bits) -> None:
    ways: Ways = ((0, 16), (0, 32), (5, 1), (9, 33)) if bits.take(1) else ((6, 1), (8, 65), (10, 321), (12, 1345))
    bits.number(ways)
    if not bits.take(3):
        bits.number(ways)


def _depth(bits: _Bits) -> int:
    if not bits.take(1):
        return bits.number(((0, 8), (0, 10), (0, 12), (6, 1)))
    depth = bits.number(((0, 32), (0, 16), (0, 24), (6, 1)))
    bits.take(4)
    return depth


def _extra_channel(bits: _Bits) -> Transparency:
    """Read an `ExtraChannelInfo` (D.3.6), and return the transparency that it declares."""
    if bits.take(1):
        return Transparency.STRAIGHT
    kind = bits.number(_ENUM)
    _depth(bits)
    bits.number(((0, 0), (0, 3), (0, 4), (3, 1)))
    bits.take(8 * bits.number(((0, 0), (4, 0), (5, 16), (10, 48))))
    if kind == _ALPHA:
        return Transparency.PREMULTIPLIED if bits.take(1) else Transparency.STRAIGHT
    if kind == _SPOT:
        bits.take(4 * 16)
    elif kind == _CFA:
        bits.number(((0, 1), (2, 0), (4, 3), (8, 19)))
    return Transparency.NONE


def _colours(bits: _Bits, is_xyb: bool) -> tuple[bool, DeclaredColours]:
    """Read a `ColourEncoding` (D.3.5), and return whether the image is grey, and its colours.

    An ICC profile is compressed: the decoder gives it.
    """
    if bits.take(1):
        return False, DeclaredColours(is_srgb=True)
    has_profile, space = bits.take(1), bits.number(_ENUM)
    if has_profile:
        if is_xyb:
            raise HeaderError(
                "is a JPEG XL with a colour profile that its decoder does not apply; convert it to sRGB and save it "
                "again"
            )
        return space == _GREY, DeclaredColours()
    if space == _XYB:
        raise HeaderError("is a JPEG XL in XYB; save it in sRGB")
    white = bits.number(_ENUM)
    points: Chromaticities = _xy(bits) if white == _CUSTOM else _WHITES.get(white, ())
    primaries = 1 if space == _GREY else bits.number(_ENUM)
    if space != _GREY and primaries == _CUSTOM:
        points = (points or (0.3127, 0.3290)) + _xy(bits) + _xy(bits) + _xy(bits)
    gamma = bits.take(24) / 1e7 if bits.take(1) else None
    transfer = 13 if gamma is not None else bits.number(_ENUM)
    if len(points) == 2 or (points and gamma is None and transfer != 13) or transfer == _DCI_TRANSFER:
        raise HeaderError("is a JPEG XL with colours that are not read; save it in sRGB")
    if points or (gamma is not None and primaries == 1):
        return space == _GREY, DeclaredColours(gamma=gamma, chromaticities=points or None)
    if gamma is not None:
        raise HeaderError("is a JPEG XL with colours that are not read; save it in sRGB")
    primaries = {11: 12}.get(primaries, primaries)  # P3
    transfer = 13 if transfer in (1, _UNKNOWN) else transfer
    if (primaries, transfer) == (1, 13):
        return space == _GREY, DeclaredColours(is_srgb=True)
    return space == _GREY, DeclaredColours(codes=(primaries, transfer, 0, 1))


def _xy(bits: _Bits) -> tuple[float, float]:
    """Read a `Customxy`: two numbers in millionths, the sign in the lowest bit."""
    packed = bits.number(_XY), bits.number(_XY)
    x, y = ((number >> 1) ^ -(number & 1) for number in packed)
    return x / 1e6, y / 1e6
