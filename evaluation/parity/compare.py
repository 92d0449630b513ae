"""Two models on the same images: how far the second one's alpha is from the first one's, and what that costs.

The first is the reference (usually float), the second is what was made of it (usually quantized). Every figure is a
difference on one and the same image, so that how hard the images are does not drown how alike the models are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array
from mmnet.errors import MMNetError
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.pairs import Pair, Photo
from mmnet.evaluation.evaluate import each_image
from mmnet.evaluation.figures import FIGURES, Comparison, Truth
from mmnet.evaluation.models import Candidate, Matter
from mmnet.evaluation.parity.tolerances import (
    LIMITS,
    MAX_GAUSS_GRAD_INCREASE,
    MAX_IMAGE_MAD,
    MAX_MAD,
    MAX_MAD_INCREASE,
    Limit,
)
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import Statistics, bootstrap_means, quantiles, summarise

# |Δα| of a pixel lies in 0-1; Δα in −1 to 1, counted in steps of an 8-bit alpha.
LEVELS = 255


class NotComparedError(MMNetError):
    """The two could not be compared."""

    exit_code = 2


@dataclass(frozen=True)
class Difference:
    """One figure of α against the reference's α, at the reference's own size.

    Attributes:
        name: in tables and in JSON.
        definition: in words.
        compute: (reference, other), float32 [S, S] in 0-1 -> its value.
    """

    name: str
    definition: str
    compute: Callable[[F32Array, F32Array], float]


DIFFERENCES: tuple[Difference, ...] = (
    Difference("MAD", "mean |Δα|", metrics.mad),
    Difference("GAUSS_GRAD", "mean |∇Δα|, first derivative of a Gaussian, σ 1.4", metrics.gauss_grad),
    Difference("P99", "99th percentile of |Δα|", lambda a, b: float(np.quantile(np.abs(a - b), 0.99))),
    Difference("MAX", "largest |Δα| of a pixel", lambda a, b: float(np.abs(a - b).max())),
)
RANKED_BY = "MAD"

# Against the true matte. CONN and SAD say the same of an image as MAD does, and CONN takes longer than the models.
ACCURACY = tuple(figure for figure in FIGURES if figure.name not in ("CONN", "SAD"))


@dataclass(frozen=True)
class ImageParity:
    """One image.

    Attributes:
        name: its stem.
        differences: figure name of DIFFERENCES -> value.
        accuracy: for both models, figure name of ACCURACY -> value; None where the matte is not known.
        histogram: int64 [511], pixels whose Δα, other − reference, rounds to (−255 … 255) / 255.
    """

    name: str
    differences: Mapping[str, float]
    accuracy: tuple[Mapping[str, float], Mapping[str, float]] | None
    histogram: NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A figure and the 95 % bootstrap interval around it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """What one accuracy figure does from the reference to the other model.

    Attributes:
        reference, other: its statistics for each model.
        difference: the statistics of the paired difference, other − reference.
        increase: mean of the other / mean of the reference − 1; of one set of drawn images both means.
        worse, better: on how many images the other model is worse, and better.
    """

    reference: Statistics
    other: Statistics
    difference: Statistics
    increase: Interval
    worse: int
    better: int


@dataclass(frozen=True)
class Check:
    """One limit, judged.

    Attributes:
        limit: which.
        found: the figure with its interval; of the worst image: without one (low = high = value).
        accepted: the largest that passes.
        passed: whether it does.
        sure: whether the whole interval is on the same side of what is accepted.
        image: which one, where it is about one.
    """

    limit: Limit
    found: Interval
    accepted: float
    passed: bool
    sure: bool
    image: str | None = None


@dataclass(frozen=True)
class Parity:
    """Two models compared.

    Attributes:
        reference, other: the models.
        images: in the order of their names.
        differences: figure name of DIFFERENCES -> statistics over the images.
        changes: figure name of ACCURACY -> its change; empty where no mattes are known.
    """

    reference: Candidate
    other: Candidate
    images: tuple[ImageParity, ...]
    differences: Mapping[str, Statistics]
    changes: Mapping[str, Change]

    def ranked(self) -> list[ImageParity]:
        """The images, the one with the largest mean |Δα| first; of equals, by name."""
        return sorted(self.images, key=lambda image: (-image.differences[RANKED_BY], image.name))

    def median(self) -> ImageParity:
        """The image in the middle of that ranking."""
        return self.ranked()[(len(self.images) - 1) // 2]

    def histogram(self) -> NDArray[np.int64]:
        """Of all images, as `ImageParity.histogram`."""
        return np.asarray(np.sum([image.histogram for image in self.images], axis=0), np.int64)


def compare(
    reference: Candidate,
    other: Candidate,
    images: Sequence[Pair] | Sequence[Photo],
    resize: Resize,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Parity:
    """Run both models on every image.

    Args:
        reference, other: the models; where their sizes differ, the other's alpha is resized to the reference's.
        images: at least one; with mattes, the accuracy of each model is measured as well.
        resize, threads, progress: as `mmnet.evaluation.evaluate.evaluate`.

    Raises:
        EvaluationError, DatasetError, ModelError: as `evaluate`.
    """

    def measure(image: Pair | Photo, matters: Sequence[Matter]) -> ImageParity:
        return _measure(image, matters, resize)

    found = each_image(
        [reference, other],
        tuple[Pair | Photo, ...](images),
        measure,
        floats=resize.floats,
        threads=threads,
        progress=progress,
    )
    names = [difference.name for difference in DIFFERENCES]
    values = np.array([[entry.differences[name] for name in names] for entry in found], np.float64)
    differences = dict(zip(names, summarise(values), strict=True))
    return Parity(reference, other, tuple(found), differences, changes(found))


def alphas(image: Pair | Photo, matters: Sequence[Matter], resize: Resize) -> tuple[F32Array, F32Array]:
    """What both models compute from one image, float32 [S, S] in 0-1 at the reference's size."""
    photo, _ = image.read()
    reference, other = (matter.run_float(resize.photo(photo, matter.size)) for matter in matters)
    return reference, _at_size_of(reference, other, resize)


def _at_size_of(reference: F32Array, other: F32Array, resize: Resize) -> F32Array:
    return other if other.shape == reference.shape else resize.alpha(other, *reference.shape)


def _measure(image: Pair | Photo, matters: Sequence[Matter], resize: Resize) -> ImageParity:
    photo, mask = image.read()
    reference, other = (matter.run_float(resize.photo(photo, matter.size)) for matter in matters)
    accuracy = None
    if mask is not None:
        truth = Truth(mask, resize)
        accuracy = (_accuracy(reference, truth), _accuracy(other, truth))
    other = _at_size_of(reference, other, resize)
    steps = np.rint((other - reference) * LEVELS).astype(np.int64) + LEVELS
    return ImageParity(
        image.name,
        {difference.name: difference.compute(reference, other) for difference in DIFFERENCES},
        accuracy,
        np.bincount(steps.ravel(), minlength=2 * LEVELS + 1),
    )


def _accuracy(alpha: F32Array, truth: Truth) -> dict[str, float]:
    comparison = Comparison(truth, alpha)
    return {figure.name: figure.compute(comparison) for figure in ACCURACY}


def changes(found: Sequence[ImageParity]) -> dict[str, Change]:
    """Figure name of ACCURACY -> its change over the images whose mattes are known; empty where none is."""
    known = [entry.accuracy for entry in found if entry.accuracy is not None]
    if not known:
        return {}
    by_figure = {}
    for figure in ACCURACY:
        values = np.array([[of_one[figure.name] for of_one in entry] for entry in known], np.float64)
        # An image on which one of them has no such figure says nothing about the change.
        values[np.isnan(values).any(axis=1)] = np.nan
        delta = values[:, 1] - values[:, 0]
        reference, other, difference = summarise(np.column_stack([values, delta]))
        worse = -delta if figure.higher_is_better else delta
        by_figure[figure.name] = Change(
            reference,
            other,
            difference,
            _increase(values, (reference.mean, other.mean)),
            int((worse > 0).sum()),
            int((worse < 0).sum()),
        )
    return by_figure


def _increase(values: NDArray[np.float64], means: tuple[float, float]) -> Interval:
    """Of float64 [N, 2] and the means of both columns: the second mean / the first − 1.

    0 / 0 is no increase, anything else / 0 an infinite one; of drawn means the latter says nothing of the interval.
    """
    reference, other = np.vstack([[means], bootstrap_means(values)]).T
    nowhere = np.where(other == 0, 0.0, np.where(np.isnan(other), np.nan, np.inf))
    ratio = np.divide(other - reference, reference, out=nowhere, where=reference != 0)
    drawn = np.where(np.isinf(ratio[1:]), np.nan, ratio[1:])
    (low,), (high,) = quantiles(drawn[:, None])
    return Interval(float(ratio[0]), float(low), float(high))


def judge(parity: Parity, accepted: Mapping[str, float], *, strict: bool = False) -> list[Check]:
    """Every limit that can be judged on these images.

    Args:
        parity: what was measured.
        accepted: limit name -> the largest value that passes; see `mmnet.evaluation.parity.tolerances`.
        strict: whether the far end of the interval has to pass, not only the figure.
    """
    mad = parity.differences["MAD"]
    worst = parity.ranked()[0]
    largest = worst.differences["MAD"]
    found = {
        MAX_MAD: Interval(mad.mean, mad.low, mad.high),
        MAX_IMAGE_MAD: Interval(largest, largest, largest),
    }
    if parity.changes:
        found |= {
            MAX_MAD_INCREASE: parity.changes["MAD_256x256"].increase,
            MAX_GAUSS_GRAD_INCREASE: parity.changes["GAUSS_GRAD_256x256"].increase,
        }
    checks = []
    for limit in LIMITS:
        if limit not in found:
            continue
        interval, largest_accepted = found[limit], accepted[limit.name]
        judged = interval.high if strict else interval.value
        sure = interval.high <= largest_accepted or interval.low > largest_accepted
        image = worst.name if limit is MAX_IMAGE_MAD else None
        checks.append(Check(limit, interval, largest_accepted, judged <= largest_accepted, sure, image))
    return checks
