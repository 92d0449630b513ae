"""Times of many runs → what is reported of them; times of two models → how they compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED

Milliseconds = NDArray[np.float64]
_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True)
class Latency:
    """Of one stage over many runs, in milliseconds; None where the tool that measured does not tell.

    Attributes:
        runs: how many were measured.
        min_ms, median_ms, p90_ms, p95_ms, max_ms, mean_ms: of them.
        iqr_ms: the interquartile range (p75 − p25): the spread.
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
    def of(cls, times: Milliseconds) -> Latency:
        """The distribution of float64 [N], N >= 1, in milliseconds. Percentiles interpolate linearly."""
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
    """A model's time as a multiple of the baseline's: the median of the rounds' ratios, and its interval.

    Attributes:
        median: below 1 is faster than the baseline.
        low, high: percentile bootstrap interval of the median over the rounds; None for fewer than three rounds.
        rounds: how many.
    """

    median: float
    low: float | None
    high: float | None
    rounds: int

    @classmethod
    def of(cls, times: Milliseconds, baseline: Milliseconds, *, resamples: int = RESAMPLES, seed: int = SEED) -> Ratio:
        """Compare the times of the same rounds.

        A ratio is taken within each round, in which both were measured within moments of each other, so that what the
        machine did meanwhile falls on both. The interval resamples rounds (Efron 1979).

        Args:
            times, baseline: float64 [N], N >= 1, above 0, round by round.
            resamples: how many times N rounds are drawn with replacement.
            seed: of NumPy's default generator.
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
