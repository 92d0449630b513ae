"""Packs: images that are decoded once, all of one size, in memory or in a file that is mapped into memory.

A pack file is an uncompressed .npz of plain arrays. Its images are mapped, not read: a pack opens at once, may be
larger than the memory, and holds nothing that is executed.
"""

from __future__ import annotations

import json
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.evaluation.datasets.pairs import PairError
from mmnet.failures import failure_line
from mmnet.files import atomic_file
from mmnet.json_reader import MAX_BYTES, JsonError, check_members, parse_json, shown
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.training.augment import Sample, estimate_training_foreground, resize
from mmnet.training.data.layouts import DataError, Pair

Progress = Callable[[int, int], None]

FORMAT = "mmnet-pack-1"
# What zipfile, zlib, NumPy's reader of headers and mmap raise for damaged files.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError, SyntaxError, LookupError, TypeError, ValueError,
    NotImplementedError, RuntimeError, EOFError, ArithmeticError, MemoryError,
)  # fmt: skip
_REWRITE = "write it again with `mmnet data pack`"
_MAX_SIDE = 1 << 14
_MAX_HEADER_BYTES = 10_000
# Packed images are a quarter larger than the network's input, so that magnified views stay sharp.
MARGIN = 1.25


class PackError(DataError):
    """A file is not a pack, or its images do not fit the training."""


@dataclass(frozen=True)
class Pack:
    """Images of one size with their mattes.

    Attributes:
        origin: the folder or file that they come from.
        names: N file names, relative to `origin`.
        side: P, the side of every image in pixels.
        records: uint8 [N, P·P·C], in memory or mapped from a file; each row holds the photo, the matte and, if C is 7
            and not 4, the foreground's colours.
        aspects: float32 [N], width / height before the images were stretched.
        cutouts: bool [N], whether an image has no background of its own.
    """

    origin: str
    names: tuple[str, ...]
    side: int
    records: U8Array
    aspects: F32Array
    cutouts: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_foregrounds(self) -> bool:
        """Whether the pack holds the foregrounds' colours, so that backgrounds can be replaced."""
        return bool(self.records.shape[1] == 7 * self.side**2)

    def stem(self, index: int) -> str:
        """Return the stem of an image's name, which decides whether it validates; see `layouts.is_validation`."""
        return PurePosixPath(self.names[index]).stem

    def sample(self, index: int) -> Sample:
        """Return one image; its arrays are views of `records`."""
        return _sample(self.records[index], self.side, float(self.aspects[index]), bool(self.cutouts[index]))

    def save(self, path: Path) -> None:
        """Write a pack file, completely or not at all.

        Raises:
            OutputError: the file could not be written.
        """
        write_pack(path, self, iter(self.records))


def _sample(record: U8Array, side: int, aspect: float, is_cutout: bool) -> Sample:
    area = side * side
    photo, matte, foreground = record[: 3 * area], record[3 * area : 4 * area], record[4 * area :]
    return Sample(
        photo.reshape(side, side, 3),
        matte.reshape(side, side),
        foreground.reshape(side, side, 3) if foreground.size else None,
        aspect,
        is_cutout,
    )


def side_for(size: int) -> int:
    """Return the side of packed images, in pixels, for a network whose input is size×size."""
    return round(size * MARGIN)


def build_pack(
    pairs: Sequence[Pair],
    side: int,
    *,
    root: Path,
    foregrounds: bool = True,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Pack:
    """Read pairs into memory.

    Args:
        pairs: at least one.
        side: P, side of the packed images in pixels.
        root: the folder that the names are relative to.
        foregrounds: whether to estimate the foregrounds' colours, so that backgrounds can be replaced. If not, the
            images are stretched exactly as the runtime does (`to_model_input`).
        workers: threads; None: one per core.
        progress: called with the images done and their total.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        PackError: the images do not fit into memory.
    """
    pack = _empty_pack(pairs, side, root, foregrounds)
    size = len(pairs) * _record_bytes(side, foregrounds)
    free = _free_memory()
    if size > free:
        raise PackError(
            f"{root}: its {len(pairs):,} images take {size / 2**30:.1f} GiB of memory, {free / 2**30:.1f} are free; "
            f"write them to a file with `mmnet data pack {root} -o FILE.npz` and train with data=FILE.npz"
        )
    records = np.empty((len(pairs), _record_bytes(side, foregrounds)), np.uint8)
    for index, record in enumerate(_records(pairs, pack, foregrounds, workers, progress)):
        records[index] = record
    return Pack(pack.origin, pack.names, side, records, pack.aspects, pack.cutouts)


def pack_to_file(
    pairs: Sequence[Pair],
    side: int,
    path: Path,
    *,
    root: Path,
    foregrounds: bool = True,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
    replace: bool = True,
) -> None:
    """Read pairs into a pack file, which may be larger than the memory.

    Args:
        path: the file to write.
        pairs, side, root, foregrounds, workers, progress: as for `build_pack`.
        replace: whether a file of that name is replaced.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        OutputError: the file could not be written.
    """
    pack = _empty_pack(pairs, side, root, foregrounds)
    write_pack(path, pack, _records(pairs, pack, foregrounds, workers, progress), replace=replace)


def load_pack(path: Path) -> Pack:
    """Open a pack file; its images are mapped, read-only.

    The checksums of the archive cover everything but the images, which are not read here.

    Raises:
        PackError: the file does not exist, cannot be read, or is not a complete pack.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about = _about(archive, path)
            names, side = tuple(about["names"]), about["side"]
            aspects = _small_array(archive, "aspects.npy", "<f4", len(names))
            cutouts = _small_array(archive, "cutouts.npy", "|b1", len(names))
            records = _mapped(path, archive.getinfo("records.npy"))
    except FileNotFoundError as error:
        raise PackError(f"{path}: no such file") from error
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise PackError(f"{path}: is not a complete pack ({_one_line(error)}); {_REWRITE}") from error
    shapes = [(len(names), _record_bytes(side, foregrounds)) for foregrounds in (True, False)]
    if records.shape not in shapes:
        raise PackError(f"{path}: is not a complete pack (images of {records.shape}); {_REWRITE}")
    if not (np.isfinite(aspects).all() and (aspects > 0).all()):
        raise PackError(f"{path}: is not a complete pack (an aspect ratio that no image has); {_REWRITE}")
    return Pack(str(path), names, side, records, aspects, cutouts)


def load_backgrounds(
    paths: Sequence[Path], side: int, *, workers: int | None = None, progress: Progress = lambda done, total: None
) -> U8Array:
    """Read photos to composite people over: uint8 [N, side, side, 3].

    Raises:
        PhotoError: a photo cannot be read.
    """
    images = np.empty((len(paths), side, side, 3), np.uint8)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for index, image in enumerate(pool.map(lambda path: resize(read_photo(path), side), paths)):
            images[index] = image
            progress(index + 1, len(paths))
    return images


def write_pack(path: Path, pack: Pack, records: Iterator[U8Array], *, replace: bool = True) -> None:
    """Write a pack file from records that come one by one; `pack.records` is not used.

    Raises:
        OutputError: the file could not be written, or it exists and `replace` is false; nothing is left behind.
    """
    with (
        atomic_file(path, replace=replace) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive,
    ):
        with archive.open("records.npy", "w", force_zip64=True) as member:
            first = next(records)
            header = {"descr": "|u1", "fortran_order": False, "shape": (len(pack), first.size)}
            np.lib.format.write_array_header_2_0(member, header)
            member.write(first.data)
            for record in records:
                member.write(record.data)
        for name, array in (("aspects.npy", pack.aspects), ("cutouts.npy", pack.cutouts)):
            with archive.open(name, "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
        about = {"format": FORMAT, "count": len(pack), "side": pack.side, "origin": pack.origin}
        archive.writestr("about.json", json.dumps(about | {"names": pack.names}))


def _empty_pack(pairs: Sequence[Pair], side: int, root: Path, foregrounds: bool) -> Pack:
    if not pairs:
        raise DataError(f"{root}: there is no image to read")
    names = tuple(pair.photo.relative_to(root).as_posix() for pair in pairs)
    cutouts = np.array([pair.is_cutout for pair in pairs])
    nothing = np.empty((0, _record_bytes(side, foregrounds)), np.uint8)
    return Pack(str(root), names, side, nothing, np.ones(len(pairs), np.float32), cutouts)


def _records(
    pairs: Sequence[Pair], pack: Pack, foregrounds: bool, workers: int | None, progress: Progress
) -> Iterator[U8Array]:
    """Yield every pair as a record, in order, and fill in the aspects of `pack`; few are in memory at a time."""
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(pairs), 8 * workers):
            some = pairs[start : start + 8 * workers]
            for index, (record, aspect) in enumerate(
                pool.map(lambda pair: _named_record(pair, pack.side, foregrounds), some), start
            ):
                pack.aspects[index] = aspect
                yield record
                progress(index + 1, len(pairs))


def _named_record(pair: Pair, side: int, foregrounds: bool) -> tuple[U8Array, float]:
    """Return `_record`; an exception that nothing expects becomes a `PairError` that names the pair."""
    try:
        return _record(pair, side, foregrounds)
    except MMNetError:
        raise
    except Exception as error:
        raise PairError(failure_line(error, pair.photo)) from error


def _record(pair: Pair, side: int, foregrounds: bool) -> tuple[U8Array, float]:
    colours, alpha = pair.read()
    height, width = alpha.shape
    # The stored colours of transparent pixels have no meaning: composite over white, as image viewers do.
    photo = read_photo(pair.photo) if pair.is_cutout else colours
    if not foregrounds:
        matte = to_model_input(np.repeat(alpha[..., None], 3, axis=2), side)[..., 0]
        return np.concatenate([to_model_input(photo, side).ravel(), matte.ravel()]), width / height
    matte = resize(alpha, side)
    foreground = foreground_of(resize(colours, side), matte, pair.is_cutout)
    return np.concatenate([resize(photo, side).ravel(), matte.ravel(), foreground.ravel()]), width / height


def foreground_of(colours: U8Array, matte: U8Array, is_cutout: bool) -> U8Array:
    """Return the foreground's colours, without those of the background.

    Args:
        colours: uint8 [H, W, 3], of a photo or a cut-out.
        matte: uint8 [H, W].
        is_cutout: whether the colours are those of a cut-out.

    Returns:
        uint8 [H, W, 3].
    """
    if not is_cutout:
        return estimate_training_foreground(colours, matte)
    # A cut-out stores the foreground's colours wherever alpha exceeds 0; only beyond are they estimated.
    known = (matte > 0).astype(np.uint8) * np.uint8(255)
    return estimate_training_foreground(colours, known)


def _record_bytes(side: int, foregrounds: bool) -> int:
    return side * side * (7 if foregrounds else 4)


def _about(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    if archive.getinfo("about.json").file_size > MAX_BYTES:
        raise JsonError("its description is too large")
    about = parse_json(archive.read("about.json"))
    if not isinstance(about, dict):
        raise JsonError("its description is no mapping")
    if about.get("format") != FORMAT:
        raise PackError(f"{path}: is a pack of format {shown(about.get('format'))}; this version reads {FORMAT!r}")
    check_members(about, {"names": list, "side": int, "count": int})
    if not all(isinstance(name, str) for name in about["names"]):
        raise JsonError("a name is not text")
    if not (0 < about["side"] <= _MAX_SIDE and about["count"] == len(about["names"]) > 0):
        raise JsonError(f"{about['count']} images of side {about['side']}, {len(about['names'])} names")
    return about


def _small_array(archive: zipfile.ZipFile, name: str, dtype: str, count: int) -> AnyArray:
    if archive.getinfo(name).file_size > count * np.dtype(dtype).itemsize + _MAX_HEADER_BYTES:
        raise ValueError(f"{name} is too large")
    with archive.open(name) as member:
        # The header is checked first, since reading the array reserves what the header says.
        if _header(member) != ((count,), np.dtype(dtype)):
            raise ValueError(f"{name} has another shape or type")
        content = member.read()
    return np.frombuffer(content, dtype, count).copy()


def _mapped(path: Path, member: zipfile.ZipInfo) -> U8Array:
    """Map a stored .npy inside a .zip (APPNOTE 6.3, 4.3.7: a local header is 30 bytes, a name and an extra field)."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = np.frombuffer(file.read(4), "<u2")
        file.seek(member.header_offset + 30 + int(name) + int(extra))
        shape, dtype = _header(file)
        if dtype != np.uint8 or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{member.filename} has another type, or is compressed")
        return np.memmap(file, np.uint8, "r", file.tell(), shape)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype of the .npy that begins here; afterwards its values begin."""
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
        np.lib.format.read_magic(file)
    ]
    shape, fortran_order, dtype = read_header(file, max_header_size=_MAX_HEADER_BYTES)
    if fortran_order or not all(length >= 0 for length in shape):
        raise ValueError("an array in another order")
    return shape, dtype


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _free_memory() -> int:
    """Return how many bytes can be allocated without swapping, the file cache included; 2^62 if that is unknown."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 1 << 62
