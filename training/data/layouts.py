"""Data sets as folders: which photo belongs to which matte, and which pairs validate.

Three layouts are known, the entries of `LAYOUTS`; `find_source` recognises the layout of a folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import IMAGE, MASK, read_pair
from mmnet.listing import list_folder, no_folder_text
from mmnet.runtime.imaging.mattes import read_matte
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS, note_photos_left_out

_FOLDER = "name a folder of images"


class DataError(MMNetError):
    """Training data cannot be used as they are."""


class LayoutError(DataError):
    """A folder is not a data set of a known layout."""


@dataclass(frozen=True)
class Pair:
    """A photo and its matte.

    Attributes:
        photo: the photo's file.
        matte: the matte's file; for a cut-out the same as `photo`.
        from_alpha: whether the matte is the alpha channel of its file, and not its grey values.
    """

    photo: Path
    matte: Path
    from_alpha: bool = False

    @property
    def is_cutout(self) -> bool:
        """Whether the pair is a cut-out, one file with the foreground and its alpha but without a background."""
        return self.photo == self.matte

    def read(self) -> tuple[U8Array, U8Array]:
        """Read the photo, uint8 [H, W, 3] RGB, and the alpha matte, uint8 [H, W]; raises as `read_pair`."""
        return read_pair(self.photo, self.matte, from_alpha=self.from_alpha)

    def read_matte(self) -> U8Array:
        """Read the alpha matte alone, uint8 [H, W]; raises as `mmnet.runtime.imaging.mattes.read_matte`."""
        return read_matte(self.matte, from_alpha=self.from_alpha)


@dataclass(frozen=True)
class Source:
    """A data set on disk.

    Attributes:
        root: its folder.
        layout: name of its layout, a key of `LAYOUTS`.
        pairs: its pairs, in an order that depends on their names alone.
        unpaired: files without a partner, each with what is missing.
        weight: how often each of its images is drawn, relative to those of other data sets.
    """

    root: Path
    layout: str
    pairs: tuple[Pair, ...]
    unpaired: tuple[tuple[Path, str], ...] = ()
    weight: float = 1.0


# The pairs of a folder, and the files without a partner, each with the reason.
Pairing = tuple[list[Pair], list[tuple[Path, str]]]


def find_source(root: Path, weight: float = 1.0) -> Source:
    """Recognise the layout of a data set and list its pairs.

    Args:
        root: its folder.
        weight: see `Source`.

    Raises:
        LayoutError: `root` is not a folder, has no known layout, or holds no pair.
    """
    if not root.is_dir():
        raise LayoutError(no_folder_text(root, _FOLDER))
    try:
        layout = next((name for name, layout in LAYOUTS.items() if layout.fits(root)), None)
        if layout is None:
            splits = sorted(child.name for child in root.iterdir() if any(one.fits(child) for one in LAYOUTS.values()))
            hint = f"; name one of the data sets in it: {', '.join(str(root / name) for name in splits)}"
            raise LayoutError(f"{root}: is not a data set; it needs {_known_layouts()}{hint if splits else ''}")
        pairs, unpaired = LAYOUTS[layout].find(root)
    except OSError as error:
        raise LayoutError(f"{error.filename}: cannot be listed: {error.strerror}") from error
    if not pairs:
        first = f"; for example {unpaired[0][0]}: {unpaired[0][1]}" if unpaired else ""
        raise LayoutError(
            f"{root}: has the layout {LAYOUTS[layout].description}, but holds no photo with its matte{first}"
        )
    return Source(root, layout, tuple(pairs), tuple(unpaired), weight)


def match_folders(images: Path, mattes: Path) -> Pairing:
    """Pair the photos and the mattes directly inside two folders by the stems of their names.

    Returns:
        The pairs, and the files without a partner, each with the reason.

    Raises:
        LayoutError: a folder does not exist or cannot be listed.
    """
    for folder in (images, mattes):
        if not folder.is_dir():
            raise LayoutError(no_folder_text(folder, _FOLDER))
    try:
        return _partners(
            _photos(images, noted=True), _photos(mattes, noted=True), lambda path: PurePath(path.stem), alpha=False
        )
    except OSError as error:
        raise LayoutError(f"{error.filename}: cannot be listed: {error.strerror}") from error


def parse_weighted(argument: str) -> tuple[Path, float]:
    """Split `DIR` or `DIR=2.5` into the path and the weight, which is 1 if none is given.

    A path that exists is not split, even if it holds an equals sign.

    Raises:
        LayoutError: the weight is not a number above 0.
    """
    name, separator, number = argument.rpartition("=")
    if not separator or Path(argument).exists():
        return Path(argument), 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = -1
    if not 0 < weight < float("inf"):
        raise LayoutError(f"{argument}: the weight {number!r} is not a number above 0; write for example {name}=2.5")
    return Path(name), weight


def is_validation(stem: str, fraction: float) -> bool:
    """Whether the image of this name validates.

    The answer depends on the name alone: adding data moves no image to the other side, and the same stem in two data
    sets (a crop and the photo that it was cut from) falls on the same side.

    Args:
        stem: file name of the photo without its extension.
        fraction: of all names, in [0, 1], that validate; the images of a smaller fraction are among those of a larger.
    """
    return least_fraction(stem) < fraction


def least_fraction(stem: str) -> float:
    """Return the number in [0, 1) above which every fraction makes the image of this name validate."""
    digest = hashlib.blake2b(stem.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) / 2.0**64


def split(pairs: Iterable[Pair], fraction: float) -> tuple[list[Pair], list[Pair]]:
    """Divide pairs into those to train on and those to validate with, each in the given order; see `is_validation`."""
    sides: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        sides[is_validation(pair.photo.stem, fraction)].append(pair)
    return sides


def find_backgrounds(folder: Path) -> list[Path]:
    """List the photos in `folder` and its subfolders, sorted. What was left out is noted in the log.

    Raises:
        LayoutError: the folder does not exist, or holds no photo.
    """
    if not folder.is_dir():
        raise LayoutError(no_folder_text(folder, _FOLDER))
    try:
        listing = list_folder(folder, PHOTO_EXTENSIONS, recursive=True)
    except OSError as error:
        raise LayoutError(f"{folder}: cannot be listed: {error.strerror}") from error
    if not listing.files:
        raise LayoutError(f"{folder}: holds no background photo ({', '.join(sorted(PHOTO_EXTENSIONS))})")
    note_photos_left_out(folder, listing.left_out)
    return list(listing.files)


def has_alpha(path: Path) -> bool:
    """Whether the header of a PNG or WebP announces transparency (PNG 1.2, 4.1.1; RFC 9649, 2.7 and 3.4)."""
    with path.open("rb") as file:
        head = file.read(32)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return head[25:26] in (b"\3", b"\4", b"\6")  # a palette may hold transparent colours
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        if head[12:16] == b"VP8X":
            return bool(head[20] & 0x10)
        return head[12:16] == b"VP8L" and bool(head[24] & 0x10)
    return False


def _photos(folder: Path, *, noted: bool = False, recursive: bool = False) -> list[Path]:
    """List the photos of a folder, sorted; none where it does not exist. What was left out is logged if `noted`."""
    if not folder.is_dir():
        return []
    listing = list_folder(folder, PHOTO_EXTENSIONS, recursive=recursive)
    if noted:
        note_photos_left_out(folder, listing.left_out)
    return list(listing.files)


def _partners(photos: Sequence[Path], mattes: Sequence[Path], key: Callable[[Path], PurePath], alpha: bool) -> Pairing:
    """Pair the photos and mattes whose keys are equal."""
    unpaired: list[tuple[Path, str]] = []
    sides: list[dict[PurePath, Path]] = []
    for kind, paths in (("photo", photos), ("matte", mattes)):
        side: dict[PurePath, Path] = {}
        for path in paths:
            if side.setdefault(key(path), path) != path:
                unpaired.append((path, f"another {kind}, {side[key(path)].name}, has the same name"))
        sides.append(side)
    by_photo, by_matte = sides
    unpaired += [(by_photo[name], "has no matte") for name in sorted(by_photo.keys() - by_matte.keys())]
    unpaired += [(by_matte[name], "has no photo") for name in sorted(by_matte.keys() - by_photo.keys())]
    common = sorted(by_photo.keys() & by_matte.keys())
    return [Pair(by_photo[name], by_matte[name], from_alpha=alpha) for name in common], unpaired


def _find_folders(root: Path) -> Pairing:
    return match_folders(root / IMAGE, root / MASK)


def _find_cutouts(root: Path) -> Pairing:
    pairs, others = [], []
    for path in _photos(root, noted=True):
        try:
            is_cutout, why = has_alpha(path), "has no alpha channel"
        except OSError as error:
            is_cutout, why = False, f"cannot be read: {error.strerror}"
        if is_cutout:
            pairs.append(Pair(path, path, from_alpha=True))
        else:
            others.append((path, why))
    return pairs, others


def _holds_cutouts(root: Path) -> bool:
    for path in _photos(root):
        with suppress(OSError):  # one file that cannot be read says nothing about the others
            if has_alpha(path):
                return True
    return False


def _find_aisegment(root: Path) -> Pairing:
    def key(path: Path) -> PurePath:  # matting/1803151818/matting_00000000/x.png → 1803151818/00000000/x
        part = path.parent.name.partition("_")[2]
        return PurePath(path.parent.parent.name, part, path.stem)

    sides: list[list[Path]] = []
    elsewhere = []
    for top, inner in (("clip_img", "clip_"), ("matting", "matting_")):
        files = _photos(root / top, noted=True, recursive=True)
        fits = [len(parts := path.relative_to(root / top).parts) == 3 and parts[1].startswith(inner) for path in files]
        sides.append([path for path, fit in zip(files, fits, strict=True) if fit])
        elsewhere += [
            (path, f"is not in {top}/GROUP/{inner}*") for path, fit in zip(files, fits, strict=True) if not fit
        ]
    pairs, unpaired = _partners(sides[0], sides[1], key, alpha=True)
    return pairs, unpaired + elsewhere


@dataclass(frozen=True)
class Layout:
    """A layout of a data set's folder.

    Attributes:
        description: its file names, in words.
        fits: whether a folder has this layout.
        find: lists the pairs of a folder.
    """

    description: str
    fits: Callable[[Path], bool]
    find: Callable[[Path], Pairing]


LAYOUTS: dict[str, Layout] = {
    "folders": Layout(
        "image/NAME.jpg with mask/NAME.png",
        lambda root: (root / IMAGE).is_dir() and (root / MASK).is_dir(),
        _find_folders,
    ),
    "aisegment": Layout(
        "AISegment's clip_img/GROUP/clip_*/NAME.jpg with matting/GROUP/matting_*/NAME.png",
        lambda root: (root / "clip_img").is_dir() and (root / "matting").is_dir(),
        _find_aisegment,
    ),
    "cutouts": Layout(
        "cut-outs NAME.png or NAME.webp with an alpha channel",
        _holds_cutouts,
        _find_cutouts,
    ),
}


def _known_layouts() -> str:
    return ", or ".join(layout.description for layout in LAYOUTS.values())
