"""The representative dataset: a folder of photos, each through exactly the runtime's preprocessing."""

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
from mmnet.runtime import PhotoError, list_photos, read_photo, to_model_input
from mmnet.selection import spread_evenly


class CalibrationError(MMNetError):
    """There is nothing to calibrate on."""


@dataclass(frozen=True)
class Calibration:
    """Photos to measure ranges on.

    Attributes:
        images: uint8 [N, size, size, 3], RGB, as the model sees them on the phone.
        names: the N file names, in the same order.
        unreadable: file name -> why it could not be read.
    """

    images: U8Array
    names: tuple[str, ...]
    unreadable: dict[str, str]

    def fingerprint(self) -> str:
        """SHA-256 over the images as the model sees them."""
        return hashlib.sha256(self.images.tobytes()).hexdigest()


def load_calibration(
    folder: Path, size: int, *, limit: int = 100, progress: Callable[[int, int], None] = lambda done, total: None
) -> Calibration:
    """Read at most `limit` photos of `folder`, spread evenly over its sorted names.

    Args:
        folder: photos directly inside it; see `mmnet.runtime.list_photos`.
        size: model input size in pixels.
        limit: most photos to read, at least 1.
        progress: called with the photos done and their total.

    Raises:
        CalibrationError: no such folder, no photo in it, or none that can be read.
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
            if isinstance(result, PhotoError):
                unreadable[path.name] = str(result)
            else:
                images.append(result)
                names.append(path.name)
            progress(done, len(paths))
    if not images:
        raise CalibrationError(
            f"{folder}: none of its {len(paths)} photos can be read; the first: {unreadable[paths[0].name]}"
        )
    return Calibration(np.stack(images), tuple(names), unreadable)


def _read(path: Path, size: int) -> U8Array | PhotoError:
    try:
        return to_model_input(read_photo(path), size)
    except PhotoError as error:
        return error
