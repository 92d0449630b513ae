"""What is wrong with a data set, before hours are spent on it.

`KINDS` says what is looked for: what stops or spoils a training is a problem, what may be meant so is a warning.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, U8Array
from mmnet.runtime.imaging.photos import PhotoError, read_stored
from mmnet.training.data.layouts import Pair, PairError, Source, find_source, is_validation, matte_of

Progress = Callable[[int, int], None]

HASH_BITS = 64
# Of 64 bits. Among 1,600 Flickr portraits all pairs within 6 were the same image or taken a moment apart; at 8, half
# of them were strangers who hold their heads alike.
DUPLICATE_DISTANCE = 6


@dataclass(frozen=True)
class Kind:
    """A kind of finding: whether it is a problem, and what to do about it."""

    is_problem: bool
    fix: str


KINDS: dict[str, Kind] = {
    "unreadable": Kind(True, "replace the file or remove the pair"),
    "unpaired": Kind(True, "add the partner or remove the file; training leaves it out"),
    "size mismatch": Kind(True, "make photo and matte one size; did an editor turn one of them?"),
    "empty matte": Kind(True, "no person: remove the pair, or fix the matte"),
    "coloured matte": Kind(True, "a matte is grey; is this a map of classes?"),
    "leak": Kind(True, "the same image trains and measures: remove one, or give both the same file name"),
    "duplicate": Kind(False, "the same image twice counts twice: remove one"),
    "full matte": Kind(False, "all of it is person: is the matte there?"),
    "binary matte": Kind(False, "no soft edge to learn from: run `mmnet data mattes`"),
    "16 bits": Kind(False, "is read as 8 bits"),
    "grey photo": Kind(False, "has no colours"),
    "nobody": Kind(False, "no person in any image: they teach what is none; give the set a small weight"),
}


@dataclass(frozen=True)
class Finding:
    """One thing found.

    Attributes:
        kind: a key of `KINDS`.
        file: where.
        detail: what exactly; empty where the kind says it all.
    """

    kind: str
    file: Path
    detail: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether it should be fixed before training."""
        return KINDS[self.kind].is_problem


@dataclass(frozen=True)
class Summary:
    """A root in figures.

    Attributes:
        root, layout: which, and how it is laid out.
        use: "training" or "held out".
        pairs, validation: how many pairs, and how many of them validate.
        smallest, largest: width and height of the photos with the fewest and the most pixels; None if none is readable.
        coverage: mean alpha over all readable mattes, 0-1: how much of the images is person.
    """

    root: Path
    layout: str
    use: str
    pairs: int
    validation: int
    smallest: tuple[int, int] | None
    largest: tuple[int, int] | None
    coverage: float | None


@dataclass(frozen=True)
class Report:
    """Everything that `check` saw."""

    summaries: tuple[Summary, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """How many findings are problems."""
        return sum(finding.is_problem for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "clean": self.problems == 0,
            "sources": [
                {name: str(value) if isinstance(value, Path) else value for name, value in vars(summary).items()}
                for summary in self.summaries
            ],
            "findings": [
                {"kind": f.kind, "problem": f.is_problem, "file": str(f.file), "detail": f.detail}
                for f in self.findings
            ],
        }


@dataclass
class _Look:
    """What one pair looks like."""

    findings: list[Finding] = field(default_factory=list)
    size: tuple[int, int] | None = None
    coverage: float | None = None
    bits: NDArray[np.bool_] | None = None


def check(
    roots: Sequence[Path],
    held_out: Sequence[Path] = (),
    *,
    validation: float = 0.05,
    distance: int = DUPLICATE_DISTANCE,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Report:
    """Look at every image of some data sets.

    Args:
        roots: what is trained on.
        held_out: what is only measured on; no image of it may be among those trained on.
        validation: the fraction of names that validates; see `is_validation`.
        distance: images whose perceptual hashes differ in at most this many of 64 bits are the same.
        workers: threads; None: one a core.
        progress: called with the pairs done and their total.

    Raises:
        LayoutError: a root is no data set.
    """
    sources = [find_source(root) for root in (*roots, *held_out)]
    uses = ["training"] * len(roots) + ["held out"] * len(held_out)
    pairs = [pair for source in sources for pair in source.pairs]
    looks: list[_Look] = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for look in pool.map(_look, pairs):
            looks.append(look)
            progress(len(looks), len(pairs))

    findings = [Finding("unpaired", path, why) for source in sources for path, why in source.unpaired]
    findings += _of_images(sources, looks)
    labels = [_label(pair, use, validation) for source, use in zip(sources, uses, strict=True) for pair in source.pairs]
    findings += _duplicates(pairs, labels, looks, distance)
    findings.sort(key=lambda finding: (list(KINDS).index(finding.kind), finding.file))

    rest = iter(looks)
    summaries = tuple(
        _summary(source, use, [next(rest) for _ in source.pairs], validation)
        for source, use in zip(sources, uses, strict=True)
    )
    return Report(summaries, tuple(findings))


def perceptual_hash(photo: U8Array) -> NDArray[np.bool_]:
    """An image's 64 lowest frequencies but the mean, each above or below their median.

    (The "pHash" of the DCT: C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.)

    Args:
        photo: uint8 [H, W] or [H, W, 3].

    Returns:
        bool [64]. Scaling, compression and changes of brightness turn only a few of them.
    """
    grey = photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(small)[:8, :9].ravel()[1 : HASH_BITS + 1]
    return np.asarray(frequencies > np.median(frequencies))


def near_pairs(hashes: NDArray[np.bool_], distance: int) -> Iterator[tuple[int, int, int]]:
    """All i < j whose hashes, rows of bool [N, 64], differ in at most `distance` bits: (i, j, bits that differ)."""
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    block = 1024
    for start in range(0, len(signs), block):
        apart = (hashes.shape[1] - signs[start : start + block] @ signs[start:].T) / 2
        for row, column in zip(*np.nonzero(apart <= distance), strict=True):
            if row < column:
                yield start + int(row), start + int(column), int(apart[row, column])


def _of_images(sources: Sequence[Source], looks: Sequence[_Look]) -> Iterator[Finding]:
    """What was found in the images; that a matte is empty is no fault where all of its data set are."""
    rest = iter(looks)
    for source in sources:
        found = [finding for _ in source.pairs for finding in next(rest).findings]
        nobody = len(source.pairs) > 1 and sum(finding.kind == "empty matte" for finding in found) == len(source.pairs)
        if nobody:
            yield Finding("nobody", source.root)
        yield from (finding for finding in found if not (nobody and finding.kind == "empty matte"))


def _look(pair: Pair) -> _Look:
    look = _Look()
    try:
        stored = read_stored(pair.photo)
        matte_stored = stored if pair.is_cutout else read_stored(pair.matte)
        matte = matte_of(pair, matte_stored)
    except (PhotoError, PairError) as error:
        text = str(error)
        bad = pair.matte if text.startswith(str(pair.matte)) else pair.photo
        look.findings.append(Finding("unreadable", bad, text.removeprefix(f"{bad}: ")))
        return look
    for path, pixels in dict.fromkeys(((pair.photo, stored.dtype), (pair.matte, matte_stored.dtype))):
        if pixels == np.uint16:
            look.findings.append(Finding("16 bits", path))
    photo = _rgb_or_grey(stored)
    height, width = photo.shape[:2]
    look.size = (width, height)
    if not photo.size:
        return look
    look.bits = perceptual_hash(photo)
    if photo.ndim == 2 or _is_grey(photo):
        look.findings.append(Finding("grey photo", pair.photo))
    if not pair.from_alpha and matte_stored.ndim == 3 and matte_stored.shape[2] == 3 and not _is_grey(matte_stored):
        look.findings.append(Finding("coloured matte", pair.matte))
    if matte.shape != (height, width):
        detail = f"the photo is {width}×{height}, the matte {matte.shape[1]}×{matte.shape[0]}"
        look.findings.append(Finding("size mismatch", pair.photo, detail))
        return look
    look.coverage = float(matte.mean()) / 255
    kind = _matte_kind(matte)
    if kind:
        look.findings.append(Finding(kind, pair.matte))
    return look


def _matte_kind(matte: U8Array) -> str | None:
    if matte.max() < 128:
        return "empty matte"
    if matte.min() >= 128:
        return "full matte"
    inside = matte > 127
    crossings = np.count_nonzero(inside[:, 1:] != inside[:, :-1]) + np.count_nonzero(inside[1:] != inside[:-1])
    soft = np.count_nonzero((matte > 20) & (matte < 235))  # JPEG's ringing is not softness
    return "binary matte" if soft < crossings / 4 else None


def _rgb_or_grey(stored: AnyArray) -> U8Array:
    eight = stored if stored.dtype == np.uint8 else (stored >> 8).astype(np.uint8)
    if eight.ndim == 3 and eight.shape[2] <= 2:
        return np.ascontiguousarray(eight[..., 0])
    return eight if eight.ndim == 2 else np.ascontiguousarray(eight[..., 2::-1])


def _is_grey(pixels: AnyArray) -> bool:
    """All channels alike, but for what the chroma of a JPEG may leave."""
    some = pixels[::4, ::4, :3].astype(np.int32)
    allowed = 6 * (1 if pixels.dtype == np.uint8 else 257)
    return bool(np.ptp(some, axis=2).max(initial=0) <= allowed)


def _label(pair: Pair, use: str, validation: float) -> str:
    if use == "held out":
        return use
    return "validation" if is_validation(pair.photo.stem, validation) else "training"


def _duplicates(pairs: Sequence[Pair], labels: Sequence[str], looks: Sequence[_Look], distance: int) -> list[Finding]:
    seen = [(index, look.bits) for index, look in enumerate(looks) if look.bits is not None]
    if not seen:
        return []
    found = []
    for one, other, apart in near_pairs(np.stack([bits for _, bits in seen]), distance):
        first, second = seen[one][0], seen[other][0]
        kind = "duplicate" if labels[first] == labels[second] else "leak"
        uses = f"{labels[second]}: also {pairs[first].photo}, {labels[first]}; {apart} of {HASH_BITS} bits differ"
        found.append(Finding(kind, pairs[second].photo, uses))
    return found


def _summary(source: Source, use: str, looks: Sequence[_Look], validation: float) -> Summary:
    sizes = sorted((look.size for look in looks if look.size), key=lambda size: size[0] * size[1])
    covered = [look.coverage for look in looks if look.coverage is not None]
    validates = 0 if use == "held out" else sum(is_validation(pair.photo.stem, validation) for pair in source.pairs)
    return Summary(
        source.root,
        source.layout,
        use,
        len(source.pairs),
        validates,
        sizes[0] if sizes else None,
        sizes[-1] if sizes else None,
        float(np.mean(covered)) if covered else None,
    )
