"""Data sets as folders: which photo belongs to which matte, which of them validate, and how a pair is read.

Three layouts are known, each a row of `LAYOUTS`; which one a root has is found by looking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MMNetError
from mmnet.runtime.imaging.photos import PHOTO_EXTENSIONS, read_photo, read_stored, to_8_bits


class DataError(MMNetError):
    """The data for training cannot be used as it is."""


class LayoutError(DataError):
    """A folder is no data set of a known layout."""


class PairError(DataError):
    """A photo and its matte do not go together."""


@dataclass(frozen=True)
class Pair:
    """A photo and its matte.

    Attributes:
        photo: the photo's file.
        matte: the matte's file; for a cut-out the same as `photo`.
        from_alpha: the matte is the alpha channel of its file, not the grey of it.
    """

    photo: Path
    matte: Path
    from_alpha: bool = False

    @property
    def is_cutout(self) -> bool:
        """There is no photo behind the person: only the person's colours and alpha."""
        return self.photo == self.matte


@dataclass(frozen=True)
class Source:
    """One root of a data set.

    Attributes:
        root: the folder.
        layout: name of its layout, a key of `LAYOUTS`.
        pairs: its pairs, in an order that depends on their names alone.
        unpaired: files that have no partner, each with what is missing.
        weight: how often each of its images is drawn, relative to those of other sources.
    """

    root: Path
    layout: str
    pairs: tuple[Pair, ...]
    unpaired: tuple[tuple[Path, str], ...] = ()
    weight: float = 1.0


Found = tuple[list[Pair], list[tuple[Path, str]]]


def find_source(root: Path, weight: float = 1.0) -> Source:
    """Find the pairs under `root`.

    Raises:
        LayoutError: it is no folder, has no known layout, or has no pair in it.
    """
    if not root.is_dir():
        raise LayoutError(f"{root}: no such folder")
    try:
        layout = next((name for name, layout in LAYOUTS.items() if layout.fits(root)), None)
        if layout is None:
            raise LayoutError(f"{root}: is no data set; it needs {_known_layouts()}")
        pairs, unpaired = LAYOUTS[layout].find(root)
    except OSError as error:
        raise LayoutError(f"{error.filename}: cannot be listed: {error.strerror}") from error
    if not pairs:
        first = f"; for example {unpaired[0][0]}: {unpaired[0][1]}" if unpaired else ""
        raise LayoutError(f"{root}: looks like {LAYOUTS[layout].looks}, but has no photo with its matte{first}")
    return Source(root, layout, tuple(pairs), tuple(unpaired), weight)


def match_folders(images: Path, mattes: Path) -> Found:
    """The photos and mattes directly in two folders, joined by stem; and those without a partner, with the reason.

    Raises:
        LayoutError: a folder is not there or cannot be listed.
    """
    for folder in (images, mattes):
        if not folder.is_dir():
            raise LayoutError(f"{folder}: no such folder")
    try:
        return _partners(_photos(images), _photos(mattes), lambda path: PurePath(path.stem), alpha=False)
    except OSError as error:
        raise LayoutError(f"{error.filename}: cannot be listed: {error.strerror}") from error


def parse_weighted(argument: str) -> tuple[Path, float]:
    """`DIR` or `DIR=2.5` → the path and its weight, 1 unless said. A path that exists is taken as it is.

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
    """Whether the image of this name validates. It depends on nothing else, so adding data moves no image.

    The same stem in two roots (a crop and the photo that it comes from) falls on the same side.

    Args:
        stem: file name of the photo without its extension.
        fraction: of all names, in [0, 1], that validate; a larger fraction only adds to a smaller one's.
    """
    digest = hashlib.blake2b(stem.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) < fraction * 2.0**64


def split(pairs: Iterable[Pair], fraction: float) -> tuple[list[Pair], list[Pair]]:
    """The pairs to train and those to validate with, each in the order given; see `is_validation`."""
    sides: tuple[list[Pair], list[Pair]] = ([], [])
    for pair in pairs:
        sides[is_validation(pair.photo.stem, fraction)].append(pair)
    return sides


def find_backgrounds(folder: Path) -> list[Path]:
    """The photos in `folder` and below it, sorted.

    Raises:
        LayoutError: there is no such folder, or no photo in it.
    """
    if not folder.is_dir():
        raise LayoutError(f"{folder}: no such folder of backgrounds")
    found = sorted(path for path in folder.rglob("*") if _is_photo(path))
    if not found:
        raise LayoutError(f"{folder}: has no background photo in it ({', '.join(sorted(PHOTO_EXTENSIONS))})")
    return found


def read_pair(pair: Pair) -> tuple[U8Array, U8Array]:
    """Read a photo and its matte.

    Returns:
        uint8 [H, W, 3], RGB (a cut-out: its own colours, also where it is transparent), and uint8 [H, W], the alpha.

    Raises:
        PhotoError: one of the files cannot be read.
        PairError: they differ in size, or the matte has no alpha channel where the layout says so.
    """
    if pair.is_cutout:
        stored = read_stored(pair.photo)
        matte = matte_of(pair, stored)
        return np.ascontiguousarray(_colour(stored)), matte
    photo, matte = read_photo(pair.photo), read_matte(pair)
    if photo.shape[:2] != matte.shape:
        raise PairError(
            f"{pair.photo}: is {photo.shape[1]}×{photo.shape[0]}, its matte {pair.matte} is "
            f"{matte.shape[1]}×{matte.shape[0]}; make them one size"
        )
    return photo, matte


def read_matte(pair: Pair) -> U8Array:
    """The matte alone: uint8 [H, W]. Raises as `read_pair`."""
    return matte_of(pair, read_stored(pair.matte))


def matte_of(pair: Pair, stored: AnyArray) -> U8Array:
    """The alpha in the pixels of `pair.matte` as stored: its alpha channel, or else its grey.

    Raises:
        PairError: there is no alpha channel where the layout says so, or the samples have neither 8 nor 16 bits.
    """
    if stored.dtype == np.uint16:
        stored = to_8_bits(stored)
    if stored.dtype != np.uint8:
        raise PairError(f"{pair.matte}: has {stored.dtype} samples; save it with 8 or 16 bits a channel")
    layers = stored.reshape(*stored.shape[:2], -1)
    channels = layers.shape[2]
    has_alpha = channels in (2, 4)
    if pair.from_alpha and not has_alpha:
        raise PairError(f"{pair.matte}: has no alpha channel, which is where its layout keeps the matte")
    # A grey matte saved by an editor may carry an alpha channel that says nothing.
    if has_alpha and (pair.from_alpha or layers[..., -1].min() < 255):
        return np.ascontiguousarray(layers[..., -1])
    if channels <= 2:
        return np.ascontiguousarray(layers[..., 0])
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(layers[..., :3]), cv2.COLOR_BGR2GRAY), np.uint8)


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


def _colour(stored: AnyArray) -> U8Array:
    eight = to_8_bits(stored) if stored.dtype == np.uint16 else stored
    return eight[..., :1].repeat(3, axis=2) if eight.shape[2] == 2 else eight[..., 2::-1]


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in PHOTO_EXTENSIONS and not path.name.startswith(".") and path.is_file()


def _photos(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_photo(path)) if folder.is_dir() else []


def _partners(photos: Sequence[Path], mattes: Sequence[Path], key: Callable[[Path], PurePath], alpha: bool) -> Found:
    """Join photos and mattes whose keys are the same."""
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


def _find_folders(root: Path) -> Found:
    return match_folders(root / "image", root / "mask")


def _find_cutouts(root: Path) -> Found:
    images = _photos(root)
    cutouts = [path for path in images if has_alpha(path)]
    others = [(path, "has no alpha channel") for path in images if path not in set(cutouts)]
    return [Pair(path, path, from_alpha=True) for path in cutouts], others


def _find_aisegment(root: Path) -> Found:
    def key(path: Path) -> PurePath:  # matting/1803151818/matting_00000000/x.png → 1803151818/00000000/x
        part = path.parent.name.partition("_")[2]
        return PurePath(path.parent.parent.name, part, path.stem)

    photos = sorted(path for path in (root / "clip_img").glob("*/clip_*/*") if _is_photo(path))
    mattes = sorted(path for path in (root / "matting").glob("*/matting_*/*") if _is_photo(path))
    return _partners(photos, mattes, key, alpha=True)


@dataclass(frozen=True)
class Layout:
    """A way to lay out a data set: how it looks, when a root has it, and where its pairs are."""

    looks: str
    fits: Callable[[Path], bool]
    find: Callable[[Path], Found]


LAYOUTS: dict[str, Layout] = {
    "folders": Layout(
        "image/NAME.jpg with mask/NAME.png",
        lambda root: (root / "image").is_dir() and (root / "mask").is_dir(),
        _find_folders,
    ),
    "aisegment": Layout(
        "AISegment's clip_img/GROUP/clip_*/NAME.jpg with matting/GROUP/matting_*/NAME.png",
        lambda root: (root / "clip_img").is_dir() and (root / "matting").is_dir(),
        _find_aisegment,
    ),
    "cutouts": Layout(
        "cut-outs NAME.png or NAME.webp with an alpha channel",
        lambda root: any(has_alpha(path) for path in _photos(root)),
        _find_cutouts,
    ),
}


def _known_layouts() -> str:
    return ", or ".join(layout.looks for layout in LAYOUTS.values())
