"""The measures of models on the sets of a suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mmnet.evaluation.datasets.pairs import Pair, check_pairs, load_pairs
from mmnet.evaluation.evaluate import compare_image, each_image
from mmnet.evaluation.models import Candidate, LoadedModel
from mmnet.evaluation.release.published import published_sets
from mmnet.evaluation.release.suite import Criterion, SuiteSet
from mmnet.evaluation.resize import Resize
from mmnet.failures import note
from mmnet.runtime.imaging.fit import Fit

Advance = Callable[[str, int, int], None]


@dataclass(frozen=True)
class SetData:
    """The images of a set.

    Attributes:
        set: the set.
        pairs: its images with their mattes.
        sha256: the hash over their names and pixels, as `check_pairs` returns it.
        expected: the number of images that the release was measured on; 0 if it was not measured on this set.
    """

    set: SuiteSet
    pairs: list[Pair]
    sha256: str
    expected: int = 0

    @property
    def complete(self) -> bool:
        """Whether the set has as many images as the release was measured on."""
        return len(self.pairs) >= self.expected

    @property
    def count_text(self) -> str:
        """The number of its images as text; of an incomplete set, the number that it should have, too."""
        return f"{len(self.pairs)}" if self.complete else f"{len(self.pairs)} of {self.expected}"


@dataclass(frozen=True)
class Measured:
    """The measures of all models on one set.

    Attributes:
        data: the set and its images.
        values: one mapping per model: name of the measure -> its value.
    """

    data: SetData
    values: list[Mapping[str, float]]


def read_sets(sets: Sequence[SuiteSet], folder: Path, progress: Advance) -> list[SetData]:
    """List and read the images of every set, to report all that cannot be used before a long measurement.

    A set of fewer or other images than those that the release was measured on is noted in the log.

    Args:
        sets: from `choose_sets`.
        folder: the folder that holds them.
        progress: called with a stage, the images read and their total.

    Raises:
        DatasetError: some images cannot be used; it lists those of the first set that has any.
    """
    read: list[SetData] = []
    published = published_sets()
    for one in sets:
        pairs = load_pairs(folder / one.name)
        sha256 = check_pairs(pairs, _stage(f"reading {one.name}", progress))
        known = published.get(one.name)
        data = SetData(one, pairs, sha256, 0 if known is None else known.images)
        if not data.complete:
            note(f"{folder / one.name}: has {data.count_text} images; no model passes with an incomplete set")
        elif known is not None and known.sha256 != sha256:
            note(f"{folder / one.name}: these images are not those that the limits are for")
        read.append(data)
    return read


def measure_sets(
    candidates: Sequence[Candidate],
    sets: Sequence[SetData],
    resize: Resize,
    fit: Fit,
    *,
    threads: int | None,
    progress: Advance,
) -> list[Measured]:
    """Measure every model on every set.

    Args:
        candidates: the models, at least one.
        sets: from `read_sets`.
        resize: the resize of photos and mattes to the models' square.
        fit: how photos are brought into that square.
        threads: the number of images at a time; None: one per core.
        progress: called with a stage, the images measured and their total.

    Returns:
        One entry per set, in their order.

    Raises:
        EvaluationError, DatasetError, ModelError: see `evaluate_candidates`.
    """
    measured = []
    for data in sets:
        criteria = data.set.criteria

        def measure(
            pair: Pair, models: Sequence[LoadedModel], criteria: Sequence[Criterion] = criteria
        ) -> list[list[float]]:
            comparisons = compare_image(*pair.read(), models, resize, fit)
            return [[criterion.measure.of_image(one) for criterion in criteria] for one in comparisons]

        stage = _stage(f"measuring {data.set.name}", progress)
        rows = each_image(candidates, data.pairs, measure, floats=resize.floats, threads=threads, progress=stage)
        values = np.array(rows, np.float64)  # [images, models, criteria]
        measured.append(
            Measured(
                data,
                [
                    {
                        one.measure.name: one.measure.summary(values[:, model, index])
                        for index, one in enumerate(criteria)
                    }
                    for model in range(len(candidates))
                ],
            )
        )
    return measured


def _stage(name: str, progress: Advance) -> Callable[[int, int], None]:
    return lambda done, total: progress(name, done, total)
