"""Properties of the statistics of latency."""

from __future__ import annotations

import itertools
from dataclasses import asdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmnet.benchmark.latency import Latency, Ratio, Times

TIMES = st.integers(1, 60).flatmap(lambda count: arrays(np.float64, count, elements=st.floats(1e-3, 1e5)))


@given(TIMES)
def test_figures_are_in_order(times: Times) -> None:
    latency = asdict(Latency.of(times))
    figures = [latency[f"{name}_ms"] for name in ("min", "median", "p90", "p95", "max")]
    assert all(left <= right * (1 + 1e-12) for left, right in itertools.pairwise(figures))
    assert latency["runs"] == len(times)
    assert 0 <= latency["iqr_ms"] <= latency["max_ms"] - latency["min_ms"] + 1e-9


@settings(max_examples=40, deadline=None)
@given(TIMES, st.floats(0.01, 100))
def test_a_model_that_always_takes_k_times_as_long_has_the_ratio_k(times: Times, factor: float) -> None:
    """However the machine's speed changes from round to round."""
    ratio = Ratio.of(times * factor, times, resamples=200)
    np.testing.assert_allclose(ratio.median, factor)
    if ratio.low is not None and ratio.high is not None:
        np.testing.assert_allclose([ratio.low, ratio.high], factor)


def test_the_interval_covers_the_true_ratio_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for seed in range(200):
        base = random.lognormal(2, 0.3, 60)
        ratio = Ratio.of(base * 0.7 * random.lognormal(0, 0.1, 60), base, resamples=500, seed=seed)
        assert ratio.low is not None
        assert ratio.high is not None
        covered += ratio.low <= 0.7 <= ratio.high
    assert 0.88 <= covered / 200 <= 0.99


def test_the_same_rounds_give_the_same_interval() -> None:
    random = np.random.default_rng(1)
    times, base = random.uniform(1, 2, (2, 50))
    assert Ratio.of(times, base) == Ratio.of(times, base)
