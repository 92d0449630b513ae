"""The representative dataset: a folder of photos, each preprocessed exactly as the runtime does it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


@dataclass(frozen=True)
class Calibration:
    """The photos to measure ranges on.

    Attributes:
        images: uint8 [N, size, size, 3], RGB, as the model gets them on a phone.
        names: the N file names, in the same order.
        unreadable: file name -> the reason why it could not be read.
    """

    images: U8Array
    names: tuple[str, ...]
    unreadable: dict[str, str]

    def fingerprint(self) -> str:
        """Return the SHA-256 of the images as the model gets them, in hexadecimal digits."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


def load_calibration(
    folder: Path, size: int, *, limit: int = 100, progress: Callable[[int, int], None] = lambda done, total: None
) -> Calibration:
    """Read at most `limit` photos of `folder`, spread evenly over its sorted names.

    Args:
        folder: the folder, which holds the photos directly; see `mmnet.runtime.list_photos`.
        size: model input size in pixels.
        limit: the largest number of photos to read, at least 1.
        progress: called with the number of photos read and their total.

    Raises:
        CalibrationError: no such folder, no photo in it, none that can be read, or a limit below 1.
    """
    if limit < 1:
        raise CalibrationError(f"{limit} calibration photos are too few; take at least 1")
    try:
        paths = list_photos(folder)
    except PhotoError as error:
        raise CalibrationError(str(error)) from error
    paths = spread_evenly(paths, limit)
    images: list[U8Array] = []
    names: list[str] = []
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done, (path, result) in enumerate(
            zip(paths, pool.map(lambda p: _read(p, size), paths), strict=True), start=1
        ):
            if isinstance(result, str):
                unreadable[path.name] = result
            else:
                images.append(result)
                names.append(path.name)
            progress(done, len(paths))
    if not images:
        raise CalibrationError(
            f"{folder}: none of its {len(paths)} photos can be read; the first: {unreadable[paths[0].name]}"
        )
    return Calibration(np.stack(images), tuple(names), unreadable)


def _read(path: Path, size: int) -> U8Array | str:
    """Return a photo as the model gets it, or the line that says why it cannot be read."""
    try:
        return to_model_input(read_photo(path), size)
    except Exception as error:
        return failure_line(error, path)
