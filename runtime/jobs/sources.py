"""Sources: photos, videos, and folders of both."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mmnet.runtime.imaging.headers import is_image
from mmnet.runtime.imaging.headers.signatures import BEGINNING
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS, list_files
from mmnet.runtime.video.formats import VIDEO_EXTENSIONS


def is_video(path: Path) -> bool:
    """Whether a file is read as a video.

    Its extension decides. A file with another extension is a video unless it begins with the signature of an image
    (also of one that the reader of photos then refuses, such as HEIC), is empty or cannot be read.
    """
    extension = path.suffix.lower()
    if extension in PHOTO_EXTENSIONS or extension in VIDEO_EXTENSIONS:
        return extension in VIDEO_EXTENSIONS
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            beginning = file.read(BEGINNING)
    except OSError:
        return False  # the reader of photos then raises an error that says why
    return bool(beginning) and not is_image(beginning)


def find_sources(paths: Iterable[Path]) -> list[Path]:
    """List the files among `paths`, and the photos and videos (by extension) in the folders among them, each once.

    Raises:
        PhotoError: a folder cannot be listed, or has neither photos nor videos.
    """
    named = [source for path in paths for source in (_list(path) if path.is_dir() else [path])]
    return list({source.absolute(): source for source in named}.values())


def _list(folder: Path) -> list[Path]:
    return list_files(folder, PHOTO_EXTENSIONS | VIDEO_EXTENSIONS, "no photo and no video")
