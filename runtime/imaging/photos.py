"""Photo files → arrays: whatever a camera or an editor wrote, upright, 8 bits, without alpha."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

MAX_PIXELS = 1 << 28  # 268 million, more than any phone takes; as RGB that is 0.8 GB
MAX_FILE_BYTES = 1 << 30
# Read when cv2 is loaded. Where somebody loaded it before us, _check_declared_size still guards PNG and JPEG.
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from mmnet.arrays import AnyArray, U8Array  # noqa: E402
from mmnet.errors import MMNetError  # noqa: E402

PHOTO_EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})

# EXIF 2.32, tag 0x0112: what turns the stored image into the upright one.
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
_ORIENTATION_TAG = 0x0112


class PhotoError(MMNetError):
    """A file cannot be read as a photo."""


def list_photos(folder: Path) -> list[Path]:
    """The photos directly in `folder` (by extension, hidden files left out), sorted by name.

    Raises:
        PhotoError: the folder cannot be read, or has no photo in it.
    """
    return list_files(folder, PHOTO_EXTENSIONS, "no photo")


def list_files(folder: Path, extensions: Iterable[str], none: str) -> list[Path]:
    """The files directly in `folder` with one of some extensions, hidden ones left out, sorted by name.

    Args:
        folder: where.
        extensions: in lower case, each with its dot.
        none: what it has if it has none of them, for the message.

    Raises:
        PhotoError: the folder cannot be read, or has none of them in it.
    """
    wanted = sorted(extensions)
    try:
        names = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise PhotoError(f"{folder}: cannot be listed: {error.strerror}") from error
    files = [entry for entry in names if entry.suffix.lower() in wanted and entry.is_file()]
    if not files:
        raise PhotoError(f"{folder}: has {none} in it ({', '.join(wanted)})")
    return files


def read_photo(path: str | Path) -> U8Array:
    """Read a JPEG, PNG, WebP, BMP or TIFF.

    The EXIF orientation is applied, 16 bits become 8 (rounded), grey becomes RGB, and transparency is
    laid over white.

    Returns:
        uint8 [H, W, 3], RGB, 0-255, C-contiguous.

    Raises:
        PhotoError: the file is missing, unreadable, empty, truncated, no image, or beyond MAX_PIXELS.
    """
    path = Path(path)
    return decode_photo(_read_bytes(path), path)


def decode_photo(data: bytes, name: str | Path) -> U8Array:
    """As `read_photo`, from a file's bytes.

    Args:
        data: the whole file.
        name: what messages call it.
    """
    path = Path(name)
    if not data:
        raise PhotoError(f"{path}: is empty (0 bytes)")
    upright, multiplied = _upright(path, data)
    return np.ascontiguousarray(_flatten(path, upright, multiplied))


def read_stored(path: str | Path) -> AnyArray:
    """Read an image upright but otherwise as it is stored: its own depth, grey or colour, transparency apart.

    Returns:
        uint8 or uint16 (whatever else the file holds comes as it is), [H, W] or [H, W, C]: grey, grey and alpha,
        BGR or BGRA for C = 1 to 4.

    Raises:
        PhotoError: as `read_photo`.
    """
    path = Path(path)
    return _upright(path, _read_bytes(path))[0]


def to_8_bits(samples: NDArray[np.uint16]) -> U8Array:
    """16 bits → 8: v / 257 rounded, since 65535 = 257 · 255."""
    return ((samples.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _upright(path: Path, data: bytes) -> tuple[AnyArray, bool]:
    """The pixels, turned upright, and whether their colours are multiplied with their alpha."""
    _check_declared_size(path, data)
    stored, exif = _decode(path, data)
    # libtiff multiplies 8-bit colours with their alpha; every other decoder leaves them as they are.
    multiplied = data.startswith(_TIFF_MAGICS) and stored.dtype == np.uint8
    return _UPRIGHT.get(_orientation(exif), _UPRIGHT[1])(stored), multiplied


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
    """The stored pixels as OpenCV gives them (BGR, not turned, 8 or 16 bits) and the EXIF block."""
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
    exif = {int(kind): np.asarray(block) for kind, block in zip(kinds, blocks, strict=True)}
    return pixels, exif[cv2.IMAGE_METADATA_EXIF].tobytes() if cv2.IMAGE_METADATA_EXIF in exif else b""


def _undecodable(data: bytes) -> str:
    if data.startswith(_MAGICS):
        return "is truncated or damaged"
    return "is not a photo this can read (JPEG, PNG, WebP, BMP, TIFF)"


_TIFF_MAGICS = (b"II*\0", b"MM\0*")
_MAGICS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM", *_TIFF_MAGICS)


@contextmanager
def _opencv_silenced() -> Iterator[None]:
    """Keep OpenCV from writing its own lines about a bad file; ours is enough."""
    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)


def _check_declared_size(path: Path, data: bytes) -> None:
    """Refuse a decompression bomb by its header, before a decoder allocates for it."""
    width, height = _declared_size(data)
    if width * height > MAX_PIXELS:
        raise PhotoError(f"{path}: {_too_large(f'{width}×{height}')}")


def _too_large(what: str) -> str:
    return f"{what} is too large; at most {MAX_PIXELS:,} pixels are read"


def _declared_size(data: bytes) -> tuple[int, int]:
    """Width and height as a PNG's or JPEG's header states them; (0, 0) for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack_from(">II", data, 16)
        return width, height
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return 0, 0


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Walk the segments to the start-of-frame (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 1 if marker == 0xFF else 2 + length  # a marker may be preceded by fill bytes
    return 0, 0


def _orientation(exif: bytes) -> int:
    """The orientation in an EXIF block (a TIFF header, its first directory); 1, upright, if none is there."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", exif, 4)
        (entries,) = struct.unpack_from(order + "H", exif, directory)
        for entry in range(entries):
            tag, _, _, value = struct.unpack_from(order + "HHIH", exif, directory + 2 + 12 * entry)
            if tag == _ORIENTATION_TAG:
                return int(value)
    except struct.error:
        pass  # a broken EXIF block does not make the image unreadable
    return 1


def _flatten(path: Path, pixels: AnyArray, multiplied: bool) -> U8Array:
    """Any of OpenCV's layouts → uint8 RGB; alpha over white, at the depth the file has."""
    if pixels.dtype not in (np.uint8, np.uint16):
        raise PhotoError(f"{path}: has {pixels.dtype} samples; save it with 8 or 16 bits a channel")
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    channels = pixels.shape[2]
    grey, alpha = channels <= 2, channels in (2, 4)
    colour = pixels[..., :1].repeat(3, axis=2) if grey else pixels[..., 2::-1]
    if alpha:
        colour = _over_white(colour, pixels[..., -1:], multiplied)
    return colour if colour.dtype == np.uint8 else to_8_bits(colour)


def _over_white(colour: AnyArray, alpha: AnyArray, multiplied: bool) -> AnyArray:
    """colour·alpha + white·(1 − alpha), rounded half up; `multiplied`: the colour is colour·alpha already."""
    white = int(np.iinfo(colour.dtype).max)
    if multiplied:
        laid: AnyArray = colour + np.minimum(white - alpha, white - colour)
        return laid
    wide = alpha.astype(np.uint32)  # 65535² + 32767 < 2^32
    total = colour * wide + white * (white - wide) + white // 2
    return (total // white).astype(colour.dtype)
