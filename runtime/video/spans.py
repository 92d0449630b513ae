"""Whether a video ends where its header says: spans of time that are alike, compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

# Containers whose headers state the length of the file. For all others FFmpeg estimates it.
_MOV, _MATROSKA = frozenset({"mov", "mp4"}), frozenset({"matroska", "webm"})
_TOLERANCE = Fraction(1, 2)  # seconds; headers round their length by less than this
_EBML_HEADER, _SEGMENT = 0x1A45DFA3, 0x18538067


@dataclass
class Spans:
    """The times that the packets of a file cover, by stream.

    Attributes:
        found: index of a stream -> the first time and the end of its packets, in seconds.
    """

    found: dict[int, tuple[Fraction, Fraction]] = field(default_factory=dict)

    def add(self, packet: Any) -> None:
        """Take a packet of any stream: a subtitle may outlive the frames, and counts for the file's length."""
        if packet.pts is None or packet.time_base is None:
            return
        begin = packet.pts * packet.time_base
        end = begin + (packet.duration or 0) * packet.time_base
        first, last = self.found.get(packet.stream.index, (begin, end))
        self.found[packet.stream.index] = min(first, begin), max(last, end)

    def missing(self, container: Any, stream: Any, clock: int, path: Path | None) -> Fraction | None:
        """Return how many seconds of a file that was read to its end are missing; None if nothing is, or it is unknown.

        A header counts the length of the file from time 0 or from the first packet, as the program likes that wrote it.
        The table of an MP4 track states the length of every frame. A Matroska file states how many bytes it has; if
        they are all there, it ends where it should, though its last frame may be shown for long.

        Args:
            container, stream: the file and the stream of its frames.
            clock: units of the container's times per second.
            path: the file; None for a live source.
        """
        kinds = set(container.format.name.split(","))
        if container.duration is None or not kinds & (_MOV | _MATROSKA) or not self.found:
            return None
        is_matroska = bool(kinds & _MATROSKA)
        if is_matroska and path is not None and not is_cut(path):
            return None
        declared = Fraction(container.duration, clock)
        begin = min(first for first, _ in self.found.values())
        end = max(last for _, last in self.found.values())
        missing = declared - (end - begin if is_matroska else max(end, end - begin))
        if not is_matroska and stream.duration and stream.index in self.found:
            # A track states its own length, from its own first frame; other tracks may be longer.
            first, last = self.found[stream.index]
            missing = min(missing, stream.duration * stream.time_base - (last - first))
        return missing if missing > _TOLERANCE else None


def is_cut(path: Path) -> bool:
    """Whether a Matroska file is shorter than its first segment says (RFC 8794, RFC 9559); false if it says nothing."""
    try:
        total = path.stat().st_size
        with path.open("rb") as file:
            data, at = file.read(4096), 0
    except OSError:
        return False
    for wanted in (_EBML_HEADER, _SEGMENT):
        identifier, at = _number(data, at, keep_marker=True)
        size, at = _number(data, at, keep_marker=False)
        if identifier != wanted or size is None:
            return False
        if wanted == _SEGMENT:
            return at + size > total
        at += size
    return False


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Return the number of variable length at a position, None if it is unknown or cut short, and the next position."""
    if at >= len(data) or not data[at]:
        return None, at
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length])
    if keep_marker:
        return value, at + length
    value &= (1 << 7 * length) - 1
    return (None if value == (1 << 7 * length) - 1 else value), at + length
