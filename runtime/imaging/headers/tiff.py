"""The directories of a TIFF (TIFF 6.0, BigTIFF, DNG 1.7): which of its images is the photo, and what it declares."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mmnet.runtime.imaging.colours.declared import DeclaredColours
from mmnet.runtime.imaging.headers.facts import Header, HeaderError, Transparency

# Tags.
_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC = 254, 255, 256, 257, 258, 262
_SAMPLES, _SUB_DIRECTORIES, _EXTRA_SAMPLES, _ICC_PROFILE, _DNG_VERSION = 277, 330, 338, 34675, 50706
# Values of `_PHOTOMETRIC`.
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_SEPARATED, _RAW_SENSOR = 5, (32803, 34892)
_READ = (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR)
_ASSOCIATED, _UNASSOCIATED = 1, 2  # values of `_EXTRA_SAMPLES`
_REDUCED, _MASK = 1, 4  # bits of `_SUBFILE`
_OLD_REDUCED = 2  # value of `_OLD_SUBFILE`

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes of a value, by type
_FORMATS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}  # for `struct`
_MOST_DIRECTORIES = _MOST_FIELDS = 1000  # more are those of a damaged file


@dataclass(frozen=True)
class Directory:
    """One directory of a TIFF.

    Attributes:
        at: its position in the file.
        fields: tag -> (type, number of values, position of the first value).
    """

    data: bytes
    at: int
    fields: dict[int, tuple[int, int, int]]

    def numbers(self, tag: int, most: int = 64) -> list[int]:
        """Return the first integers of a field; none if it is missing, of another type, or beyond the file's end."""
        kind, count, at = self.fields.get(tag, (0, 0, 0))
        if kind not in _FORMATS:
            return []
        try:
            return list(struct.unpack_from(f"{_order(self.data)}{min(count, most)}{_FORMATS[kind]}", self.data, at))
        except struct.error:
            return []

    def number(self, tag: int, default: int = 0) -> int:
        """Return the first integer of a field; `default` if there is none."""
        return next(iter(self.numbers(tag, 1)), default)

    def block(self, tag: int) -> bytes:
        """Return the bytes of a field of bytes; none if it is missing."""
        kind, count, at = self.fields.get(tag, (0, 0, 0))
        return self.data[at : at + count] if _SIZES.get(kind) == 1 and count else b""

    @property
    def is_reduced(self) -> bool:
        """Whether it declares a smaller version of another image, or a mask."""
        flags = self.number(_SUBFILE)
        return bool(flags & (_REDUCED | _MASK)) or self.number(_OLD_SUBFILE) == _OLD_REDUCED


def read_header(data: bytes) -> Header:
    """Read the header of a TIFF, and choose its image: the only one that is not declared to be a reduced one.

    Raises:
        HeaderError: it is a camera's raw file, has several images or only a reduced one, or pixels that are not read.
    """
    listed = list(directories(data))
    if not listed:
        return Header("TIFF")
    below = [inner for directory in listed for inner in _sub_directories(directory)]
    everything = [*listed, *below]
    if any(one.fields.get(_DNG_VERSION) or one.number(_PHOTOMETRIC) in _RAW_SENSOR for one in everything):
        raise HeaderError("is a camera's raw file, which is not read; develop it to JPEG or TIFF")
    full = [directory for directory in listed if not directory.is_reduced]
    full = full or [directory for directory in below if not directory.is_reduced]
    if not full:
        raise HeaderError("is a TIFF with nothing but a reduced image (a thumbnail); export the image at its full size")
    if len(full) > 1:
        raise HeaderError(f"is a TIFF with {len(full)} images; save the one that you mean as a file of its own")
    return _header(full[0], None if full[0].at == listed[0].at else full[0].at)


def _header(directory: Directory, first: int | None) -> Header:
    photometric, samples = directory.number(_PHOTOMETRIC, _BLACK_IS_ZERO), directory.number(_SAMPLES, 1)
    if photometric == _SEPARATED:
        raise HeaderError("is a TIFF in CMYK, for printing; save it in RGB")
    if photometric not in _READ:
        raise HeaderError("is a TIFF in a colour space that is not read; save it in RGB")
    own = 3 if photometric in (_RGB, _YCBCR) else 1
    extra = directory.numbers(_EXTRA_SAMPLES)
    if samples > own + (own == 3):
        raise HeaderError(f"is a TIFF of {samples} channels; save it as grey, RGB or RGBA")
    declared = extra[0] if samples > own and extra else 0
    known = {_ASSOCIATED: Transparency.PREMULTIPLIED, _UNASSOCIATED: Transparency.STRAIGHT}
    transparency = known.get(declared, Transparency.NONE)
    deep = max(directory.numbers(_BITS), default=1) > 8
    if transparency is Transparency.STRAIGHT and not deep:
        transparency = Transparency.PREMULTIPLIED  # libtiff multiplies 8-bit colours by their alpha
    return Header(
        "TIFF",
        directory.number(_WIDTH),
        directory.number(_HEIGHT),
        channels=3 if photometric == _PALETTE else samples,
        bits=16 if deep else 8,
        transparency=transparency,
        white_is_zero=photometric == _WHITE_IS_ZERO and deep,
        colours=DeclaredColours(icc=directory.block(_ICC_PROFILE)),
        first=first,
    )


def starting_at(data: bytes, first: int) -> bytes:
    """Return a TIFF whose first directory is another one of its own."""
    changed = bytearray(data)
    at = 8 if _is_big(data) else 4
    struct.pack_into(_order(data) + ("Q" if _is_big(data) else "I"), changed, at, first)
    return bytes(changed)


def first_directory(data: bytes) -> Directory | None:
    """Return the first directory of a TIFF or of an EXIF block; None if there is none."""
    return next(directories(data), None)


def directory_at(data: bytes, at: int) -> Directory | None:
    """Return the directory at a position; None if there is none, as at 0."""
    try:
        return _directory(data, at)[0] if at else None
    except (struct.error, OverflowError):
        return None


def directories(data: bytes) -> Iterator[Directory]:
    """Yield the directories of the chain, as far as the data goes; a chain that comes back to itself ends."""
    seen: set[int] = set()
    order, big = _order(data), _is_big(data)
    if not order:
        return
    try:
        (at,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
        while at and at not in seen and len(seen) < _MOST_DIRECTORIES:
            seen.add(at)
            directory, at = _directory(data, at)
            yield directory
    except (struct.error, OverflowError):
        return


def _sub_directories(directory: Directory) -> Iterator[Directory]:
    for at in directory.numbers(_SUB_DIRECTORIES):
        inner = directory_at(directory.data, at)
        if inner is not None:
            yield inner


def _directory(data: bytes, at: int) -> tuple[Directory, int]:
    """Read the directory at a position, and the position of the next one; 0 if it is the last or cut short."""
    order, big = _order(data), _is_big(data)
    count_format, field_format, inline = ("Q", "HHQ", 8) if big else ("H", "HHI", 4)
    (count,) = struct.unpack_from(order + count_format, data, at)
    if count > _MOST_FIELDS:
        raise struct.error("a damaged directory")
    place = at + struct.calcsize(order + count_format)
    fields: dict[int, tuple[int, int, int]] = {}
    for _ in range(count):
        tag, kind, values = struct.unpack_from(order + field_format, data, place)
        value_at = place + struct.calcsize(order + field_format)
        if values * _SIZES.get(kind, 1) > inline:
            (value_at,) = struct.unpack_from(order + ("Q" if big else "I"), data, value_at)
        fields.setdefault(tag, (kind, values, value_at))
        place += struct.calcsize(order + field_format) + inline
    try:
        (following,) = struct.unpack_from(order + ("Q" if big else "I"), data, place)
    except struct.error:
        following = 0
    return Directory(data, at, fields), following


def _order(data: bytes) -> str:
    """Return the byte order of a TIFF header for `struct`; "" where there is no such header."""
    return {b"II": "<", b"MM": ">"}.get(data[:2], "")


def _is_big(data: bytes) -> bool:
    return data[2:4] in (b"+\0", b"\0+")
