"""Statistics of latency: the distribution of many runs, and the ratio of two models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED

Times = NDArray[np.float64]  # milliseconds
_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Latency:
    """The latency of one stage over many runs, in milliseconds; None where the tool that measured does not report it.

    Attributes:
        runs: number of measured runs.
        min_ms: the shortest.
        median_ms: the median.
        p90_ms: the 90th percentile.
        p95_ms: the 95th percentile.
        max_ms: the longest.
        mean_ms: the mean.
        iqr_ms: the interquartile range (75th − 25th percentile): the spread.
    """

    runs: int
    min_ms: float | None = None
    median_ms: float | None = None
    p90_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None
    mean_ms: float | None = None
    iqr_ms: float | None = None

    @classmethod
    def of(cls, times: Times) -> Latency:
        """Return the distribution of float64 [N], N >= 1, in milliseconds. Percentiles interpolate linearly."""
        low, middle, high, p90, p95 = (float(value) for value in np.percentile(times, (25, 50, 75, 90, 95)))
        return cls(
            runs=len(times),
            min_ms=float(times.min()),
            median_ms=middle,
            p90_ms=p90,
            p95_ms=p95,
            max_ms=float(times.max()),
            mean_ms=float(times.mean()),
            iqr_ms=high - low,
        )


@dataclass(frozen=True)
class Ratio:
    """The latency of a model as a multiple of the baseline's: the median of the rounds' ratios, and its interval.

    Attributes:
        median: the median; below 1 the model is faster than the baseline.
        low: lower end of the percentile bootstrap interval of the median; None for fewer than three rounds.
        high: upper end of that interval.
        rounds: number of rounds.
    """

    median: float
    low: float | None
    high: float | None
    rounds: int

    @classmethod
    def of(cls, times: Times, baseline: Times, *, resamples: int = RESAMPLES, seed: int = SEED) -> Ratio:
        """Compare the times of the same rounds.

        A ratio is taken within each round, in which both models were measured within moments of each other, so that
        other load on the machine affects both. The interval resamples rounds (bootstrap, Efron 1979).

        Args:
            times: times of the model, float64 [N], N >= 1, above 0, round by round.
            baseline: times of the baseline in the same rounds, float64 [N].
            resamples: number of bootstrap samples, each of N rounds drawn with replacement.
            seed: seed of NumPy's default generator.
        """
        ratios = times / baseline
        count = len(ratios)
        if count < 3:
            return cls(float(np.median(ratios)), None, None, count)
        random = np.random.default_rng(seed)
        chunk = max(1, _CHUNK_VALUES // count)
        medians = [
            np.median(ratios[random.integers(0, count, (min(chunk, resamples - start), count))], axis=1)
            for start in range(0, resamples, chunk)
        ]
        tail = (1 - LEVEL) / 2
        low, high = np.quantile(np.concatenate(medians), (tail, 1 - tail))
        return cls(float(np.median(ratios)), float(low), float(high), count)
