"""Faults of a data set, found before hours of training are spent on it.

`KINDS` lists the faults that `check_data` looks for. A fault that stops or spoils a training is a problem; a fault
that may be intended is a warning.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import U8Array
from mmnet.evaluation.datasets.pairs import PairError
from mmnet.failures import failure_line
from mmnet.runtime.imaging.headers import bits_per_sample
from mmnet.runtime.imaging.mattes import MatteFault, MatteFileError, is_grey
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.text import printable
from mmnet.training.data.layouts import Pair, Source, find_source, is_validation
from mmnet.training.data.packs import Progress

HASH_BITS = 64
# Of 64 bits. Among 1,600 portraits from Flickr all pairs within 6 were the same image or were taken a moment apart; at
# 8, half of the pairs were different people who hold their heads alike.
DUPLICATE_DISTANCE = 6


@dataclass(frozen=True)
class Kind:
    """A kind of finding.

    Attributes:
        is_problem: whether it is a problem or only a warning.
        fix: what it means and what to do, in a sentence.
    """

    is_problem: bool
    fix: str


KINDS: dict[str, Kind] = {
    "unreadable": Kind(True, "no training begins with such a file: replace it, or remove the pair"),
    "unpaired": Kind(
        True,
        "a photo without its matte, or the other way round, which a training leaves out: add the partner, or remove it",
    ),
    "size mismatch": Kind(
        True, "photo and matte differ in size: save both at one size (perhaps an editor turned one of them)"
    ),
    "empty matte": Kind(
        True, "a black matte, which says that nobody is in the photo: fix the matte, or remove the pair"
    ),
    "coloured matte": Kind(
        True, "the matte is an image in colour, perhaps a map of classes: save it in grey, 255 in the foreground"
    ),
    "no matte": Kind(
        True, "the file is no alpha matte: save one in grey or in the alpha channel, 255 in the foreground"
    ),
    "leak": Kind(
        True,
        "an image both trains and validates, so that figures are too good: remove one, or give both one file name",
    ),
    "duplicate": Kind(False, "an image occurs twice and counts twice: remove one"),
    "full matte": Kind(
        False, "a white matte, which says that the whole image is person: look whether it is the right file"
    ),
    "binary matte": Kind(False, "the matte has no soft edge to learn from: make a soft one with `mmnet data mattes`"),
    "16 bits": Kind(False, "the file has 16 bits per channel and is read as 8: nothing to do"),
    "grey photo": Kind(False, "the photo has no colours: a few of them do no harm"),
    "nobody": Kind(
        False,
        "no image shows a person, which teaches the network what no person is: give the set a small weight, DIR=0.2",
    ),
}


@dataclass(frozen=True)
class Finding:
    """A fault of one file or folder.

    Attributes:
        kind: a key of `KINDS`.
        file: the file or folder.
        detail: further information; empty if the kind says everything.
    """

    kind: str
    file: Path
    detail: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether it should be fixed before training."""
        return KINDS[self.kind].is_problem


@dataclass(frozen=True)
class SourceSummary:
    """A data set in figures.

    Attributes:
        root: its folder.
        layout: name of its layout.
        use: "training" or "held out".
        pairs: number of pairs.
        validation: number of pairs that validate.
        smallest, largest: width and height of the photos with the fewest and the most pixels; None if none is readable.
        coverage: mean alpha of all readable mattes, 0-1, which is the part of the images that is person.
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
class DataReport:
    """The result of `check_data`.

    Attributes:
        summaries: one per data set.
        findings: sorted by kind and file.
    """

    summaries: tuple[SourceSummary, ...]
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> int:
        """Number of findings that are problems."""
        return sum(finding.is_problem for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
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
class _Inspection:
    """The faults and figures of one pair.

    Attributes:
        findings: its faults.
        size: width and height of the photo; None if a file is unreadable.
        coverage: mean alpha, 0-1; None if the matte is unreadable or of another size.
        bits: the photo's perceptual hash.
    """

    findings: list[Finding] = field(default_factory=list)
    size: tuple[int, int] | None = None
    coverage: float | None = None
    bits: NDArray[np.bool_] | None = None


def check_data(
    roots: Sequence[Path],
    held_out: Sequence[Path] = (),
    *,
    validation: float = 0.05,
    distance: int = DUPLICATE_DISTANCE,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> DataReport:
    """Read every image of some data sets and report their faults.

    Args:
        roots: data sets to train on.
        held_out: data sets that are only measured on; none of their images may be among those to train on.
        validation: fraction of names that validate; see `is_validation`.
        distance: images whose perceptual hashes differ in at most this many of 64 bits count as the same.
        workers: threads; None: one per core.
        progress: called with the pairs done and their total.

    Raises:
        LayoutError: a folder is not a data set.
    """
    sources = [find_source(root) for root in (*roots, *held_out)]
    uses = ["training"] * len(roots) + ["held out"] * len(held_out)
    pairs = [pair for source in sources for pair in source.pairs]
    inspections: list[_Inspection] = []
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for inspection in pool.map(_inspect_safely, pairs):
            inspections.append(inspection)
            progress(len(inspections), len(pairs))

    findings = [Finding("unpaired", path, why) for source in sources for path, why in source.unpaired]
    findings += _image_findings(sources, inspections)
    labels = [_label(pair, use, validation) for source, use in zip(sources, uses, strict=True) for pair in source.pairs]
    findings += _duplicates(pairs, labels, inspections, distance)
    findings.sort(key=lambda finding: (list(KINDS).index(finding.kind), finding.file))

    rest = iter(inspections)
    summaries = tuple(
        _summary(source, use, [next(rest) for _ in source.pairs], validation)
        for source, use in zip(sources, uses, strict=True)
    )
    return DataReport(summaries, tuple(findings))


def perceptual_hash(photo: U8Array) -> NDArray[np.bool_]:
    """Return a hash that hardly changes when an image is scaled, compressed or made brighter.

    Each bit says whether one of the 64 lowest frequencies (without the mean) lies above their median: the "pHash" of
    the DCT in C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.

    Args:
        photo: uint8 [H, W] or [H, W, 3], RGB.

    Returns:
        bool [64].
    """
    grey = photo if photo.ndim == 2 else cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    frequencies = cv2.dct(small)[:8, :9].ravel()[1 : HASH_BITS + 1]
    return np.asarray(frequencies > np.median(frequencies))


def near_pairs(hashes: NDArray[np.bool_], distance: int) -> Iterator[tuple[int, int, int]]:
    """Yield the pairs of similar hashes as (i, j, bits that differ), i < j.

    Args:
        hashes: bool [N, 64].
        distance: most bits that may differ.
    """
    signs = np.where(hashes, np.float32(1), np.float32(-1))
    block = 1024
    for start in range(0, len(signs), block):
        apart = (hashes.shape[1] - signs[start : start + block] @ signs[start:].T) / 2
        for row, column in zip(*np.nonzero(apart <= distance), strict=True):
            if row < column:
                yield start + int(row), start + int(column), int(apart[row, column])


def _image_findings(sources: Sequence[Source], inspections: Sequence[_Inspection]) -> Iterator[Finding]:
    """Yield the faults of the images; where all mattes of a data set are empty, one finding replaces theirs."""
    rest = iter(inspections)
    for source in sources:
        findings = [finding for _ in source.pairs for finding in next(rest).findings]
        empty = sum(finding.kind == "empty matte" for finding in findings)
        nobody = len(source.pairs) > 1 and empty == len(source.pairs)
        if nobody:
            yield Finding("nobody", source.root)
        yield from (finding for finding in findings if not (nobody and finding.kind == "empty matte"))


def _inspect_safely(pair: Pair) -> _Inspection:
    try:
        return _inspect(pair)
    except Exception as error:  # of one pair: the others are inspected nevertheless
        reason = failure_line(error, pair.photo).removeprefix(f"{printable(str(pair.photo))}: ")
        return _Inspection([Finding("unreadable", pair.photo, reason)])


def _inspect(pair: Pair) -> _Inspection:
    """Read a pair as training and evaluation do; whatever that reader refuses is a problem."""
    inspection = _Inspection()
    try:
        photo, matte = pair.read()
    except (PhotoError, PairError) as error:
        inspection.findings.append(_refusal(pair, error))
        return inspection
    inspection.findings += [
        Finding("16 bits", path) for path in dict.fromkeys((pair.photo, pair.matte)) if bits_per_sample(path) == 16
    ]
    inspection.size = (photo.shape[1], photo.shape[0])
    inspection.bits = perceptual_hash(photo)
    if is_grey(photo[::4, ::4]):
        inspection.findings.append(Finding("grey photo", pair.photo))
    inspection.coverage = float(matte.mean()) / 255
    kind = _matte_kind(matte)
    if kind:
        inspection.findings.append(Finding(kind, pair.matte))
    return inspection


def _refusal(pair: Pair, error: PhotoError | PairError) -> Finding:
    """Return the finding of a pair that cannot be read: the reader's own words, with the file that they name."""
    text = str(error)
    bad = pair.matte if text.startswith(f"{pair.matte}: ") else pair.photo
    kind = "size mismatch" if isinstance(error, PairError) else "unreadable"
    if isinstance(error, MatteFileError):
        kind = "coloured matte" if error.fault is MatteFault.COLOUR else "no matte"
    return Finding(kind, bad, text.removeprefix(f"{bad}: "))


def _matte_kind(matte: U8Array) -> str | None:
    """Return the kind of fault of a matte, a key of `KINDS`; None if it has none."""
    if matte.max() < 128:
        return "empty matte"
    if matte.min() >= 128:
        return "full matte"
    inside = matte > 127
    crossings = np.count_nonzero(inside[:, 1:] != inside[:, :-1]) + np.count_nonzero(inside[1:] != inside[:-1])
    soft = np.count_nonzero((matte > 20) & (matte < 235))  # outside lies the ringing of JPEG
    return "binary matte" if soft < crossings / 4 else None


def _label(pair: Pair, use: str, validation: float) -> str:
    if use == "held out":
        return use
    return "validation" if is_validation(pair.photo.stem, validation) else "training"


def _duplicates(
    pairs: Sequence[Pair], labels: Sequence[str], inspections: Sequence[_Inspection], distance: int
) -> list[Finding]:
    hashed = [(index, item.bits) for index, item in enumerate(inspections) if item.bits is not None]
    if not hashed:
        return []
    findings = []
    for one, other, apart in near_pairs(np.stack([bits for _, bits in hashed]), distance):
        first, second = hashed[one][0], hashed[other][0]
        kind = "duplicate" if labels[first] == labels[second] else "leak"
        uses = f"{labels[second]}: also {pairs[first].photo}, {labels[first]}; {apart} of {HASH_BITS} bits differ"
        findings.append(Finding(kind, pairs[second].photo, uses))
    return findings


def _summary(source: Source, use: str, inspections: Sequence[_Inspection], validation: float) -> SourceSummary:
    sizes = sorted((item.size for item in inspections if item.size), key=lambda size: size[0] * size[1])
    covered = [item.coverage for item in inspections if item.coverage is not None]
    validates = 0 if use == "held out" else sum(is_validation(pair.photo.stem, validation) for pair in source.pairs)
    return SourceSummary(
        source.root,
        source.layout,
        use,
        len(source.pairs),
        validates,
        sizes[0] if sizes else None,
        sizes[-1] if sizes else None,
        float(np.mean(covered)) if covered else None,
    )
