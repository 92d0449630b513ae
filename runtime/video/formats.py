"""Formats of videos: which extensions are read, and which codec and pixel format each output has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmnet.errors import OutputError, OutputExistsError
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, ResultKind
from mmnet.runtime.imaging.writing import IMAGE_FORMATS, LOSSLESS_FORMATS

# The extensions that a folder of videos is searched for. A video file that is named may have any extension.
VIDEO_EXTENSIONS = frozenset(
    {".3g2", ".3gp", ".asf", ".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mjpeg", ".mkv", ".mov"}
    | {".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".webm", ".wmv", ".y4m"}
)


@dataclass(frozen=True)
class Encoding:
    """The encoding of images as a video stream.

    Attributes:
        codec, pixel_format: FFmpeg's names.
        description: for messages.
        options: of the encoder.
        even: whether both sides must be even; an odd side loses its last row or column.
        square: whether pixels must be square; images with other pixels are scaled, because PyAV cannot store their
            aspect ratio in Matroska.
        crf: constant rate factor, 0 is the best quality, unless the user names another; None if the codec has none.
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
# An alpha is encoded with less loss, because a composite that is made with it shows every block.
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
    """The audio that a container takes.

    Attributes:
        kept: codecs (FFmpeg's names) whose packets are copied; None copies all.
        encoder: encodes the audio of all other codecs.
        rate: samples per second that the encoder takes; None if it takes any rate.
    """

    kept: frozenset[str] | None
    encoder: str
    rate: int | None = None


# Copied are the codecs that players of the container play; FFmpeg would write more than these into it.
_MP4_AUDIO = AudioRule(frozenset({"aac", "ac3", "alac", "eac3", "mp3"}), "aac")
AUDIO: dict[str, AudioRule] = {
    ".mp4": _MP4_AUDIO,
    ".m4v": _MP4_AUDIO,
    ".mov": AudioRule(_MP4_AUDIO.kept and _MP4_AUDIO.kept | {"pcm_s16le", "pcm_s16be", "pcm_s24le"}, "aac"),
    ".webm": AudioRule(frozenset({"opus", "vorbis"}), "libopus", 48000),
    ".mkv": AudioRule(None, "aac"),
}
# Options of the containers. The index comes first, so that a player can begin before it has the whole file.
CONTAINER_OPTIONS: dict[str, dict[str, str]] = {
    extension: {"movflags": "+faststart"} for extension in (".mp4", ".m4v", ".mov")
}


def is_pattern(output: Path) -> bool:
    """Whether the output of a video is a pattern for numbered images, such as frames/%06d.png."""
    return "%" in output.name and output.suffix.lower() in IMAGE_FORMATS


def default_extension(source: Path, kind: ResultKind) -> str:
    """Return the extension of a video's result where the user names none.

    Cut-outs and composites keep the extension of the source if it can hold them. Otherwise a cut-out is .mov, and all
    else is .mp4. An alpha without loss needs a name that ends in .mkv.
    """
    extension = source.suffix.lower()
    if kind is not ALPHA and (kind, extension) in ENCODINGS:
        return extension
    return ".mov" if kind is CUTOUT else ".mp4"


def choose_encoding(output: Path, kind: ResultKind) -> Encoding:
    """Return how results of `kind` are encoded in a video file of this name.

    Raises:
        OutputError: a file of this name cannot hold them; the message lists those that can.
    """
    encoding = ENCODINGS.get((kind, output.suffix.lower()))
    if encoding is not None:
        return encoding
    known = output.suffix.lower() in AUDIO
    wrong = f"{output.suffix.lower()} has no transparency" if known else "no video format that is written"
    ways = [f"{extension} ({way.description})" for (holds, extension), way in ENCODINGS.items() if holds == kind]
    raise OutputError(f"{output}: {wrong}; name {', '.join(ways)}, or images: frames/%06d.png")


def check_pattern(output: Path, kind: ResultKind) -> None:
    """Refuse a pattern of numbered images that cannot be written.

    Raises:
        OutputError: it has not exactly one number, names no folder of its own, or has an extension that cannot hold
            `kind`.
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


def check_images_folder(output: Path, *, force: bool) -> None:
    """Refuse a folder for numbered images that holds any other files.

    Raises:
        OutputExistsError: it holds images of this pattern, and `force` is false.
        OutputError: it holds other files, which would be lost, or it is a file.
    """
    folder = output.parent
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{output}: {folder} is a file, not a folder")
    names = {entry.name for entry in folder.iterdir()}
    if names - {output.name % number for number in range(1, len(names) + 1)}:
        raise OutputError(f"{output}: {folder} holds other files; name a new folder")
    if names and not force:
        raise OutputExistsError(f"{output}: {folder} has such images already; give force=True to replace them")
