"""EXIF blocks (EXIF 2.32): a TIFF header and its directories."""

from __future__ import annotations

from mmnet.runtime.imaging.headers.tiff import Directory, directory_at, first_directory

_ORIENTATION_TAG, _EXIF_TAG, _INTEROPERABILITY_TAG = 0x0112, 0x8769, 0xA005
_COLOUR_SPACE_TAG, _INDEX_TAG = 0xA001, 1
_ADOBE_RGB = 2  # of the colour space, as some cameras write it; others write an index, R03 (DCF 2.0)


def orientation(exif: bytes) -> int:
    """Return the orientation in an EXIF block; 1, upright, if there is none."""
    directory: Directory | None = first_directory(exif.removeprefix(b"Exif\0\0"))
    return 1 if directory is None else directory.number(_ORIENTATION_TAG, 1)


def is_adobe_rgb(exif: bytes) -> bool:
    """Whether an EXIF block says that the colours are Adobe RGB, as cameras say it without a profile."""
    data = exif.removeprefix(b"Exif\0\0")
    first = first_directory(data)
    inner = None if first is None else directory_at(data, first.number(_EXIF_TAG))
    if inner is None:
        return False
    index = directory_at(data, inner.number(_INTEROPERABILITY_TAG))
    return inner.number(_COLOUR_SPACE_TAG) == _ADOBE_RGB or (
        index is not None and index.block(_INDEX_TAG)[:3] == b"R03"
    )
