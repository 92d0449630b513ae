"""The verdict on every model: its measures against the limits, and against those of an older model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmnet.evaluation.models import Candidate
from mmnet.evaluation.release.measure import Measured, SetData
from mmnet.evaluation.release.suite import TOLERANCE, Criterion, SuiteSet


@dataclass(frozen=True)
class Cell:
    """The value of one measure of one model on one set, and what is wrong with it.

    Attributes:
        set: the set.
        criterion: the measure, and its limit.
        value: the value; NaN where no image has one.
        over_limit: whether it is over the limit.
        older: the value of the older model; None if it is not compared.
        worse: whether it is worse than that of the older model.
    """

    set: SuiteSet
    criterion: Criterion
    value: float
    over_limit: bool
    older: float | None = None
    worse: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return not (self.over_limit or self.worse)


@dataclass(frozen=True)
class ModelVerdict:
    """The verdict on one model.

    Attributes:
        candidate: the model.
        counts: whether it decides if the suite is passed. MediaPipe's segmenter and the older model do not: they are
            measured to compare with.
        cells: its values, set by set.
        incomplete: the sets that lack images.
    """

    candidate: Candidate
    counts: bool
    cells: tuple[Cell, ...]
    incomplete: tuple[SetData, ...] = ()

    @property
    def failures(self) -> tuple[Cell, ...]:
        """The values with which something is wrong."""
        return tuple(cell for cell in self.cells if not cell.ok)

    @property
    def passed(self) -> bool:
        """Whether no value is wrong, and no set lacks images."""
        return not self.failures and not self.incomplete


def judge(
    candidates: Sequence[Candidate], measured: Sequence[Measured], older: int | None = None
) -> list[ModelVerdict]:
    """Judge every model.

    Args:
        candidates: the models, in the order of the measures.
        measured: from `measure_sets`.
        older: the index of the older model; None if there is none.
    """
    verdicts = []
    incomplete = tuple(one.data for one in measured if not one.data.complete)
    for index, candidate in enumerate(candidates):
        against = None if older is None or index == older else older
        cells = tuple(
            _cell(
                one.data.set,
                criterion,
                one.values[index],
                None if against is None else one.values[against],
                len(one.data.pairs),
            )
            for one in measured
            for criterion in one.data.set.criteria
        )
        verdicts.append(ModelVerdict(candidate, index != older and candidate.kind != "mediapipe", cells, incomplete))
    return verdicts


def _cell(
    one: SuiteSet, criterion: Criterion, values: Mapping[str, float], older: Mapping[str, float] | None, images: int
) -> Cell:
    measure = criterion.measure
    value = values[measure.name]
    # A value that cannot be computed is no value within a limit.
    over = criterion.limit is not None and not value <= criterion.limit
    if older is None or not criterion.compared:
        return Cell(one, criterion, value, over)
    before = older[measure.name]
    worst = before + 1 / images if measure.counts else before * (1 + TOLERANCE)
    worse = not math.isnan(before) and not value <= worst + 1e-12
    return Cell(one, criterion, value, over, before, worse)
