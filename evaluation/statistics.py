"""Statistics of figures over many images: mean, deviation, and the bootstrap interval of the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES, SEED, LEVEL = 10_000, 2019, 0.95
_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Statistics:
    """Statistics of one figure over the images that have it.

    Attributes:
        mean: the mean over the images, each counting the same.
        deviation: the sample standard deviation (n − 1); NaN for one image.
        low, high: the bootstrap interval of the mean.
        images: the number of images that have the figure.
    """

    mean: float
    deviation: float
    low: float
    high: float
    images: int


def summarise(values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED) -> list[Statistics]:
    """Return the statistics of every column.

    Args:
        values: float64 [N, M]: N >= 1 images, M figures; NaN where an image has no such figure.
        resamples, seed: see `bootstrap_interval`.

    Returns:
        M entries; an entry is all NaN where no image has the figure.
    """
    low, high = bootstrap_interval(values, resamples=resamples, seed=seed)
    statistics = []
    for column, (bottom, top) in zip(values.T, zip(low, high, strict=True), strict=True):
        known = column[~np.isnan(column)]
        mean = float(known.mean()) if known.size else float("nan")
        deviation = float(known.std(ddof=1)) if known.size > 1 else float("nan")
        statistics.append(Statistics(mean, deviation, float(bottom), float(top), known.size))
    return statistics


def bootstrap_interval(
    values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED, level: float = LEVEL
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the percentile bootstrap interval of the mean of every column (Efron 1979), over resampled images.

    All columns share the resamples: intervals of two models on the same images come from the same draws. The same call
    gives the same interval.

    Args:
        values: float64 [N, M], N >= 1; NaN is left out of the means.
        resamples: B, the number of times that N images are drawn with replacement.
        seed: the seed of NumPy's default generator.
        level: the interval's coverage, 0-1.

    Returns:
        low, high: float64 [M].
    """
    drawn = bootstrap_means(values, resamples=resamples, seed=seed)
    return quantiles(drawn, level)


def bootstrap_means(
    values: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED
) -> NDArray[np.float64]:
    """Return the means of every column over images drawn with replacement; the columns share the draws.

    Args:
        values, resamples, seed: as `bootstrap_interval`.

    Returns:
        float64 [B, M]; NaN where no drawn image has the figure.
    """
    count = len(values)
    random = np.random.default_rng(seed)
    known = ~np.isnan(values)
    filled, known_weight = np.where(known, values, 0.0), known.astype(np.float64)
    means = []
    chunk = max(1, _CHUNK_VALUES // count)
    for start in range(0, resamples, chunk):
        # The mean depends only on how often each image is drawn.
        drawn = random.multinomial(count, np.full(count, 1 / count), min(chunk, resamples - start)).astype(np.float64)
        weight = drawn @ known_weight
        means.append(np.divide(drawn @ filled, weight, out=np.full(weight.shape, np.nan), where=weight > 0))
    return np.concatenate(means)


def quantiles(drawn: NDArray[np.float64], level: float = LEVEL) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of the middle `level` of every column.

    Args:
        drawn: float64 [B, M], for example means over resampled images; NaN is left out.
        level: the fraction of the values between the ends, 0-1.

    Returns:
        low, high: float64 [M]; NaN where a column has no value.
    """
    tail = (1 - level) / 2
    low, high = np.full((2, drawn.shape[1]), np.nan)
    for column in np.flatnonzero(~np.isnan(drawn).all(axis=0)):
        low[column], high[column] = np.nanquantile(drawn[:, column], (tail, 1 - tail))
    return low, high
