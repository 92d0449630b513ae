"""Packs: images decoded once, all of one size, in memory or in a file that is mapped into it.

A pack file is an uncompressed .npz of plain arrays. Its images are mapped, not read: opening one takes no time, it
may be larger than the memory, and nothing in it is executed.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.files import atomic_file
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.preprocess import to_model_input
from mmnet.training.augment import Sample, estimate_training_foreground, resize
from mmnet.training.data.layouts import DataError, Pair, read_pair

Progress = Callable[[int, int], None]

FORMAT = "mmnet-pack-1"
# A quarter larger than what the network takes: as sharp at the magnifications that augmentation mostly draws.
MARGIN = 1.25


class PackError(DataError):
    """A file is no pack, or does not fit what is asked of it."""


@dataclass(frozen=True)
class Pack:
    """Images of one size with their mattes.

    Attributes:
        origin: the folder or file that they come from.
        names: N file names, relative to `origin`.
        side: P, the side of every image in pixels.
        records: uint8 [N, P·P·C], perhaps mapped from a file; an image after the other: photo, matte and, with
            C = 7 instead of 4, the foreground's colours.
        aspects: float32 [N], width / height before the images were stretched.
        cutouts: bool [N], which have no background of their own.
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
        """Whether backgrounds can be replaced."""
        return bool(self.records.shape[1] == 7 * self.side**2)

    def stem(self, index: int) -> str:
        """What decides whether an image validates; see `mmnet.training.data.layouts.is_validation`."""
        return PurePosixPath(self.names[index]).stem

    def sample(self, index: int) -> Sample:
        """One image; its arrays are views."""
        return _sample(self.records[index], self.side, float(self.aspects[index]), bool(self.cutouts[index]))

    def save(self, path: Path) -> None:
        """Write a pack file, or nothing.

        Raises:
            OutputError: the file system refused.
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
    """The side that images are packed with, for a network that takes size×size."""
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
    """Read all pairs into memory.

    Args:
        pairs: at least one.
        side: P, in pixels.
        root: what the names are relative to.
        foregrounds: estimate the foregrounds' colours, so that backgrounds can be replaced. Without them, the
            images are to be taken as they are, and are stretched exactly as the runtime does (`to_model_input`).
        workers: threads; None: one a core.
        progress: called with the images done and their total.

    Raises:
        PhotoError, PairError: an image cannot be used; the message names it.
        PackError: they would not fit into memory.
    """
    pack = _empty_pack(pairs, side, root, foregrounds)
    size = len(pairs) * _record_bytes(side, foregrounds)
    free = _free_memory()
    if size > free:
        raise PackError(
            f"{root}: its {len(pairs):,} images take {size / 2**30:.1f} GiB of memory, {free / 2**30:.1f} are free; "
            f"write them to a file with `mmnet data pack {root} -o FILE.npz` and train with --data FILE.npz"
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
) -> None:
    """`build_pack`, straight into a pack file: it may be larger than the memory. Raises as that and `Pack.save`."""
    pack = _empty_pack(pairs, side, root, foregrounds)
    write_pack(path, pack, _records(pairs, pack, foregrounds, workers, progress))


def load_pack(path: Path) -> Pack:
    """Open a pack file; its images are mapped, read-only.

    Raises:
        PackError: no such file, or no whole pack.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about = json.loads(archive.read("about.json"))
            if about["format"] != FORMAT:
                raise PackError(f"{path}: is a pack of format {about['format']!r}; this version reads {FORMAT!r}")
            # Copied out of the read-only buffer, checked by the archive's own checksum.
            aspects = _small_array(archive, "aspects.npy", "<f4", about["count"])
            cutouts = _small_array(archive, "cutouts.npy", "|b1", about["count"])
            records = _mapped(path, archive.getinfo("records.npy"))
    except FileNotFoundError as error:
        raise PackError(f"{path}: no such file") from error
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise PackError(f"{path}: is no whole pack; write it again with `mmnet data pack`") from error
    pack = Pack(str(path), tuple(map(str, about["names"])), int(about["side"]), records, aspects, cutouts)
    if records.shape != (len(pack), _record_bytes(pack.side, pack.has_foregrounds)) or len(pack) != about["count"]:
        raise PackError(f"{path}: is no whole pack; write it again with `mmnet data pack`")
    return pack


def load_backgrounds(
    paths: Sequence[Path], side: int, *, workers: int | None = None, progress: Progress = lambda done, total: None
) -> U8Array:
    """Read photos to lay behind people: uint8 [N, side, side, 3].

    Raises:
        PhotoError: one cannot be read.
    """
    images = np.empty((len(paths), side, side, 3), np.uint8)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for index, image in enumerate(pool.map(lambda path: resize(read_photo(path), side), paths)):
            images[index] = image
            progress(index + 1, len(paths))
    return images


def write_pack(path: Path, pack: Pack, records: Iterator[U8Array]) -> None:
    """Write a pack file whose images come one by one; `pack.records` is not looked at.

    Raises:
        OutputError: the file system refused; nothing is left behind.
    """
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
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
        raise DataError(f"{root}: no image is left to read")
    names = tuple(pair.photo.relative_to(root).as_posix() for pair in pairs)
    cutouts = np.array([pair.is_cutout for pair in pairs])
    nothing = np.empty((0, _record_bytes(side, foregrounds)), np.uint8)
    return Pack(str(root), names, side, nothing, np.ones(len(pairs), np.float32), cutouts)


def _records(
    pairs: Sequence[Pair], pack: Pack, foregrounds: bool, workers: int | None, progress: Progress
) -> Iterator[U8Array]:
    """Every pair as a record, in order; fills in the aspects. At most a few are held at a time."""
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(pairs), 8 * workers):
            some = pairs[start : start + 8 * workers]
            for index, (record, aspect) in enumerate(
                pool.map(lambda pair: _record(pair, pack.side, foregrounds), some), start
            ):
                pack.aspects[index] = aspect
                yield record
                progress(index + 1, len(pairs))


def _record(pair: Pair, side: int, foregrounds: bool) -> tuple[U8Array, float]:
    colours, alpha = read_pair(pair)
    height, width = alpha.shape
    # What lies where a cut-out is transparent means nothing: lay its colours over white, as every viewer does.
    photo = read_photo(pair.photo) if pair.is_cutout else colours
    if not foregrounds:
        matte = to_model_input(np.repeat(alpha[..., None], 3, axis=2), side)[..., 0]
        return np.concatenate([to_model_input(photo, side).ravel(), matte.ravel()]), width / height
    matte = resize(alpha, side)
    person = own_colours(resize(colours, side), matte, pair.is_cutout)
    return np.concatenate([resize(photo, side).ravel(), matte.ravel(), person.ravel()]), width / height


def own_colours(person: U8Array, matte: U8Array, is_cutout: bool) -> U8Array:
    """The person's colours without the background's: uint8 [H, W, 3] of a photo or cut-out and its matte [H, W]."""
    if not is_cutout:
        return estimate_training_foreground(person, matte)
    # A cut-out's colours are the person's where anything shows; beyond, what the estimate continues them with.
    known = (matte > 0).astype(np.uint8) * np.uint8(255)
    return estimate_training_foreground(person, known)


def _record_bytes(side: int, foregrounds: bool) -> int:
    return side * side * (7 if foregrounds else 4)


def _small_array(archive: zipfile.ZipFile, name: str, dtype: str, count: int) -> AnyArray:
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
    if array.dtype != np.dtype(dtype) or array.shape != (count,):
        raise ValueError(name)
    return np.asarray(array)


def _mapped(path: Path, member: zipfile.ZipInfo) -> U8Array:
    """A stored .npy inside a .zip, mapped (APPNOTE 6.3, 4.3.7: a local header is 30 bytes, a name and an extra)."""
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)
        name, extra = np.frombuffer(file.read(4), "<u2")
        file.seek(member.header_offset + 30 + int(name) + int(extra))
        version = np.lib.format.read_magic(file)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[
            version
        ]
        shape, _, dtype = read_header(file)
        if dtype != np.uint8 or member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(member.filename)
        return np.memmap(file, np.uint8, "r", file.tell(), shape)


def _free_memory() -> int:
    """U8Array that may be taken without swapping; the system's file cache counts as free. Endless where not told."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return 1 << 62
