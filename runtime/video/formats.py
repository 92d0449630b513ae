"""Which codec and pixel format each output has: two tables, and the error for what is not in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmnet.errors import OutputError
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, ResultKind
from mmnet.runtime.imaging.writing import IMAGE_FORMATS, LOSSLESS_FORMATS

# The extensions that a folder of videos is searched for. A video file that is named may have any extension.
VIDEO_EXTENSIONS = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov"}
    | {".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)


@dataclass(frozen=True)
class Encoding:
    """How images become a video stream.

    Attributes:
        codec, pixel_format: FFmpeg's names.
        options: the encoder's.
        even: whether both sides must be even; an odd one loses its last line.
        square: whether pixels must be square; others are scaled to be (PyAV cannot tell Matroska their aspect).
        crf: the constant rate factor, 0 the best, unless the user names another; None where the codec has none.
        description: for messages.
    """

    codec: str
    pixel_format: str
    description: str
    options: Mapping[str, str] = field(default_factory=dict)
    even: bool = False
    square: bool = False
    crf: int | None = None


_X264 = {"preset": "medium"}
_VP9 = {"b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"}
# Of an alpha, little is to be lost: a composite made of it shows every block.
_H264_ALPHA = Encoding("libx264", "yuv420p", "H.264, grey", _X264, even=True, crf=12)
_H264 = Encoding("libx264", "yuv420p", "H.264", _X264, even=True, crf=18)

ENCODINGS: dict[tuple[ResultKind, str], Encoding] = {
    (ALPHA, ".mp4"): _H264_ALPHA,
    (ALPHA, ".m4v"): _H264_ALPHA,
    (ALPHA, ".mov"): Encoding("prores_ks", "yuv422p10le", "ProRes 422 HQ, grey", {"profile": "hq"}, even=True),
    (ALPHA, ".webm"): Encoding("libvpx-vp9", "yuv420p", "VP9, grey", _VP9, square=True, crf=16),
    (ALPHA, ".mkv"): Encoding("ffv1", "gray", "FFV1, grey, lossless", {"level": "3"}, square=True),
    (CUTOUT, ".mov"): Encoding("prores_ks", "yuva444p10le", "ProRes 4444 with alpha", {"profile": "4444"}, even=True),
    (CUTOUT, ".webm"): Encoding("libvpx-vp9", "yuva420p", "VP9 with alpha", _VP9, square=True, crf=20),
    (CUTOUT, ".mkv"): Encoding("ffv1", "bgra", "FFV1 with alpha, lossless", {"level": "3"}, square=True),
    (COMPOSITE, ".mp4"): _H264,
    (COMPOSITE, ".m4v"): _H264,
    (COMPOSITE, ".mov"): _H264,
    (COMPOSITE, ".mkv"): _H264,
    (COMPOSITE, ".webm"): Encoding("libvpx-vp9", "yuv420p", "VP9", _VP9, square=True, crf=24),
}


@dataclass(frozen=True)
class AudioRule:
    """What becomes of audio in a container.

    Attributes:
        kept: codecs (FFmpeg's names of their formats) whose packets are copied as they are; None: all.
        encoder: for all others.
        rate: samples a second that the encoder takes; None: any.
    """

    kept: frozenset[str] | None
    encoder: str
    rate: int | None = None


# Copied is what players of the container play, which is less than what FFmpeg would write into it.
_MP4_AUDIO = AudioRule(frozenset({"aac", "ac3", "alac", "eac3", "mp3"}), "aac")
AUDIO: dict[str, AudioRule] = {
    ".mp4": _MP4_AUDIO,
    ".m4v": _MP4_AUDIO,
    ".mov": AudioRule(_MP4_AUDIO.kept and _MP4_AUDIO.kept | {"pcm_s16le", "pcm_s16be", "pcm_s24le"}, "aac"),
    ".webm": AudioRule(frozenset({"opus", "vorbis"}), "libopus", 48000),
    ".mkv": AudioRule(None, "aac"),
}
# Options of the containers: the index in front, so that a player on the net can begin at once.
CONTAINER_OPTIONS: dict[str, dict[str, str]] = {
    extension: {"movflags": "+faststart"} for extension in (".mp4", ".m4v", ".mov")
}


def is_pattern(output: Path) -> bool:
    """Whether the name is a pattern for numbered images, such as frames/%06d.png."""
    return "%" in output.name


def default_extension(source: Path, kind: ResultKind) -> str:
    """The extension of a result that the user did not name: the source's where it fits, else the likeliest.

    An alpha is .mp4, for it is looked at; name .mkv for one without loss.
    """
    extension = source.suffix.lower()
    if kind is not ALPHA and (kind, extension) in ENCODINGS:
        return extension
    return ".mov" if kind is CUTOUT else ".mp4"


def choose_encoding(output: Path, kind: ResultKind) -> Encoding:
    """How `kind` is written to a file of this name.

    Raises:
        OutputError: it is not; the message names what works.
    """
    found = ENCODINGS.get((kind, output.suffix.lower()))
    if found is not None:
        return found
    known = output.suffix.lower() in AUDIO
    wrong = f"{output.suffix.lower()} has no transparency" if known else "no video format this writes"
    ways = [f"{extension} ({way.description})" for (made, extension), way in ENCODINGS.items() if made == kind]
    raise OutputError(f"{output}: {wrong}; name {', '.join(ways)}, or images: frames/%06d.png")


def check_pattern(output: Path, kind: ResultKind) -> None:
    """Refuse a pattern of numbered images that cannot be written.

    Raises:
        OutputError: not one number, no folder of its own, or an extension that cannot hold `kind`.
    """
    try:
        several = output.name % 1 != output.name % 2
    except (TypeError, ValueError):
        several = False
    if not several or "/" in output.name % 1:
        raise OutputError(f"{output}: is no pattern for numbered images; name one such as frames/%06d.png")
    taken = LOSSLESS_FORMATS if kind.lossless else frozenset(IMAGE_FORMATS)
    if output.suffix.lower() not in taken:
        raise OutputError(f"{output}: the images are written as {', '.join(sorted(taken))}")
    if output.parent == Path() or output.parent.resolve() == Path.cwd():
        raise OutputError(f"{output}: numbered images need a folder of their own, such as frames/{output.name}")
