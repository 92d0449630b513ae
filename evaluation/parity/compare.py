"""Two models on the same images: the difference of their alphas, and the change of accuracy from one to the other.

The first model is the reference (usually float), the second is derived from it (usually quantized). Every figure is a
paired difference on the same image: differences between easy and difficult images do not enter it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.pairs import Pair, Photo
from mmnet.evaluation.evaluate import each_image
from mmnet.evaluation.figures import FIGURES, Comparison, Truth
from mmnet.evaluation.framing import FramedPhoto, PhotoAlpha, PlacedAlpha
from mmnet.evaluation.models import Candidate, LoadedModel
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
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit

# |Δα| of a pixel lies in 0-1; Δα in −1 to 1, counted in steps of an 8-bit alpha.
LEVELS = 255


class NotComparedError(MMNetError):
    """The two models cannot be compared."""

    exit_code = 2


@dataclass(frozen=True)
class Difference:
    """One figure of the difference between α and the reference's α, at the reference's size.

    The figure of a photo with several crops is that of the crop in which it is largest.

    Attributes:
        name: its name in tables and in JSON.
        definition: its definition.
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

# Figures against the true matte. SAD is MAD times the number of pixels; CONN takes longer than the models themselves.
ACCURACY = tuple(figure for figure in FIGURES if figure.name not in ("CONN", "SAD"))


@dataclass(frozen=True)
class ImageParity:
    """The comparison on one image.

    Attributes:
        name: the stem of the image.
        differences: figure name of DIFFERENCES -> value.
        accuracy: for the reference and the other model, figure name of ACCURACY -> value; None without a matte.
        histogram: int64 [511], the number of pixels whose Δα, other − reference, rounds to (−255 … 255) / 255.
    """

    name: str
    differences: Mapping[str, float]
    accuracy: tuple[Mapping[str, float], Mapping[str, float]] | None
    histogram: NDArray[np.int64]


@dataclass(frozen=True)
class Interval:
    """A figure and its 95 % bootstrap interval, `low` to `high`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """The change of one accuracy figure from the reference to the other model.

    Attributes:
        reference, other: the statistics of the figure for each model.
        difference: the statistics of the paired difference, other − reference.
        increase: mean of the other / mean of the reference − 1; for the interval, both means are of the same resample.
        worse, better: the number of images on which the other model is worse, and better.
    """

    reference: Statistics
    other: Statistics
    difference: Statistics
    increase: Interval
    worse: int
    better: int


@dataclass(frozen=True)
class LimitCheck:
    """The judgement of one limit.

    Attributes:
        limit: the limit.
        measured: the figure with its interval; the figure of the worst image has none (low = high = value).
        accepted: the tolerance: the largest value that passes.
        passed: whether the figure passes.
        sure: whether the whole interval is on one side of the tolerance.
        image: the name of the worst image, if the limit is about it.
    """

    limit: Limit
    measured: Interval
    accepted: float
    passed: bool
    sure: bool
    image: str | None = None


@dataclass(frozen=True)
class Parity:
    """The comparison of two models.

    Attributes:
        reference, other: the models.
        images: the comparison on each image, in the order given.
        differences: figure name of DIFFERENCES -> statistics over the images.
        changes: figure name of ACCURACY -> its change; empty without mattes.
    """

    reference: Candidate
    other: Candidate
    images: tuple[ImageParity, ...]
    differences: Mapping[str, Statistics]
    changes: Mapping[str, Change]

    def ranked(self) -> list[ImageParity]:
        """Return the images by mean |Δα|, the largest first, equal ones by name."""
        return sorted(self.images, key=lambda image: (-image.differences[RANKED_BY], image.name))

    def median(self) -> ImageParity:
        """Return the image in the middle of `ranked`."""
        return self.ranked()[(len(self.images) - 1) // 2]

    def histogram(self) -> NDArray[np.int64]:
        """Return the sum of all images' histograms; see `ImageParity.histogram`."""
        return np.asarray(np.sum([image.histogram for image in self.images], axis=0), np.int64)


def compare_candidates(
    reference: Candidate,
    other: Candidate,
    images: Sequence[Pair] | Sequence[Photo],
    resize: Resize,
    fit: Fit = DEFAULT_FIT,
    *,
    threads: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Parity:
    """Run both models on every image and compare their alphas.

    Both models look at the same parts of an image: with `Fit.AUTO`, at the crops of the reference's first alpha.

    Args:
        reference, other: the models; if their sizes differ, the other's alpha is resized to the reference's size.
        images: at least one; with mattes, the accuracy of each model is measured as well.
        resize, fit, threads, progress: as `mmnet.evaluation.evaluate.evaluate_candidates`.

    Raises:
        EvaluationError, DatasetError, ModelError: as `evaluate_candidates`.
    """

    def measure(image: Pair | Photo, models: Sequence[LoadedModel]) -> ImageParity:
        return _measure(image, models, resize, fit)

    compared = each_image(
        [reference, other],
        tuple[Pair | Photo, ...](images),
        measure,
        floats=resize.floats,
        threads=threads,
        progress=progress,
    )
    names = [difference.name for difference in DIFFERENCES]
    values = np.array([[entry.differences[name] for name in names] for entry in compared], np.float64)
    differences = dict(zip(names, summarise(values), strict=True))
    return Parity(reference, other, tuple(compared), differences, changes(compared))


def alphas(
    photo: U8Array, models: Sequence[LoadedModel], resize: Resize, fit: Fit
) -> list[tuple[PlacedAlpha, PlacedAlpha]]:
    """Return the alphas of both models for each part of one photo that they see, both at the reference's size."""
    reference, other = FramedPhoto(photo, resize).alphas(models, fit)
    return _at_size_of(reference, other, resize)


def _at_size_of(reference: PhotoAlpha, other: PhotoAlpha, resize: Resize) -> list[tuple[PlacedAlpha, PlacedAlpha]]:
    """Return each part of the reference, and the same part of the other model at its size."""
    return [
        (ours, theirs)
        if theirs.alpha.shape == ours.alpha.shape
        else (ours, PlacedAlpha(resize.alpha(theirs.alpha, *ours.alpha.shape), ours.placement))
        for ours, theirs in zip(reference.parts, other.parts, strict=True)
    ]


def _measure(image: Pair | Photo, models: Sequence[LoadedModel], resize: Resize, fit: Fit) -> ImageParity:
    photo, mask = image.read()
    reference, other = FramedPhoto(photo, resize).alphas(models, fit)
    accuracy = None
    if mask is not None:
        truth = Truth(mask, resize)
        accuracy = (_accuracy(reference, truth), _accuracy(other, truth))
    parts = [(ours.alpha, theirs.alpha) for ours, theirs in _at_size_of(reference, other, resize)]
    steps = np.rint(np.stack([theirs - ours for ours, theirs in parts]) * LEVELS).astype(np.int64) + LEVELS
    return ImageParity(
        image.name,
        {difference.name: max(difference.compute(*part) for part in parts) for difference in DIFFERENCES},
        accuracy,
        np.bincount(steps.ravel(), minlength=2 * LEVELS + 1),
    )


def _accuracy(alpha: PhotoAlpha, truth: Truth) -> dict[str, float]:
    comparison = Comparison(truth, alpha)
    return {figure.name: figure.compute(comparison) for figure in ACCURACY}


def changes(images: Sequence[ImageParity]) -> dict[str, Change]:
    """Return figure name of ACCURACY -> its change over the images with mattes; empty if there is no matte."""
    known = [entry.accuracy for entry in images if entry.accuracy is not None]
    if not known:
        return {}
    by_figure = {}
    for figure in ACCURACY:
        values = np.array([[of_one[figure.name] for of_one in entry] for entry in known], np.float64)
        # An image on which one of the two has no such figure does not count for the change.
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
    """Return the second mean / the first − 1, from float64 [N, 2] and the means of both columns.

    0 / 0 is no increase, x / 0 an infinite one. Resamples with an infinite increase do not count for the interval.
    """
    reference, other = np.vstack([[means], bootstrap_means(values)]).T
    nowhere = np.where(other == 0, 0.0, np.where(np.isnan(other), np.nan, np.inf))
    ratio = np.divide(other - reference, reference, out=nowhere, where=reference != 0)
    drawn = np.where(np.isinf(ratio[1:]), np.nan, ratio[1:])
    (low,), (high,) = quantiles(drawn[:, None])
    return Interval(float(ratio[0]), float(low), float(high))


def judge(parity: Parity, accepted: Mapping[str, float], *, strict: bool = False) -> list[LimitCheck]:
    """Judge every limit that can be judged on these images.

    Args:
        parity: the comparison.
        accepted: limit name -> tolerance; see `mmnet.evaluation.parity.tolerances`.
        strict: whether the upper end of the interval has to pass, not only the figure.
    """
    mad = parity.differences["MAD"]
    worst = parity.ranked()[0]
    largest = worst.differences["MAD"]
    measured = {
        MAX_MAD: Interval(mad.mean, mad.low, mad.high),
        MAX_IMAGE_MAD: Interval(largest, largest, largest),
    }
    if parity.changes:
        measured |= {
            MAX_MAD_INCREASE: parity.changes["MAD_256x256"].increase,
            MAX_GAUSS_GRAD_INCREASE: parity.changes["GAUSS_GRAD_256x256"].increase,
        }
    checks = []
    for limit in LIMITS:
        if limit not in measured:
            continue
        interval, largest_accepted = measured[limit], accepted[limit.name]
        judged = interval.high if strict else interval.value
        sure = interval.high <= largest_accepted or interval.low > largest_accepted
        image = worst.name if limit is MAX_IMAGE_MAD else None
        checks.append(LimitCheck(limit, interval, largest_accepted, judged <= largest_accepted, sure, image))
    return checks
