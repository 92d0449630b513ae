"""Sources: photos, videos, and folders of both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mmnet.listing import LeftOut
from mmnet.runtime.imaging.headers import is_image
from mmnet.runtime.imaging.headers.signatures import BEGINNING
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS, list_files, note_photos_left_out
from mmnet.runtime.jobs.outputs import without_results
from mmnet.runtime.video.formats import VIDEO_EXTENSIONS

EXTENSIONS = PHOTO_EXTENSIONS | VIDEO_EXTENSIONS


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


@dataclass(frozen=True)
class FoundSources:
    """The photos and videos that were found.

    Attributes:
        folders: path of a photo or video -> the folder of its result, relative to the folder for all results.
        left_out: what the folders hold besides.
    """

    folders: Mapping[Path, Path]
    left_out: LeftOut


def find_sources(paths: Iterable[Path], *, recursive: bool = False, skip: Collection[Path] = ()) -> FoundSources:
    """List the files among `paths`, and the photos and videos (by extension) in the folders among them, each once.

    A file of a folder that has the name of another one's result, such as a-alpha.png beside a.jpg, is left out. What is
    left out of each folder is noted in the log, too.

    Args:
        paths: files and folders.
        recursive: whether the folders below the folders are searched, too.
        skip: folders below them that are left out, such as that of the results.

    Raises:
        PhotoError: a folder cannot be listed, or has neither photos nor videos.
    """
    found: dict[Path, tuple[Path, Path]] = {}
    left_out = LeftOut()
    for path in paths:
        if not path.is_dir():
            found.setdefault(path.absolute(), (path, Path()))
            continue
        listing = list_files(path, EXTENSIONS, "no photo and no video", recursive=recursive, skip=skip)
        files = without_results(listing.files)
        besides = replace(listing.left_out, results=len(listing.files) - len(files))
        note_photos_left_out(path, besides, "recursive=True takes the folders")
        left_out += besides
        for file in files:
            found.setdefault(file.absolute(), (file, file.parent.relative_to(path)))
    return FoundSources(dict(found.values()), left_out)
