"""EXIF blocks (EXIF 2.32): a TIFF header and its directories."""

from __future__ import annotations

from mmnet.runtime.imaging.headers.tiff import Directory, first_directory

_ORIENTATION_TAG = 0x0112


def orientation(exif: bytes) -> int:
    """Return the orientation in an EXIF block; 1, upright, if there is none."""
    directory: Directory | None = first_directory(exif.removeprefix(b"Exif\0\0"))
    return 1 if directory is None else directory.number(_ORIENTATION_TAG, 1)
