"""Photos and their alpha mattes on disk, paired by the stem of their names.

DIR/image/00002.jpg          DIR/test/image/00002.jpg   (with the split `test`)
DIR/mask/00002.png           DIR/test/mask/00002.png

Photos alone, DIR/00002.jpg, are enough to compare two models with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.failures import failure_line
from mmnet.listing import no_folder_text
from mmnet.runtime import PhotoError, list_photos, read_photo
from mmnet.runtime.imaging.mattes import matte_of, read_matte
from mmnet.runtime.imaging.photos import read_stored

IMAGE, MASK = "image", "mask"


class PairError(MMNetError):
    """A photo and its matte do not go together."""


def read_pair(photo: Path, matte: Path, *, from_alpha: bool = False, check: bool = True) -> tuple[U8Array, U8Array]:
    """Read a photo and its alpha matte: the one reader of pairs, for training, evaluation and `mmnet data check`.

    Args:
        photo: the photo's file.
        matte: the matte's file; the same file for a cut-out.
        from_alpha: whether the matte is the alpha channel of its file; if not, `mmnet.runtime.imaging.mattes` decides.
        check: whether the matte must reach half of full scale somewhere, or be 0 everywhere; see `read_matte`.

    Returns:
        The photo, uint8 [H, W, 3], RGB (of a cut-out the stored colours, also where it is transparent), and the alpha
        matte, uint8 [H, W], 255 = the foreground.

    Raises:
        PhotoError: a file cannot be read, or the second is no matte (`MatteFileError`).
        PairError: the two differ in size.
    """
    if photo == matte:
        stored = read_stored(photo)
        return stored.straight(), matte_of(stored, matte, from_alpha=from_alpha, check=check)
    image, alpha = read_photo(photo), read_matte(matte, from_alpha=from_alpha, check=check)
    check_sizes(photo, image, matte, alpha)
    return image, alpha


def check_sizes(photo: Path, image: U8Array, matte: Path, alpha: U8Array) -> None:
    """Refuse an image [H, W, 3] and a matte [H, W] of different sizes; the files are for the message.

    Raises:
        PairError: the sizes differ.
    """
    if image.shape[:2] != alpha.shape:
        raise PairError(
            f"{matte}: is {alpha.shape[1]}×{alpha.shape[0]}, its photo {photo} {image.shape[1]}×{image.shape[0]}; "
            "save both at one size"
        )


class DatasetError(MMNetError):
    """Images cannot be measured on.

    Attributes:
        problems: one line per problem; each names the file and the fix.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class Pair:
    """A photo and its alpha matte on disk.

    Attributes:
        name: their common stem.
        image: the file of the photo.
        mask: the file of the matte.
    """

    name: str
    image: Path
    mask: Path

    def read(self, *, check: bool = True) -> tuple[U8Array, U8Array]:
        """Read the photo, uint8 [H, W, 3] RGB, and α*, uint8 [H, W], 255 = the foreground; see `read_pair`.

        Raises:
            DatasetError: a file cannot be read, the second is no matte, or the two differ in size.
        """
        try:
            return read_pair(self.image, self.mask, check=check)
        except (PhotoError, PairError) as error:
            raise DatasetError([str(error)]) from error


@dataclass(frozen=True)
class Photo:
    """A photo on disk without a matte.

    Attributes:
        name: the stem of its file; the whole name where photos beside it share a stem.
        image: the file.
    """

    name: str
    image: Path

    def read(self) -> tuple[U8Array, None]:
        """Read the photo, uint8 [H, W, 3] RGB; the second value is None, for there is no matte.

        Raises:
            DatasetError: the photo cannot be read.
        """
        try:
            return read_photo(self.image), None
        except PhotoError as error:
            raise DatasetError([str(error)]) from error


def load_images(folder: Path, split: str | None = None) -> list[Pair] | list[Photo]:
    """List the pairs of a folder that holds `image` or `mask`, or splits that do; else the photos directly in it.

    Args:
        folder, split: as `load_pairs`.

    Raises:
        DatasetError: as `load_pairs`; or there is no such folder, or no photo in it.
    """
    place = folder / split if split else folder
    if any((place / part).is_dir() for part in (IMAGE, MASK)) or any(folder.glob(f"*/{IMAGE}")):
        return load_pairs(folder, split)
    try:
        paths = list_photos(place)
    except PhotoError as error:
        raise DatasetError([str(error)]) from error
    # Photos of one stem, such as IMG_1.HEIC beside IMG_1.JPG, keep the endings of their names.
    whole = bool(_ambiguous(paths))
    return [Photo(path.name if whole else path.stem, path) for path in paths]


def load_pairs(folder: Path, split: str | None = None) -> list[Pair]:
    """List the pairs of a folder, sorted by name, without reading them.

    Args:
        folder: the folder that holds `image` and `mask`, or splits that do.
        split: the subfolder to take, for example `test`; None: the folder itself.

    Raises:
        DatasetError: there is no such folder, no image, a photo without a matte, a matte without a photo, or two files
            of one stem. It lists all of them.
    """
    if not folder.is_dir():
        raise DatasetError([no_folder_text(folder, f"name a folder that holds {IMAGE} and {MASK}")])
    place = folder / split if split else folder
    for part in (IMAGE, MASK):
        if not (place / part).is_dir():
            splits = sorted(path.parent.name for path in folder.glob(f"*/{IMAGE}") if path.is_dir())
            fix = (
                f"name one of its splits: {' or '.join(f'split={one!r}' for one in splits)}"
                if splits and not split
                else f"put photos into {place / IMAGE} and their mattes into {place / MASK}"
            )
            raise DatasetError([f"{place / part}: no such folder; {fix}"])
    try:
        images, masks = list_photos(place / IMAGE), list_photos(place / MASK)
    except PhotoError as error:
        raise DatasetError([str(error)]) from error
    problems = [*_ambiguous(images), *_ambiguous(masks)]
    image_of, mask_of = ({path.stem: path for path in paths} for paths in (images, masks))
    problems += [f"{path}: has no matte {place / MASK / stem}.png" for stem, path in _without(image_of, mask_of)]
    problems += [f"{path}: has no photo {place / IMAGE / stem}.jpg" for stem, path in _without(mask_of, image_of)]
    if problems:
        raise DatasetError(problems)
    return [Pair(stem, image_of[stem], mask_of[stem]) for stem in sorted(image_of)]


def check_pairs(pairs: Sequence[Pair | Photo], progress: Callable[[int, int], None] = lambda done, total: None) -> str:
    """Read every pair or photo once, to report all that cannot be used before a long measurement.

    Args:
        pairs: at least one pair or photo.
        progress: called with the pairs read and their total.

    Returns:
        The SHA-256 over the names and pixels of all, in hexadecimal. The same pixels give the same hash in every file
        format.

    Raises:
        DatasetError: some pairs cannot be used; it lists all of them.
    """
    digests: list[bytes] = []
    problems: list[str] = []
    with ThreadPoolExecutor() as pool:
        for done, result in enumerate(pool.map(_fingerprint, pairs), start=1):
            if isinstance(result, DatasetError):
                problems += result.problems
            else:
                digests.append(result)
            progress(done, len(pairs))
    if problems:
        raise DatasetError(problems)
    return combined_fingerprint([pair.name for pair in pairs], digests)


def fingerprint(image: U8Array, mask: U8Array | None) -> bytes:
    """Return the SHA-256 of the pixels of an image and its matte, as `Pair.read` returns them."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(image.tobytes())
    if mask is not None:
        digest.update(mask.tobytes())
    return digest.digest()


def combined_fingerprint(names: Sequence[str], digests: Sequence[bytes]) -> str:
    """Return the hash of all images, as `check_pairs` does, from the name and `fingerprint` of each."""
    digest = hashlib.sha256()
    for name, part in zip(names, digests, strict=True):
        digest.update(name.encode(errors="surrogateescape") + b"\0" + part)
    return digest.hexdigest()


def _without(paths: dict[str, Path], partners: dict[str, Path]) -> list[tuple[str, Path]]:
    """Return the entries of `paths` whose stem is not in `partners`."""
    return [(stem, path) for stem, path in paths.items() if stem not in partners]


def _ambiguous(paths: Sequence[Path]) -> list[str]:
    """Return one problem for each file whose stem an earlier file has."""
    first: dict[str, Path] = {}
    problems = []
    for path in paths:
        if path.stem in first:
            problems.append(f"{path}: has the same stem as {first[path.stem]}; remove or rename one")
        first.setdefault(path.stem, path)
    return problems


def _fingerprint(pair: Pair | Photo) -> bytes | DatasetError:
    try:
        return fingerprint(*pair.read())
    except DatasetError as error:
        return error
    except Exception as error:
        return DatasetError([failure_line(error, pair.image)])
