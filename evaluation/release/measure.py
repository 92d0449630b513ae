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
    """

    set: SuiteSet
    pairs: list[Pair]
    sha256: str


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

    A set of other images than those that the release was measured on is noted in the log, since images may be missing.

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
        read.append(SetData(one, pairs, check_pairs(pairs, _stage(f"reading {one.name}", progress))))
        known = published.get(one.name)
        if known is not None and known.sha256 != read[-1].sha256:
            note(
                f"{folder / one.name}: these {len(pairs)} images are not the {known.images} that the limits are for; "
                "are some missing?"
            )
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
