"""The images of the ablation: a fixed random part of every source, packed once, and the sets to measure on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from ablation_variants import HARD, SOURCES, Variant, VariantError

from mmnet.arrays import U8Array
from mmnet.evaluation.datasets.pairs import MASK, check_pairs, load_pairs
from mmnet.evaluation.release.measure import SetData
from mmnet.evaluation.release.suite import RELEASE, choose_sets
from mmnet.training.data.batches import Part
from mmnet.training.data.dataset import DataSet
from mmnet.training.data.layouts import Pair, find_backgrounds, find_source, match_folders
from mmnet.training.data.packs import load_backgrounds, load_pack, pack_to_file, side_for

SUBSET_SEED = 5
BACKGROUNDS = 300  # at most
PORTRAITS = "portraits"
SETS = (
    "cutouts-validation",
    "fashion-validation",
    "scenes-validation",
    "groups-validation",
    "nobody-validation",
    "portraits-test",
    "portraits-test-median",
)

Item = TypeVar("Item")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """The images of a source that the ablation uses.

    Attributes:
        name: a key of `SOURCES`.
        root: its folder.
        pairs: the images, a random part of all.
        available: the number of images in the folder.
        weight: how often each of `pairs` is drawn, so that the source is drawn as often as with all images.
    """

    name: str
    root: Path
    pairs: tuple[Pair, ...]
    available: int
    weight: float


@dataclass(frozen=True)
class Mix:
    """The training images.

    Attributes:
        sources: one per source.
        backgrounds: photos to composite people over.
        folder: the folder of the packs.
        other_mattes: a folder with other mattes of the portraits, or None.
        say: called with what is being done.
    """

    sources: tuple[Source, ...]
    backgrounds: tuple[Path, ...]
    folder: Path
    other_mattes: Path | None
    say: Say

    def describe(self) -> dict[str, Any]:
        """Return the images used and available of every source, as plain JSON values."""
        return {
            one.name: {"images": len(one.pairs), "of": one.available, "weight": SOURCES[one.name]}
            for one in self.sources
        }

    def data(self, variant: Variant, size: int) -> DataSet:
        """Return the training images of a variant for an input size; they are packed at the first call.

        Raises:
            PhotoError, PairError: an image cannot be used; the message names it.
        """
        parts = []
        for one in self.sources:
            if one.name in variant.without:
                continue
            pack = load_pack(self._packed(one, size, variant.other_mattes and one.name == PORTRAITS))
            dropped = tuple(f"{name}-" for name in variant.without) if one.name == HARD else ()
            kept = [index for index in range(len(pack)) if not (dropped and pack.stem(index).startswith(dropped))]
            if kept:
                parts.append(Part(pack, np.array(kept, np.int64), one.weight))
        return DataSet(tuple(parts), None, self._read_backgrounds(side_for(size)))

    def _packed(self, source: Source, size: int, others: bool) -> Path:
        path = self.folder / f"{size}-{source.name}{'-other' if others else ''}.npz"
        if not path.exists():
            self.say(f"packing {len(source.pairs)} images of {source.name}")
            pairs = self._with_other_mattes(source) if others else list(source.pairs)
            pack_to_file(pairs, side_for(size), path, root=source.root)
        return path

    def _with_other_mattes(self, source: Source) -> list[Pair]:
        if self.other_mattes is None:
            raise VariantError("other mattes of the portraits are needed; name their folder with --other-mattes")
        others, _ = match_folders(source.root / "image", self.other_mattes)
        by_stem = {pair.photo.stem: pair for pair in others}
        return [replace(pair, matte=by_stem.get(pair.photo.stem, pair).matte) for pair in source.pairs]

    def _read_backgrounds(self, side: int) -> U8Array:
        return load_backgrounds(self.backgrounds, side)


def open_mix(folder: Path, images: int, packs: Path, other_mattes: Path | None, say: Say) -> Mix:
    """List the training images and draw those that are used.

    Args:
        folder: the folder of the sources and of `backgrounds`.
        images: about how many images to use of all; the sources keep their proportions as far as they have images.
        packs: the folder of the packs.
        other_mattes, say: see `Mix`.

    Raises:
        LayoutError: a source is missing.
    """
    found = {name: find_source(folder / name) for name in SOURCES}
    draws = {name: SOURCES[name] * len(found[name].pairs) for name in SOURCES}
    total = sum(draws.values())
    sources = []
    for name, source in found.items():
        available = len(source.pairs)
        chosen = drawn(source.pairs, min(available, math.ceil(images * draws[name] / total)))
        sources.append(Source(name, source.root, tuple(chosen), available, draws[name] / len(chosen)))
    backgrounds = drawn(find_backgrounds(folder / "backgrounds"), BACKGROUNDS)
    packs.mkdir(parents=True, exist_ok=True)
    return Mix(tuple(sources), tuple(backgrounds), packs, other_mattes, say)


def drawn(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most `count` of the items, drawn with a fixed seed, in their order."""
    chosen = np.random.default_rng(SUBSET_SEED).permutation(len(items))[:count]
    return [items[index] for index in sorted(chosen.tolist())]


def read_sets(folder: Path, limit: int) -> list[SetData]:
    """List the sets to measure on, and read their images once to check them.

    Args:
        folder: the folder of the sets; those of `SETS` that it holds are taken.
        limit: the highest number of images of a set, drawn with a fixed seed.

    Raises:
        DatasetError: images cannot be used.
        SuiteError: the folder holds none of the sets.
    """
    names = [name for name in SETS if (folder / name / MASK).is_dir()]
    order = {one.name: one for one in choose_sets(RELEASE, folder, names)}
    sets = []
    for name in names:
        pairs = drawn(load_pairs(folder / name), limit)
        sets.append(SetData(order[name], pairs, check_pairs(pairs)))
    return sets
