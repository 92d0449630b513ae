"""What `mmnet matte` is given: photos, videos, and folders of both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS, list_files
from mmnet.runtime.video.formats import VIDEO_EXTENSIONS

_PHOTO_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\0", b"MM\0*")


def is_video(path: Path) -> bool:
    """Whether to read a file as a video: by its extension, or where that says nothing, unless it begins as a photo."""
    extension = path.suffix.lower()
    if extension in PHOTO_EXTENSIONS or extension in VIDEO_EXTENSIONS:
        return extension in VIDEO_EXTENSIONS
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            beginning = file.read(12)
    except OSError:
        return False  # reading it as a photo says why
    is_webp = beginning[:4] == b"RIFF" and beginning[8:] == b"WEBP"
    return bool(beginning) and not (beginning.startswith(_PHOTO_BEGINNINGS) or is_webp)


def find_sources(arguments: Iterable[Path]) -> list[Path]:
    """The files named, and the photos and videos in the folders named (by extension), each once.

    Raises:
        PhotoError: a folder cannot be listed or has neither.
    """
    named = [source for path in arguments for source in (_list(path) if path.is_dir() else [path])]
    return list({source.absolute(): source for source in named}.values())


def _list(folder: Path) -> list[Path]:
    return list_files(folder, PHOTO_EXTENSIONS | VIDEO_EXTENSIONS, "no photo and no video")
