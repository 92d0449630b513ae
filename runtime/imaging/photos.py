"""Photo files → arrays: whatever a camera or an editor wrote, upright, 8 bits, without alpha."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MMNetError
from mmnet.listing import Listing, list_folder, note_left_out
from mmnet.runtime.imaging.headers import (
    BMP_MAGIC,
    JPEG_MAGIC,
    PNG_MAGIC,
    RIFF_MAGIC,
    TIFF_MAGICS,
    declared_size,
    orientation,
)

MAX_PIXELS = 1 << 28  # 268 million, more than any phone takes; as RGB that is 0.8 GB
MAX_FILE_BYTES = 1 << 30
PHOTO_EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# For each EXIF orientation, what turns the stored image into the upright one.
_UPRIGHT: dict[int, Callable[[AnyArray], AnyArray]] = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: stored.swapaxes(0, 1)[:, ::-1],
    7: lambda stored: stored.swapaxes(0, 1)[::-1, ::-1],
    8: lambda stored: stored.swapaxes(0, 1)[::-1],
}
_MAGICS = (JPEG_MAGIC, PNG_MAGIC, RIFF_MAGIC, BMP_MAGIC, *TIFF_MAGICS)


class PhotoError(MMNetError):
    """A file that cannot be read as a photo."""


def list_photos(folder: Path) -> list[Path]:
    """Return the photos directly in `folder` (by extension, without hidden files), sorted by name.

    What was left out is noted in the log; see `mmnet.listing`.

    Raises:
        PhotoError: the folder cannot be read, or has no photo in it.
    """
    listing = list_files(folder, PHOTO_EXTENSIONS, "no photo")
    note_left_out(folder, listing.left_out)
    return list(listing.files)


def list_files(
    folder: Path, extensions: Collection[str], none: str, *, recursive: bool = False, skip: Collection[Path] = ()
) -> Listing:
    """List the files of a folder that have one of some extensions, without hidden files.

    Args:
        folder: the folder to list.
        extensions: in lower case, each with its dot.
        none: what the message says the folder has if it has no such file: "no photo".
        recursive: whether the files of all folders below it are listed, too.
        skip: folders below it that are left out.

    Raises:
        PhotoError: the folder cannot be read, or has no such file.
    """
    try:
        listing = list_folder(folder, extensions, recursive=recursive, skip=skip)
    except OSError as error:
        raise PhotoError(f"{folder}: cannot be listed: {error.strerror}") from error
    if not listing.files:
        inner = folder / "image"  # where a data set keeps its photos
        hint = f"; name {inner}, the photos of this data set" if inner.is_dir() else ""
        instead = f"; it has {listing.left_out}" if listing.left_out else ""
        raise PhotoError(f"{folder}: has {none} in it ({', '.join(sorted(extensions))}){instead}{hint}")
    return listing


def read_photo(path: str | Path) -> U8Array:
    """Read a JPEG, PNG, WebP, BMP or TIFF.

    The EXIF orientation is applied, 16 bits become 8 (rounded), grey becomes RGB, and transparent images are composited
    over white.

    Returns:
        uint8 [H, W, 3], RGB, 0-255, C-contiguous.

    Raises:
        PhotoError: the file is missing, unreadable, empty, truncated, no image, or has more than MAX_PIXELS pixels.
    """
    path = Path(path)
    return decode_photo(_read_bytes(path), path)


def decode_photo(data: bytes, name: str | Path) -> U8Array:
    """Read a photo from the bytes of its file; formats and result are those of `read_photo`.

    Args:
        data: the whole file.
        name: what messages call the photo.

    Raises:
        PhotoError: the bytes are empty, truncated, no image, or have more than MAX_PIXELS pixels.
    """
    path = Path(name)
    if not data:
        raise PhotoError(f"{path}: is empty (0 bytes)")
    return _decode_stored(path, data).over_white()


@dataclass(frozen=True)
class StoredImage:
    """An image upright, but otherwise as its file stores it.

    Attributes:
        colour: uint8 or uint16, [H, W, 1] (grey) or [H, W, 3] (RGB).
        alpha: of the type of `colour`, [H, W]; None if the file declares no transparency.
        premultiplied: whether the colours are multiplied by the alpha.
    """

    colour: AnyArray
    alpha: AnyArray | None = None
    premultiplied: bool = False

    def over_white(self) -> U8Array:
        """Return the image composited over white, at the file's own depth, then in 8 bits: uint8 [H, W, 3], RGB."""
        colour = self.colour if self.colour.shape[2] == 3 else self.colour.repeat(3, axis=2)
        if self.alpha is not None:
            colour = over_white(colour, self.alpha[..., None], self.premultiplied)
        return np.ascontiguousarray(colour if colour.dtype == np.uint8 else to_8_bits(colour))

    def straight(self) -> U8Array:
        """Return the stored colours, also where they are transparent: uint8 [H, W, 3], RGB."""
        colour = self.colour if self.colour.dtype == np.uint8 else to_8_bits(self.colour)
        return np.ascontiguousarray(colour if colour.shape[2] == 3 else colour.repeat(3, axis=2))


def read_stored(path: str | Path) -> StoredImage:
    """Read an image upright, but otherwise as it is stored: its own depth, grey or colour, with its transparency.

    Raises:
        PhotoError: the file is missing, unreadable, empty, truncated, no image, or has more than MAX_PIXELS pixels.
    """
    path = Path(path)
    return _decode_stored(path, _read_bytes(path))


def to_8_bits(samples: NDArray[np.uint16]) -> U8Array:
    """Convert 16 bits to 8: v / 257, rounded, since 65535 = 257 · 255."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _decode_stored(path: Path, data: bytes) -> StoredImage:
    _check_declared_size(path, data)
    stored, exif = _decode(path, data)
    if stored.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"{path}: has {stored.dtype} samples; save it with 8 or 16 bits per channel")
    pixels = _UPRIGHT.get(orientation(exif), _UPRIGHT[1])(stored)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    channels = pixels.shape[2]
    colour = pixels[..., :1] if channels <= 2 else pixels[..., 2::-1]
    # libtiff premultiplies 8-bit colours by their alpha; every other decoder leaves them as they are.
    premultiplied = data.startswith(TIFF_MAGICS) and stored.dtype == np.uint8
    return StoredImage(colour, pixels[..., -1] if channels in (2, 4) else None, premultiplied)


def _read_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise PhotoError(f"{path}: is a folder; name a photo")
        if not path.exists():
            raise PhotoError(f"{path}: no such file")
        if not path.is_file():
            raise PhotoError(f"{path}: is not a file")
        size = path.stat().st_size
        if size == 0:
            raise PhotoError(f"{path}: is empty (0 bytes)")
        if size > MAX_FILE_BYTES:
            raise PhotoError(f"{path}: has {size:,} bytes; a photo may have {MAX_FILE_BYTES:,}")
        return path.read_bytes()
    except OSError as error:
        raise PhotoError(f"{path}: cannot be read: {error.strerror}") from error


def _decode(path: Path, data: bytes) -> tuple[AnyArray, bytes]:
    """Return the stored pixels as OpenCV gives them (BGR, not turned, 8 or 16 bits) and the EXIF block."""
    try:
        with _opencv_silenced():
            pixels, kinds, blocks = cv2.imdecodeWithMetadata(np.frombuffer(data, np.uint8), flags=cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        if "CV_IO_MAX_IMAGE" in str(error):
            raise PhotoError(f"{path}: {_too_large('it')}") from error
        raise PhotoError(f"{path}: cannot be decoded; is it damaged?") from error
    except MemoryError as error:
        raise PhotoError(f"{path}: does not fit into memory") from error
    if pixels is None or pixels.size == 0:
        raise PhotoError(f"{path}: {_undecodable(data)}")
    if pixels.shape[0] * pixels.shape[1] > MAX_PIXELS:  # of a format whose header is not read
        raise PhotoError(f"{path}: {_too_large(f'{pixels.shape[1]}×{pixels.shape[0]}')}")
    exif = {int(kind): np.asarray(block) for kind, block in zip(kinds, blocks, strict=True)}
    return pixels, exif[cv2.IMAGE_METADATA_EXIF].tobytes() if cv2.IMAGE_METADATA_EXIF in exif else b""


def _undecodable(data: bytes) -> str:
    if data.startswith(_MAGICS):
        return "is truncated or damaged"
    return "is not a photo this can read (JPEG, PNG, WebP, BMP, TIFF)"


@contextmanager
def _opencv_silenced() -> Iterator[None]:
    """Keep OpenCV from printing lines of its own about a bad file, besides the exception."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _check_declared_size(path: Path, data: bytes) -> None:
    """Refuse a decompression bomb by its header, before a decoder allocates for it."""
    width, height = declared_size(data)
    if width * height > MAX_PIXELS:
        raise PhotoError(f"{path}: {_too_large(f'{width}×{height}')}")


def _too_large(what: str) -> str:
    return f"{what} is too large; at most {MAX_PIXELS:,} pixels are read"


def over_white(colour: AnyArray, alpha: AnyArray, premultiplied: bool = False) -> AnyArray:
    """Composite colours over white, rounded half up: colour · alpha, unless premultiplied, + white · (1 − alpha).

    Args:
        colour: uint8 or uint16 [H, W, C].
        alpha: of the same type, [H, W, 1].
        premultiplied: whether the colours are multiplied by the alpha.

    Returns:
        An array of the type and shape of `colour`.
    """
    white = int(np.iinfo(colour.dtype).max)
    if premultiplied:
        result: AnyArray = colour + np.minimum(white - alpha, white - colour)
        return result
    wide = alpha.astype(np.uint32)  # 65535² + 32767 < 2^32
    total = colour * wide + white * (white - wide) + white // 2
    return (total // white).astype(colour.dtype)
