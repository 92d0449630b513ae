"""Means, deviations and bootstrap intervals."""

from __future__ import annotations

import numpy as np
import pytest

from mmnet.evaluation.statistics import bootstrap_interval, summarise


def sample(seed: int, count: int = 60, columns: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).normal(5, 2, (count, columns))


def test_the_same_call_gives_the_same_interval() -> None:
    for first, second in zip(bootstrap_interval(sample(0)), bootstrap_interval(sample(0)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(bootstrap_interval(sample(0))[0], bootstrap_interval(sample(0), seed=1)[0])


def test_a_columns_interval_does_not_depend_on_the_others() -> None:
    values = sample(0, columns=3)
    together = np.array(bootstrap_interval(values))
    alone = np.hstack([bootstrap_interval(values[:, [column]]) for column in range(3)])
    np.testing.assert_allclose(together, alone, rtol=1e-12)


def test_equals_drawing_one_by_one() -> None:
    values = np.random.default_rng(4).exponential(1, (40, 1))
    random = np.random.default_rng(99)
    means = [random.choice(values[:, 0], 40).mean() for _ in range(20_000)]
    np.testing.assert_allclose(np.ravel(bootstrap_interval(values)), np.quantile(means, (0.025, 0.975)), rtol=0.02)


def test_chunks_cover_every_resample() -> None:
    """With this many images, the resamples are drawn in chunks."""
    values = np.random.default_rng(5).normal(0, 1, (50_000, 1))
    low, high = bootstrap_interval(values, resamples=200)
    expected = 1.96 / np.sqrt(50_000)
    assert high[0] - low[0] == pytest.approx(2 * expected, rel=0.2)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(400):
        low, high = bootstrap_interval(sample(seed, columns=1), resamples=500)
        covered += bool(low[0] <= 5 <= high[0])
    assert 0.91 <= covered / 400 <= 0.98


def test_wider_for_more_certainty_and_for_fewer_images() -> None:
    def width(values: np.ndarray, level: float) -> float:
        low, high = bootstrap_interval(values, level=level)
        return float((high - low)[0])

    values = sample(0)
    assert width(values, 0.5) < width(values, 0.95) < width(values, 0.99)
    assert width(values, 0.95) < width(values[:15], 0.95)


def test_a_missing_figure_is_left_out() -> None:
    values = sample(1, columns=2)
    values[::2, 1] = np.nan
    whole, half = summarise(values)
    assert (whole.images, half.images) == (60, 30)
    known = values[1::2, 1]
    assert half.mean == pytest.approx(known.mean())
    assert half.deviation == pytest.approx(known.std(ddof=1))
    assert half.low < half.mean < half.high
    # As wide as that of the thirty alone, but for the draws.
    (alone,) = summarise(known[:, None])
    assert half.high - half.low == pytest.approx(alone.high - alone.low, rel=0.05)


def test_no_image_has_the_figure() -> None:
    (entry,) = summarise(np.full((3, 1), np.nan))
    assert entry.images == 0
    assert np.isnan([entry.mean, entry.deviation, entry.low, entry.high]).all()


def test_one_image() -> None:
    (entry,) = summarise(np.array([[0.25]]))
    assert (entry.mean, entry.low, entry.high, entry.images) == (0.25, 0.25, 0.25, 1)
    assert np.isnan(entry.deviation)
