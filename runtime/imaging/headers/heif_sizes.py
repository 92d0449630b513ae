"""The sizes in a HEIC or AVIF: those that it declares must be those that its images are coded in.

Decoders scale an image of another size, or put it into a corner, without a word. What is declared of thumbnails, depth
maps and other images that are not read has no effect.
"""

from __future__ import annotations

from collections.abc import Iterator

from mmnet.runtime.imaging.headers.facts import HeaderError
from mmnet.runtime.imaging.headers.heif_items import CODECS, Items

_BEGINNING = 1 << 14  # bytes of an AV1 image in which its sequence header is
_SEQUENCE_HEADER, _PARAMETER_SET = 1, 33  # the units of AV1 and of HEVC that say the size
_MOST_UNITS = 64
_HIGHEST_LEVEL_OF_ONE_TIER = 7
_SUBSAMPLED = {0: (1, 1), 1: (2, 2), 2: (2, 1), 3: (1, 1)}  # chroma_format_idc -> pixels per sample of chroma


def check_sizes(data: bytes, items: Items) -> None:
    """Raise if the photo, one of its tiles or its alpha is not of the size that is declared of it.

    Args:
        data: the whole file.
        items: its items.

    Raises:
        HeaderError: one is not.
        IndexError, struct.error: the file is cut short, or an image declares no size.
    """
    for image in (items.primary, *items.parts(items.primary)):
        alpha = items.alpha_of(image)
        if alpha is not None and items.size(alpha) != items.size(image):
            raise _contradiction("its alpha is", items.size(alpha), "and its colours are", items.size(image))
    known: dict[bytes, tuple[int, int] | None] = {}
    for item in _read_items(items):
        coded = _coded_size(data, items, item, known)
        if coded is not None and coded != items.size(item):
            raise _contradiction("an image in it is declared as", items.size(item), "and coded as", coded)


def _contradiction(first: str, one: tuple[int, int], second: str, other: tuple[int, int]) -> HeaderError:
    sizes = f"{first} {one[0]}×{one[1]} pixels, {second} {other[0]}×{other[1]}"
    return HeaderError(f"contradicts itself: {sizes}; save it as JPEG or PNG")


def _read_items(items: Items) -> Iterator[int]:
    """Yield the coded items that are read: the primary image or its tiles, and their alpha."""
    waiting, seen = [items.primary], set[int]()
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.add(item)
        alpha = items.alpha_of(item)
        waiting += [*items.parts(item), *([] if alpha is None else [alpha])]
        if items.kinds.get(item) in CODECS:
            yield item


def _coded_size(
    data: bytes, items: Items, item: int, known: dict[bytes, tuple[int, int] | None]
) -> tuple[int, int] | None:
    """Return the width and height that an item is coded in; None where its header does not say."""
    if items.kinds[item] == b"av01":
        beginning = b""
        for start, stop in items.places.get(item, ()):
            beginning += data[start : min(stop, start + _BEGINNING - len(beginning))]
        return _av1_size(beginning)
    configuration = items.of(item, b"hvcC")
    if configuration not in known:  # the tiles of a grid share it
        known[configuration] = _hevc_size(configuration)
    return known[configuration]


class _Bits:
    """The bits of a unit, the highest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise IndexError("a unit is cut short")
        return (self._value >> self._left) & ((1 << count) - 1)

    def golomb(self) -> int:
        """Read ue(v) of HEVC (9.2), which is uvlc() of AV1 (4.10.3), too."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


def _av1_size(data: bytes) -> tuple[int, int] | None:
    """Return the size of an image in AV1, by its sequence header (AV1 bitstream specification, 5.3 and 5.5)."""
    at = 0
    for _ in range(_MOST_UNITS):
        first = data[at]
        at += 2 if first & 4 else 1
        length = len(data) - at
        if first & 2:
            length, shift = 0, 0
            while True:
                length |= (data[at] & 127) << shift
                shift, at = shift + 7, at + 1
                if not data[at - 1] & 128:
                    break
        if (first >> 3) & 15 == _SEQUENCE_HEADER:
            return _size_of_sequence(_Bits(data[at : at + length]))
        at += length
    return None


def _size_of_sequence(bits: _Bits) -> tuple[int, int]:
    bits.take(4)
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        _skip_operating_points(bits)
    wide, high = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(wide) + 1, bits.take(high) + 1


def _skip_operating_points(bits: _Bits) -> None:
    delay, has_model = 0, 0
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        has_model = bits.take(1)
        if has_model:
            delay = bits.take(5) + 1
            bits.take(42)
    has_display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > _HIGHEST_LEVEL_OF_ONE_TIER:
            bits.take(1)
        if has_model and bits.take(1):
            bits.take(2 * delay + 1)
        if has_display_delay and bits.take(1):
            bits.take(4)


def _hevc_size(configuration: bytes) -> tuple[int, int] | None:
    """Return the size of an image in HEVC, by the parameter set in its configuration (ISO/IEC 14496-15, 8.3.3.1)."""
    if len(configuration) <= 22:
        return None
    at = 23
    for _ in range(configuration[22]):
        kind, count = configuration[at] & 63, int.from_bytes(configuration[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            length = int.from_bytes(configuration[at : at + 2], "big")
            if kind == _PARAMETER_SET:
                return _size_of_parameter_set(configuration[at + 2 : at + 2 + length])
            at += 2 + length
    return None


def _size_of_parameter_set(unit: bytes) -> tuple[int, int]:
    """Return the size in a sequence parameter set, without what is cropped (ITU-T H.265, 7.3.2.2)."""
    bits = _Bits(unit.replace(b"\0\0\3", b"\0\0"))
    bits.take(20)
    layers = bits.take(3)
    bits.take(1 + 96)
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)
    width, height = bits.golomb(), bits.golomb()
    if bits.take(1):
        across, down = _SUBSAMPLED.get(chroma, (1, 1))
        width -= across * (bits.golomb() + bits.golomb())
        height -= down * (bits.golomb() + bits.golomb())
    return width, height
