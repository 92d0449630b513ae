"""The release suite as a table: its data sets, what is measured on each, and the limits.

A limit is the highest value that a released model may have; every measure of the suite is better when it is lower. The
limits of portraits, whole people, half figures and scenes are the aims of this project. The others are the values of
MediaPipe's selfie segmenter on the same set, rounded up, and one image more for a part of the images: a model that is
released is about as good. docs/guides/release.md says how the sets are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmnet.errors import MMNetError
from mmnet.evaluation import metrics
from mmnet.evaluation.datasets.pairs import IMAGE, MASK
from mmnet.evaluation.figures import Comparison
from mmnet.listing import no_folder_text

WRONG_PART = 0.25  # a person is wrong if the error is more than this part of its area
GHOST_PART = 0.01  # an image of nobody has a ghost if more than this part of it is foreground
TOLERANCE = 0.02  # a mean may exceed that of an older model by this part of it

Values = NDArray[np.float64]


class SuiteError(MMNetError):
    """A suite, or a set of a suite, is unknown or cannot be measured."""


@dataclass(frozen=True)
class Measure:
    """A number that a model gets on a data set; lower is better.

    Attributes:
        name: its name in JSON.
        label: its name in tables.
        definition: its definition.
        of_image: the value of one image; NaN where the image has none.
        summary: the number, from the values of all images, float64 [N].
        counts: whether it is a part of the images, which changes in steps of 1/N.
    """

    name: str
    label: str
    definition: str
    of_image: Callable[[Comparison], float]
    summary: Callable[[Values], float]
    counts: bool = False


def _mean(values: Values) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _median(values: Values) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _part_over(limit: float) -> Callable[[Values], float]:
    """Return the function of values that gives the part of them over a limit."""
    return lambda values: float((values > limit).mean())


def _error(comparison: Comparison) -> float:
    return metrics.relative_error(*comparison.at_photo)


MAD = Measure("MAD", "MAD", "mean |α − α*| at 800×600", lambda c: metrics.mad(*c.at_800x600), _mean)
GAUSS_GRAD = Measure(
    "GAUSS_GRAD",
    "GAUSS_GRAD",
    "mean |∇α − ∇α*| at 800×600, first derivative of a Gaussian, σ 1.4",
    lambda c: metrics.gauss_grad(*c.at_800x600),
    _mean,
)
ERROR = Measure(
    "error_mean", "error, mean", "Σ |α − α*| / Σ α* at the photo's size, mean over the images", _error, _mean
)
ERROR_MEDIAN = Measure("error_median", "error, median", "the same, median over the images", _error, _median)
WRONG = Measure(
    "wrong_people",
    "over a quarter wrong",
    f"the part of the images with Σ |α − α*| / Σ α* over {WRONG_PART:g}",
    _error,
    _part_over(WRONG_PART),
    counts=True,
)
GHOSTS = Measure(
    "ghosts",
    "ghosts",
    f"the part of the images with α ≥ 0.5 on over {GHOST_PART:.0%} of the photo",
    lambda c: metrics.covered(c.at_photo[0]),
    _part_over(GHOST_PART),
    counts=True,
)
MEASURES = (MAD, GAUSS_GRAD, ERROR, ERROR_MEDIAN, WRONG, GHOSTS)


@dataclass(frozen=True)
class Criterion:
    """A measure on a set, and its limit.

    Attributes:
        measure: what is measured.
        limit: the highest value that a released model may have; None: there is no limit.
        compared: whether a model may not be worse than an older one.
    """

    measure: Measure
    limit: float | None = None
    compared: bool = True


@dataclass(frozen=True)
class SuiteSet:
    """A data set of a suite.

    Attributes:
        name: its name, which is also that of its folder.
        title: what it shows.
        criteria: what is measured on it.
        required: whether the suite cannot be passed without it.
    """

    name: str
    title: str
    criteria: tuple[Criterion, ...]
    required: bool = True

    def exists_in(self, folder: Path) -> bool:
        """Whether a folder has this set."""
        return (folder / self.name / IMAGE).is_dir() and (folder / self.name / MASK).is_dir()


RELEASE: tuple[SuiteSet, ...] = (
    SuiteSet(
        "portraits-test",
        "portraits",
        # Their mattes are too wide: below this limit, a lower MAD is no better.
        (Criterion(MAD, 0.020, compared=False), Criterion(GAUSS_GRAD, compared=False)),
    ),
    SuiteSet(
        "portraits-test-median",
        "portraits, mattes by networks",
        (Criterion(MAD, compared=False), Criterion(GAUSS_GRAD, compared=False)),
        required=False,
    ),
    SuiteSet("cutouts-validation", "whole people", (Criterion(MAD, 0.0105), Criterion(GAUSS_GRAD, 0.0022))),
    SuiteSet("fashion-validation", "half figures", (Criterion(MAD, 0.0168), Criterion(GAUSS_GRAD, 0.0024))),
    SuiteSet(
        "props-validation",
        "hats and bags",
        (Criterion(MAD, 0.0183), Criterion(GAUSS_GRAD, 0.0034), Criterion(WRONG, 0.04)),
    ),
    SuiteSet(
        "scenes-validation",
        "people in 16:9 scenes",
        (
            Criterion(MAD),
            Criterion(GAUSS_GRAD),
            Criterion(ERROR),
            Criterion(ERROR_MEDIAN),
            Criterion(WRONG, 0.10),
        ),
    ),
    SuiteSet(
        "groups-validation",
        "groups",
        (Criterion(MAD, 0.0657), Criterion(GAUSS_GRAD, 0.0077), Criterion(ERROR), Criterion(WRONG, 0.442)),
    ),
    SuiteSet("nobody-validation", "nobody", (Criterion(MAD, 0.001), Criterion(GHOSTS, 0.02))),
)
SUITES = {"release": RELEASE}


def choose_suite(name: str) -> tuple[SuiteSet, ...]:
    """Return the suite called `name`.

    Raises:
        SuiteError: there is no suite of that name; the message lists the names.
    """
    if name not in SUITES:
        raise SuiteError(f"unknown suite {name!r}; choose one of {', '.join(SUITES)}")
    return SUITES[name]


def choose_sets(suite: Sequence[SuiteSet], folder: Path, names: Sequence[str] | None = None) -> list[SuiteSet]:
    """Return the sets of a suite to measure on, in its order.

    Args:
        suite: the suite.
        folder: the folder that holds a folder for every set.
        names: the sets to take; None: all that are required, and the others where the folder has them.

    Raises:
        SuiteError: there is no such folder, a name is unknown, or the folder lacks a set; the message lists all of
            them.
    """
    if not folder.is_dir():
        raise SuiteError(no_folder_text(folder, "name the folder of the sets"))
    if names is not None:
        unknown = sorted(set(names) - {one.name for one in suite})
        if unknown or not names:
            known = ", ".join(one.name for one in suite)
            raise SuiteError(f"no set is called {', '.join(unknown) or 'nothing'}; the sets are {known}")
    chosen = [
        one for one in suite if (one.name in names if names is not None else one.required or one.exists_in(folder))
    ]
    missing = [one.name for one in chosen if not one.exists_in(folder)]
    if missing:
        raise SuiteError(
            f"{folder}: has no {', no '.join(missing)} (with image and mask in it); make the sets with "
            "tools/datasets/training_mix.py DATA DIR --validation-only, or choose sets with sets=…"
        )
    return chosen
