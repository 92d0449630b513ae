"""Reading of the data sets that a training names, divided into training and validation images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.training.augment import Augmentation, AugmentationChoice, resize
from mmnet.training.data.batches import Part
from mmnet.training.data.layouts import (
    DataError,
    Pair,
    Source,
    find_backgrounds,
    find_source,
    is_validation,
    least_fraction,
    parse_weighted,
    split,
)
from mmnet.training.data.packs import Pack, PackError, Progress, build_pack, load_backgrounds, load_pack, side_for


@dataclass(frozen=True)
class DataSet:
    """The images of a training: those to train on, those to validate with, and backgrounds.

    Attributes:
        training: one part per data set.
        validation: images of S×S pixels, in order, stretched as the runtime does; None if the fraction is 0.
        backgrounds: uint8 [M, Q, Q, 3].
    """

    training: tuple[Part, ...]
    validation: Pack | None
    backgrounds: U8Array


def load_data(
    arguments: Sequence[str],
    size: int,
    *,
    augmentation: AugmentationChoice,
    validation: float = 0.05,
    backgrounds: Path | None = None,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> DataSet:
    """Read data set folders into memory, and map pack files.

    Args:
        arguments: `DIR`, `DIR=WEIGHT`, `FILE.npz` or `FILE.npz=WEIGHT`, at least one; for the layouts of folders see
            `mmnet.training.data.layouts`.
        size: S, the network's input size in pixels.
        augmentation: as for `Batches`; the strong one needs foregrounds and larger images.
        validation: fraction of all names that validate; see `is_validation`.
        backgrounds: folder of photos without people.
        workers: threads; None: one per core.
        progress: called with the images done and their total, starting again for each folder.

    Raises:
        LayoutError, PackError, PhotoError, PairError: the data cannot be used.
        DataError: no image is left to train on, or none to validate with.
    """
    foregrounds = isinstance(augmentation, Augmentation)
    side = side_for(size) if foregrounds else size
    training: list[Part] = []
    held: list[Pack] = []
    for path, weight in map(parse_weighted, arguments):
        if path.suffix == ".npz":
            pack = load_pack(path)
            validates = np.array([is_validation(pack.stem(index), validation) for index in range(len(pack))])
            if not validates.all():
                training.append(Part(pack, np.flatnonzero(~validates), weight))
            if validates.any():
                held.append(_resized(pack, np.flatnonzero(validates), size))
            continue
        source = find_source(path, weight)
        train, validate = split(source.pairs, validation)

        def read(pairs: Sequence[Pair], pixels: int, colours: bool, root: Path = path) -> Pack:
            return build_pack(pairs, pixels, root=root, foregrounds=colours, workers=workers, progress=progress)

        if train:
            training.append(Part.whole(read(train, side, foregrounds), weight))
        if validate:
            held.append(read(validate, size, False))
    stems = [pack.stem(index) for pack in (*(part.pack for part in training), *held) for index in range(len(pack))]
    _check_sides(arguments, stems, validation)
    return DataSet(
        tuple(training),
        _joined(held) if held else None,
        np.empty((0, side, side, 3), np.uint8)
        if backgrounds is None or not foregrounds
        else load_backgrounds(find_backgrounds(backgrounds), side, workers=workers, progress=progress),
    )


def _check_sides(arguments: Sequence[str], stems: Sequence[str], validation: float) -> None:
    """Raise where no image would train, or none would validate.

    Args:
        arguments: the data sets, for the message.
        stems: the names of all their images.
        validation: as for `load_data`.
    """
    where, fractions = ", ".join(arguments), sorted(map(least_fraction, stems))
    if not fractions or fractions[-1] < validation:
        raise DataError(f"{where}: no image is left to train on; choose a smaller validation fraction")
    if 0 < validation <= fractions[0]:
        enough = math.ceil((fractions[0] + 1e-9) * 100) / 100
        advice = f"validation={enough:g} holds one back" if enough <= fractions[-1] else "add images"
        raise DataError(f"{where}: no image validates with a fraction of {validation:g}; {advice}")


def find_sources(
    arguments: Sequence[str], backgrounds: Path | None, validation: float
) -> tuple[list[Source], list[Path]]:
    """List the images of data sets and the backgrounds. No image is read, so this is done before anything slow.

    Args:
        arguments, backgrounds, validation: as for `load_data`.

    Returns:
        The folders among the data sets, and the backgrounds. Packs are only opened: their images were read when they
        were packed.

    Raises:
        LayoutError, PackError: a folder or file does not exist, or does not hold what is needed.
        DataError: no image is left to train on, or none to validate with.
    """
    sources, stems = [], []
    for path, weight in map(parse_weighted, arguments):
        if path.suffix == ".npz":
            pack = load_pack(path)
            stems += [pack.stem(index) for index in range(len(pack))]
        else:
            sources.append(find_source(path, weight))
            stems += [pair.photo.stem for pair in sources[-1].pairs]
    if arguments:
        _check_sides(arguments, stems, validation)
    return sources, [] if backgrounds is None else find_backgrounds(backgrounds)


def _resized(pack: Pack, indices: NDArray[np.int64], size: int) -> Pack:
    if pack.side < size:
        raise PackError(
            f"{pack.origin}: its images are {pack.side}×{pack.side}, too small for {size}×{size}; "
            f"pack them again with size={size}"
        )
    records = np.empty((len(indices), 4 * size**2), np.uint8)
    for row, index in zip(records, indices, strict=True):
        sample = pack.sample(int(index))
        row[:] = np.concatenate([resize(sample.photo, size).ravel(), resize(sample.matte, size).ravel()])
    names = tuple(pack.names[index] for index in indices)
    return Pack(pack.origin, names, size, records, pack.aspects[indices], pack.cutouts[indices])


def _joined(packs: Sequence[Pack]) -> Pack:
    return Pack(
        ", ".join(pack.origin for pack in packs),
        tuple(name for pack in packs for name in pack.names),
        packs[0].side,
        np.concatenate([pack.records for pack in packs]),
        np.concatenate([pack.aspects for pack in packs]),
        np.concatenate([pack.cutouts for pack in packs]),
    )
