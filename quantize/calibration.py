"""The representative dataset: a folder of photos, each preprocessed exactly as the runtime does it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.failures import failure_line
from mmnet.runtime import PhotoError, list_photos, read_photo, to_model_input
from mmnet.selection import spread_evenly


class CalibrationError(MMNetError):
    """A folder without photos to calibrate on."""


# Photos that together cover fewer of the 256 levels than this, from the 1st to the 99th percentile, show nothing.
_LEAST_LEVELS = 32
_MOST_HELD_OUT = 25
_NOT_CALIBRATION = "ranges measured on them would ruin every other photo; take portraits, 100 are enough"


@dataclass(frozen=True)
class Calibration:
    """The photos to measure ranges on.

    Attributes:
        images: uint8 [N, size, size, 3], RGB, as the model gets them on a phone.
        names: the N file names, in the same order.
        unreadable: file name -> the reason why it could not be read.
        held_out: uint8 [M, size, size, 3], further photos of the folder, to verify on.
        held_out_names: the M file names of these.
        folder: the folder that they lie in; it may be one below the folder that was named. None if there is none.
    """

    images: U8Array
    names: tuple[str, ...]
    unreadable: dict[str, str]
    held_out: U8Array | None = None
    held_out_names: tuple[str, ...] = ()
    folder: Path | None = None

    def fingerprint(self) -> str:
        """Return the SHA-256 of the images as the model gets them, in hexadecimal digits."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


def check_representative(images: U8Array) -> None:
    """Raise if images cannot stand for photos: if they are all of one colour, or nearly.

    Ranges that are measured on a black image are those of a black image: every check on it passes, and any photo comes
    out wrong.

    Args:
        images: uint8 [N, size, size, 3], to measure ranges on.

    Raises:
        CalibrationError: they cover too few levels, or none of them covers more than one colour.
    """
    which = f"the {len(images)} calibration images" if len(images) > 1 else "the calibration image"
    darkest, lightest = (int(level) for level in np.percentile(images, (1, 99)))
    flat = sum(int(np.ptp(np.percentile(image, (1, 99))) < _LEAST_LEVELS // 4) for image in images)
    if flat == len(images):
        each = "are each of one colour, or nearly" if flat > 1 else "is of one colour, or nearly"
        raise CalibrationError(f"{which} {each}: {_NOT_CALIBRATION}")
    if lightest - darkest < _LEAST_LEVELS:
        has = "have" if len(images) > 1 else "has"
        raise CalibrationError(
            f"{which} {has} levels from {darkest} to {lightest} only, of 0 to 255: {_NOT_CALIBRATION}"
        )


def spanning(images: U8Array) -> U8Array:
    """Return the same images, except that the first has one black and one white pixel.

    The input then ranges over 0-255 whatever values the photos reach: its scale is 1/255, and pixels go in as they are.
    """
    images = images.copy()
    images[0, 0, 0], images[0, -1, -1] = 0, 255
    return images


def find_calibration_photos(folder: Path) -> list[Path]:
    """List the photos of a folder, or of the folder `image` in it, where a data set keeps its photos.

    Raises:
        CalibrationError: no such folder, or no photo in it; names the folders below it that have photos.
    """
    try:
        return list_photos(folder)
    except PhotoError as error:
        for inner in (folder / "image", folder / "images"):
            with suppress(PhotoError):
                return list_photos(inner)
        splits = sorted(path.parent for path in folder.glob("*/image") if path.is_dir()) if folder.is_dir() else []
        hint = f"; name one of {', '.join(str(split / 'image') for split in splits)}" if splits else ""
        raise CalibrationError(f"{error}{hint}") from error


def load_calibration(
    folder: Path, size: int, *, limit: int = 100, progress: Callable[[int, int], None] = lambda done, total: None
) -> Calibration:
    """Read at most `limit` photos of `folder`, spread evenly over its sorted names, and a few more to verify on.

    Args:
        folder: the folder of the photos, or of a data set; see `find_calibration_photos`.
        size: model input size in pixels.
        limit: the largest number of photos to measure on, at least 1.
        progress: called with the number of photos read and their total.

    Raises:
        CalibrationError: no such folder, no photo in it, none that can be read, or a limit below 1.
    """
    if limit < 1:
        raise CalibrationError(f"{limit} calibration photos are too few; take at least 1")
    listed = find_calibration_photos(folder)
    paths = spread_evenly(listed, limit)
    others = spread_evenly([path for path in listed if path not in set(paths)], _MOST_HELD_OUT)
    images: dict[Path, U8Array] = {}
    unreadable: dict[Path, str] = {}
    wanted = [*paths, *others]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (path, result) in enumerate(
            zip(wanted, pool.map(lambda p: _read(p, size), wanted), strict=True), start=1
        ):
            if isinstance(result, str):
                unreadable[path] = result
            else:
                images[path] = result
            progress(done, len(wanted))
    good, held_out = ([path for path in part if path in images] for part in (paths, others))
    if not good:
        raise CalibrationError(
            f"{folder}: none of its {len(paths)} photos can be read; the first: {unreadable[paths[0]]}"
        )
    return Calibration(
        np.stack([images[path] for path in good]),
        tuple(path.name for path in good),
        {path.name: unreadable[path] for path in paths if path in unreadable},
        np.stack([images[path] for path in held_out]) if held_out else None,
        tuple(path.name for path in held_out),
        listed[0].parent,
    )


def _read(path: Path, size: int) -> U8Array | str:
    """Return a photo as the model gets it, or the line that says why it cannot be read."""
    try:
        return to_model_input(read_photo(path), size)
    except Exception as error:
        return failure_line(error, path)
