"""Which file each photo's result goes to, and how it is written, so that no other file is lost by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import OutputError, OutputExistsError
from mmnet.files import atomic_file, check_writable
from mmnet.runtime.imaging.photos import list_photos

# Formats written, by extension, with their OpenCV settings.
FORMATS: dict[str, list[int]] = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".jpeg": [cv2.IMWRITE_JPEG_QUALITY, 95],
    ".png": [],
}
LOSSLESS = frozenset({".png"})
# A composite keeps its photo's format where we write that; the others become PNG.
_COMPOSITE_FORMATS = {".jpg": ".jpg", ".jpeg": ".jpg"}


@dataclass(frozen=True)
class Kind:
    """What is made of a photo: the suffix of its name, and whether it must be kept to the bit (alpha)."""

    suffix: str
    lossless: bool


ALPHA = Kind("alpha", lossless=True)
CUTOUT = Kind("cutout", lossless=True)
COMPOSITE = Kind("composite", lossless=False)


@dataclass(frozen=True)
class Job:
    """One photo and the file its result goes to."""

    photo: Path
    output: Path


def find_photos(arguments: Iterable[Path]) -> list[Path]:
    """The photos named, and those in the folders named, each once.

    Raises:
        PhotoError: a folder cannot be listed or has no photo.
    """
    named = [photo for path in arguments for photo in (list_photos(path) if path.is_dir() else [path])]
    return list({photo.absolute(): photo for photo in named}.values())


def photo_extension(photo: Path, kind: Kind) -> str:
    """The extension of a photo's result that the user did not name."""
    return ".png" if kind.lossless else _COMPOSITE_FORMATS.get(photo.suffix.lower(), ".png")


def plan(
    photos: Sequence[Path],
    output: Path | None,
    kind: Kind,
    *,
    is_folder: bool,
    extension_of: Callable[[Path, Kind], str] = photo_extension,
) -> list[Job]:
    """Name the output of every photo.

    Args:
        photos: at least one.
        output: where to: a folder if `is_folder`, else the file for the only photo; None: beside the photo.
        kind: what is made.
        is_folder: see `output`.
        extension_of: (photo, kind) -> the extension of a result that is named here.

    Raises:
        OutputError: the output's extension is no format this writes, or cannot hold `kind`.
    """
    if output is not None and not is_folder:
        _check_format(output, kind)
        return [Job(photos[0], output)]
    stems = Counter(photo.stem.casefold() for photo in photos)
    taken: set[str] = set()
    jobs = []
    for photo in photos:
        # a.jpg and a.png share a stem: theirs keep the extension (a.jpg-alpha.png).
        stem = photo.stem if stems[photo.stem.casefold()] == 1 else photo.name
        extension = extension_of(photo, kind)
        name, number = f"{stem}-{kind.suffix}{extension}", 2
        while name.casefold() in taken:  # file systems may ignore case
            name, number = f"{stem}-{kind.suffix}-{number}{extension}", number + 1
        taken.add(name.casefold())
        jobs.append(Job(photo, (photo.parent if output is None else output) / name))
    return jobs


def check_output(job: Job, inputs: Iterable[Path], *, force: bool) -> None:
    """Refuse an output that is one of the files read, or exists and may not be replaced.

    Raises:
        OutputExistsError, OutputError: one line each.
    """
    if job.output.is_dir():
        raise OutputError(f"{job.output}: is a folder; name a file with -o")
    if job.output.exists() and any(path.exists() and job.output.samefile(path) for path in inputs):
        raise OutputExistsError(f"{job.output}: would overwrite a file this reads; name another with -o")
    if job.output.parent.is_dir():
        check_writable(job.output, force=force)
    elif job.output.parent.exists():
        raise OutputError(f"{job.output}: {job.output.parent} is a file, not a folder")


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents.

    Raises:
        OutputError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be created: {error.strerror}") from error


def write_image(path: Path, image: U8Array) -> None:
    """Write uint8 [H, W] (grey), [H, W, 3] (RGB) or [H, W, 4] (RGBA) in its extension's format, or nothing.

    Raises:
        OutputError: as `encode_image`, or the file system refused.
    """
    encoded = encode_image(path, image)
    with atomic_file(path) as temporary:
        temporary.write_bytes(encoded)


def encode_image(path: Path, image: U8Array) -> bytes:
    """The bytes that `write_image` writes to `path`.

    Raises:
        OutputError: the format cannot hold it (a JPEG side is at most 65,535).
    """
    stored = image if image.ndim == 2 else np.dstack([image[..., 2::-1], image[..., 3:]])
    try:
        done, encoded = cv2.imencode(path.suffix.lower(), stored, FORMATS[path.suffix.lower()])
    except cv2.error:
        done = False
    if not done:
        size = f"{image.shape[1]}×{image.shape[0]}"
        raise OutputError(f"{path}: {size} pixels cannot be written as {path.suffix}; try another format")
    return encoded.tobytes()


def _check_format(output: Path, kind: Kind) -> None:
    extension = output.suffix.lower()
    if kind.lossless and extension not in LOSSLESS:
        raise OutputError(f"{output}: {_article(kind)} is written as {_listed(LOSSLESS)}; name such a file with -o")
    if extension not in FORMATS:
        raise OutputError(f"{output}: no format this writes ({_listed(FORMATS)}); name such a file with -o")


def _article(kind: Kind) -> str:
    return f"an {kind.suffix}" if kind is ALPHA else f"a {kind.suffix}"


def _listed(extensions: Iterable[str]) -> str:
    return ", ".join(sorted(extensions))
