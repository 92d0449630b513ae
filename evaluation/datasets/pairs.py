"""Images to measure on: photos and their alpha mattes, paired by the stem of their names.

DIR/image/00002.jpg          DIR/test/image/00002.jpg   (with the split `test`)
DIR/mask/00002.png           DIR/test/mask/00002.png

Or photos alone, DIR/00002.jpg, where two models are compared with each other and not with the truth.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.runtime import PhotoError, list_photos, read_photo

IMAGE, MASK = "image", "mask"


class DatasetError(MMNetError):
    """Images that cannot be measured on.

    Attributes:
        problems: one line each, naming the file and the fix.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


@dataclass(frozen=True)
class Pair:
    """A photo and its alpha matte on disk. `name` is their common stem."""

    name: str
    image: Path
    mask: Path

    def read(self) -> tuple[U8Array, U8Array]:
        """The photo, uint8 [H, W, 3] RGB, and α*, uint8 [H, W], 255 = the person (16 bits are rounded to 8).

        Raises:
            DatasetError: one cannot be read, they differ in size, or the matte is no matte.
        """
        try:
            image, mask = read_photo(self.image), read_photo(self.mask)
        except PhotoError as error:
            raise DatasetError([str(error)]) from error
        if image.shape != mask.shape:
            raise DatasetError(
                [
                    f"{self.mask}: is {mask.shape[1]}×{mask.shape[0]}, its photo {self.image} "
                    f"{image.shape[1]}×{image.shape[0]}; save both at one size"
                ]
            )
        grey = mask[..., 0]
        if (mask != grey[..., None]).any():
            raise DatasetError([f"{self.mask}: is an image in colour; an alpha matte is grey, 255 = the person"])
        if grey.max() == 1:
            raise DatasetError([f"{self.mask}: holds 0 and 1; an 8-bit alpha matte has 255 where the person is"])
        return image, np.ascontiguousarray(grey)


@dataclass(frozen=True)
class Photo:
    """A photo on disk whose matte nobody knows. `name` is the stem of its file."""

    name: str
    image: Path

    def read(self) -> tuple[U8Array, None]:
        """The photo, uint8 [H, W, 3] RGB, and no matte.

        Raises:
            DatasetError: it cannot be read.
        """
        try:
            return read_photo(self.image), None
        except PhotoError as error:
            raise DatasetError([str(error)]) from error


def load_images(folder: Path, split: str | None = None) -> list[Pair] | list[Photo]:
    """The pairs of a folder that holds `image` or `mask`, or splits that do; else the photos directly in it.

    Args:
        folder, split: as `load_pairs`.

    Raises:
        DatasetError: as `load_pairs`; or no such folder, no photo in it, or two of one stem.
    """
    place = folder / split if split else folder
    if any((place / part).is_dir() for part in (IMAGE, MASK)) or any(folder.glob(f"*/{IMAGE}")):
        return load_pairs(folder, split)
    try:
        paths = list_photos(place)
    except PhotoError as error:
        raise DatasetError([str(error)]) from error
    if problems := _ambiguous(paths):
        raise DatasetError(problems)
    return [Photo(path.stem, path) for path in paths]


def load_pairs(folder: Path, split: str | None = None) -> list[Pair]:
    """List the pairs of a folder, sorted by name, without reading them.

    Args:
        folder: holds `image` and `mask`, or the splits that do.
        split: its subfolder, for example `test`; None: the folder itself.

    Raises:
        DatasetError: no such folder, no images, a photo without a matte or the other way round, or two files of
            one stem. It lists all of them.
    """
    place = folder / split if split else folder
    for part in (IMAGE, MASK):
        if not (place / part).is_dir():
            splits = sorted(path.parent.name for path in folder.glob(f"*/{IMAGE}") if path.is_dir())
            fix = (
                f"name one of its splits: --split {' or '.join(splits)}"
                if splits and not split
                else f"photos belong into {place / IMAGE}, their mattes into {place / MASK}"
            )
            raise DatasetError([f"{place / part}: no such folder; {fix}"])
    try:
        images, masks = list_photos(place / IMAGE), list_photos(place / MASK)
    except PhotoError as error:
        raise DatasetError([str(error)]) from error
    problems = [*_ambiguous(images), *_ambiguous(masks)]
    image_of, mask_of = ({path.stem: path for path in paths} for paths in (images, masks))
    problems += [f"{path}: has no matte {place / MASK / stem}.png" for stem, path in _lacking(image_of, mask_of)]
    problems += [f"{path}: has no photo {place / IMAGE / stem}.jpg" for stem, path in _lacking(mask_of, image_of)]
    if problems:
        raise DatasetError(problems)
    return [Pair(stem, image_of[stem], mask_of[stem]) for stem in sorted(image_of)]


def check_pairs(pairs: Sequence[Pair | Photo], progress: Callable[[int, int], None] = lambda done, total: None) -> str:
    """Read every pair (or photo) once, so that what is wrong with one is known before hours are spent on the others.

    Args:
        pairs: at least one.
        progress: called with the pairs read and their total.

    Returns:
        SHA-256 over the names and pixels of all of them: the same for the same images, whatever their files.

    Raises:
        DatasetError: lists every pair that cannot be used.
    """
    found: list[bytes] = []
    problems: list[str] = []
    with ThreadPoolExecutor() as pool:
        for done, result in enumerate(pool.map(_fingerprint, pairs), start=1):
            if isinstance(result, DatasetError):
                problems += result.problems
            else:
                found.append(result)
            progress(done, len(pairs))
    if problems:
        raise DatasetError(problems)
    return combined_fingerprint([pair.name for pair in pairs], found)


def fingerprint(image: U8Array, mask: U8Array | None) -> bytes:
    """SHA-256 of an image's pixels and its matte's, as `read` gives them."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(image.tobytes())
    if mask is not None:
        digest.update(mask.tobytes())
    return digest.digest()


def combined_fingerprint(names: Sequence[str], found: Sequence[bytes]) -> str:
    """What `check_pairs` returns, of every image's name and `fingerprint`."""
    digest = hashlib.sha256()
    for name, part in zip(names, found, strict=True):
        digest.update(name.encode() + b"\0" + part)
    return digest.hexdigest()


def _lacking(these: dict[str, Path], those: dict[str, Path]) -> list[tuple[str, Path]]:
    """The entries of `these` whose stem `those` lacks."""
    return [(stem, path) for stem, path in these.items() if stem not in those]


def _ambiguous(paths: Sequence[Path]) -> list[str]:
    """Files of one stem, of which nobody can say which is meant."""
    first: dict[str, Path] = {}
    twice = []
    for path in paths:
        if path.stem in first:
            twice.append(f"{path}: has the same stem as {first[path.stem]}; remove or rename one")
        first.setdefault(path.stem, path)
    return twice


def _fingerprint(pair: Pair | Photo) -> bytes | DatasetError:
    try:
        return fingerprint(*pair.read())
    except DatasetError as error:
        return error
