"""Photo files → arrays: whatever a camera or an editor wrote, upright, 8 bits, without alpha."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mmnet.arguments import checked_arguments
from mmnet.arrays import U8Array
from mmnet.listing import LeftOut, Listing, list_folder, no_folder_text, note_left_out
from mmnet.runtime.imaging.decoders import OPTIONAL_EXTENSIONS, lacking
from mmnet.runtime.imaging.stored import PhotoError, StoredImage, decode_stored

MAX_FILE_BYTES = 1 << 30
# The extensions that a folder is searched for: those of HEIC, AVIF and JPEG XL where their decoders are installed.
PHOTO_EXTENSIONS = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}).union(
    *(extensions for name, extensions in OPTIONAL_EXTENSIONS.items() if not lacking(name))
)
_UNREAD_EXTENSIONS = frozenset().union(*OPTIONAL_EXTENSIONS.values()) - PHOTO_EXTENSIONS


def list_photos(folder: Path) -> list[Path]:
    """Return the photos directly in `folder` (by extension, without hidden files), sorted by name.

    What was left out is noted in the log; see `mmnet.listing`.

    Raises:
        PhotoError: the folder cannot be read, or has no photo in it.
    """
    listing = list_files(folder, PHOTO_EXTENSIONS, "no photo")
    note_photos_left_out(folder, listing.left_out)
    return list(listing.files)


def note_photos_left_out(folder: object, left_out: LeftOut, hint: str = "") -> None:
    """Log what was left out of a folder, if anything was, and what to install if photos are among it.

    Args:
        folder: the folder, for the message.
        left_out: what was left out of it.
        hint: see `mmnet.listing.note_left_out`.
    """
    unread = sorted(_UNREAD_EXTENSIONS.intersection(left_out.extensions))
    note_left_out(folder, left_out, hint, f"the extra photos reads {', '.join(unread)}" if unread else "")


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
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PhotoError(no_folder_text(folder, "name a folder of photos")) from error
    except OSError as error:
        raise PhotoError(f"{folder}: cannot be listed: {error.strerror}") from error
    if not listing.files:
        inner = folder / "image"  # where a data set keeps its photos
        hint = f"; name {inner}, the photos of this data set" if inner.is_dir() else ""
        instead = f"; it has {listing.left_out}" if listing.left_out else ""
        raise PhotoError(f"{folder}: has {none} in it ({', '.join(sorted(extensions))}){instead}{hint}")
    return listing


@checked_arguments
def read_photo(path: str | Path) -> U8Array:
    """Read a JPEG, PNG, WebP, BMP, TIFF or AVIF, and with the extra `photos` a HEIC or JPEG XL.

    The orientation is applied, colours are brought to sRGB (by an ICC profile, what a PNG, HEIC, AVIF or JPEG XL
    declares, or EXIF's Adobe RGB), more than 8 bits become 8 (rounded), grey becomes RGB, and transparent images are
    composited over white. Of a HEIC or AVIF with several images, the primary one is read, which is noted in the log.

    Returns:
        uint8 [H, W, 3], RGB, 0-255, C-contiguous.

    Raises:
        PhotoError: the file is missing, unreadable, empty, truncated, no image, an image that is not surely
            understood, or too large.
    """
    path = Path(path)
    return decode_photo(_read_bytes(path), path)


def decode_photo(data: bytes, name: str | Path) -> U8Array:
    """Read a photo from the bytes of its file; formats and result are those of `read_photo`.

    Args:
        data: the whole file.
        name: what messages call the photo.

    Raises:
        PhotoError: the bytes are empty, truncated, no image, an image that is not surely understood, or too large.
    """
    path = Path(name)
    if not data:
        raise PhotoError(f"{path}: is empty (0 bytes)")
    return decode_stored(path, data).over_white()


def read_stored(path: str | Path) -> StoredImage:
    """Read an image upright, but otherwise as it is stored: its own depth, grey or colour, with its transparency.

    Raises:
        PhotoError: the file is missing, unreadable, empty, truncated, no image, an image that is not surely
            understood, or too large.
    """
    path = Path(path)
    return decode_stored(path, _read_bytes(path))


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
