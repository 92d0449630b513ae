"""Every metric against a slow second implementation, against the figures of the original code, and its properties."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mmnet.evaluation import metrics

Matte = np.ndarray[Any, Any]
Metric = Callable[[Matte, Matte], float]


@st.composite
def matte_pairs(draw: st.DrawFn, lowest: int = 1, highest: int = 14) -> tuple[Matte, Matte]:
    """Draw two uint8 mattes of one shape with few levels, so that equal values and connected regions are common."""
    shape = draw(st.tuples(st.integers(lowest, highest), st.integers(lowest, highest)))
    levels = st.sampled_from([0, 0, 26, 64, 102, 127, 128, 153, 204, 255, 255])
    first, second = (draw(arrays(np.uint8, shape, elements=levels)) for _ in range(2))
    if draw(st.booleans()):
        second = np.where(np.indices(shape).sum(0) % 5 == 0, second, first)
    return first / np.float32(255), second / np.float32(255)


def pixels(alpha: Matte, truth: Matte) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in zip(alpha.ravel(), truth.ravel(), strict=True)]


def slow_mad(alpha: Matte, truth: Matte) -> float:
    return sum(abs(a - b) for a, b in pixels(alpha, truth)) / alpha.size


def slow_mse(alpha: Matte, truth: Matte) -> float:
    return sum((a - b) ** 2 for a, b in pixels(alpha, truth)) / alpha.size


def slow_sad(alpha: Matte, truth: Matte) -> float:
    return sum(abs(a - b) for a, b in pixels(alpha, truth)) / 1000


def slow_iou(alpha: Matte, truth: Matte) -> float:
    both = sum(a >= 0.5 and b >= 0.5 for a, b in pixels(alpha, truth))
    either = sum(a >= 0.5 or b >= 0.5 for a, b in pixels(alpha, truth))
    return both / either if either else 1.0


def slow_gauss_grad(alpha: Matte, truth: Matte) -> float:
    """Compute both gradients with two-dimensional kernels, and then the difference."""
    sigma, half = 1.4, 4
    x = np.arange(-half, half + 1)
    gauss = np.exp(-(x**2) / (2 * sigma**2))
    gauss = gauss / gauss.sum()
    derivative = -x / sigma**2 * gauss

    def gradient(matte: Matte) -> Matte:
        kernels = np.outer(gauss, derivative), np.outer(derivative, gauss)
        return np.stack([scipy.signal.convolve2d(matte.astype(np.float64), kernel, "valid") for kernel in kernels])

    return float(np.linalg.norm(gradient(alpha) - gradient(truth), axis=0).mean())


def slow_connectivity(alpha: Matte, truth: Matte) -> float:
    """Follow the published MATLAB code of the benchmark, without its trimap."""
    level = np.full(alpha.shape, -1.0)
    steps = [np.float32(step / 10) for step in range(11)]
    for below, threshold in pairwise(steps):
        labels, count = scipy.ndimage.label((alpha >= threshold) & (truth >= threshold))
        areas = [int((labels == label).sum()) for label in range(1, count + 1)]
        omega = labels == 1 + areas.index(max(areas)) if areas else np.zeros(alpha.shape, bool)
        level[(level == -1) & ~omega] = below
    level[level == -1] = 1
    level = level.astype(np.float32)

    def phi(matte: Matte) -> Matte:
        distance = matte - level
        return 1 - distance * (distance >= np.float32(0.15))

    return float(np.abs(phi(alpha) - phi(truth)).sum()) / 1000


SLOW: dict[Metric, Metric] = {
    metrics.mad: slow_mad,
    metrics.mse: slow_mse,
    metrics.sad: slow_sad,
    metrics.iou: slow_iou,
    metrics.connectivity_error: slow_connectivity,
}
ERRORS = [metrics.mad, metrics.mse, metrics.sad]


@pytest.mark.parametrize("metric", SLOW, ids=lambda metric: metric.__name__)
@settings(deadline=None)
@given(pair=matte_pairs())
def test_equals_the_slow_one(metric: Metric, pair: tuple[Matte, Matte]) -> None:
    assert metric(*pair) == pytest.approx(SLOW[metric](*pair), rel=1e-5, abs=1e-9)


@settings(deadline=None)
@given(pair=matte_pairs(9, 24))
def test_gauss_grad_equals_the_slow_one(pair: tuple[Matte, Matte]) -> None:
    assert metrics.gauss_grad(*pair) == pytest.approx(slow_gauss_grad(*pair), abs=1e-6)


def test_connectivity_of_a_broken_arm() -> None:
    """A separate region of the foreground counts with its whole opacity, even if every alpha is right."""
    truth = np.zeros((20, 40), np.float32)
    truth[5:15, 5:35] = 1
    alpha = truth.copy()
    alpha[5:15, 25:27] = 0
    # The gap is one error of the alpha; the 8 columns beyond it are cut off in both alike.
    assert metrics.connectivity_error(alpha, truth) == pytest.approx(10 * 2 / 1000)
    faint = truth.copy()
    faint[5:15, 25:] *= 0.5
    assert metrics.connectivity_error(faint, truth) == pytest.approx(10 * 10 * 0.5 / 1000)


@pytest.mark.parametrize("metric", ERRORS, ids=lambda metric: metric.__name__)
@given(pair=matte_pairs())
def test_zero_if_and_only_if_equal(metric: Metric, pair: tuple[Matte, Matte]) -> None:
    assert (metric(*pair) == 0) == np.array_equal(*pair)


@given(pair=matte_pairs(9, 14))
def test_equal_mattes_are_perfect(pair: tuple[Matte, Matte]) -> None:
    matte = pair[0]
    assert metrics.gauss_grad(matte, matte) == 0
    assert metrics.connectivity_error(matte, matte) == 0
    assert metrics.iou(matte, matte) == 1


@pytest.mark.parametrize(
    "metric", [*ERRORS, metrics.iou, metrics.gauss_grad, metrics.connectivity_error], ids=lambda metric: metric.__name__
)
@given(pair=matte_pairs(9, 14))
def test_symmetry(metric: Metric, pair: tuple[Matte, Matte]) -> None:
    alpha, truth = pair
    assert metric(alpha, truth) == pytest.approx(metric(truth, alpha), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("metric", [*ERRORS, metrics.iou, metrics.gauss_grad], ids=lambda metric: metric.__name__)
@given(pair=matte_pairs(9, 14), turned=st.sampled_from([np.fliplr, np.flipud, np.transpose, np.rot90]))
def test_turning_the_image_changes_nothing(
    metric: Metric, pair: tuple[Matte, Matte], turned: Callable[[Matte], Matte]
) -> None:
    alpha, truth = pair
    assert metric(turned(alpha), turned(truth)) == pytest.approx(metric(alpha, truth), rel=1e-4, abs=1e-7)


@given(pair=matte_pairs(9, 14))
def test_bounds(pair: tuple[Matte, Matte]) -> None:
    alpha, truth = pair
    mad, thousands = metrics.mad(alpha, truth), alpha.size / 1000
    assert 0 <= metrics.mse(alpha, truth) <= mad + 1e-7 <= 1 + 1e-7
    assert metrics.sad(alpha, truth) == pytest.approx(mad * thousands)
    assert 0 <= metrics.iou(alpha, truth) <= 1
    assert 0 <= metrics.connectivity_error(alpha, truth) <= thousands
    assert 0 <= metrics.gauss_grad(alpha, truth) < 1


@given(pair=matte_pairs(9, 14), shift=st.floats(-0.5, 0.5), factor=st.floats(0, 1))
def test_gauss_grad_sees_slopes_alone(pair: tuple[Matte, Matte], shift: float, factor: float) -> None:
    alpha, truth = pair
    assert metrics.gauss_grad(alpha + np.float32(shift), truth) == pytest.approx(
        metrics.gauss_grad(alpha, truth), abs=1e-5
    )
    scaled = metrics.gauss_grad(np.float32(factor) * alpha, np.float32(factor) * truth)
    assert scaled == pytest.approx(factor * metrics.gauss_grad(alpha, truth), abs=1e-5)


def test_gauss_grad_of_a_ramp_is_its_slope() -> None:
    ramp = np.tile(np.linspace(0, 1, 51, dtype=np.float32), (30, 1))
    x = np.arange(-4, 5)
    gauss = np.exp(-(x**2) / (2 * 1.4**2))
    # Cut off at 9 taps the derivative measures a slope of 1 as a little less.
    measured = (x**2 / 1.4**2 * gauss).sum() / gauss.sum()
    assert metrics.gauss_grad(ramp, np.zeros_like(ramp)) == pytest.approx(measured / 50, rel=1e-5)


@settings(deadline=None)
@given(pair=matte_pairs(1, 16), width=st.floats(0.001, 0.3))
def test_the_band_is_what_lies_within_its_width_of_the_other_side(pair: tuple[Matte, Matte], width: float) -> None:
    truth = pair[0]
    radius = max(1, round(width * max(truth.shape)))
    person = truth >= 0.5
    places = np.indices(truth.shape)

    def dilated(mask: Matte) -> Matte:
        squared = [((places - np.reshape(place, (2, 1, 1))) ** 2).sum(0) for place in np.argwhere(mask)]
        return np.any([distance <= radius**2 for distance in squared], axis=0) if squared else np.zeros_like(mask)

    band = metrics.boundary_band(truth, width)
    np.testing.assert_array_equal(band, dilated(person) & dilated(~person))
    if band.any():
        alpha = pair[1]
        assert metrics.band_mad(alpha, truth, band) == pytest.approx(slow_mad(alpha[band], truth[band]), abs=1e-6)
    else:
        assert np.isnan(metrics.band_mad(pair[1], truth, band))


def test_an_error_outside_the_band_is_not_the_bands() -> None:
    truth = np.zeros((100, 100), np.float32)
    truth[:, :50] = 1
    band = metrics.boundary_band(truth)
    assert band.sum(axis=1).tolist() == [4] * 100  # 2 % of 100 pixels, to either side
    alpha = truth.copy()
    alpha[:, 90:] = 1
    assert metrics.band_mad(alpha, truth, band) == 0
    alpha[:, 50] = 1
    assert metrics.band_mad(alpha, truth, band) == pytest.approx(1 / 4)


@pytest.mark.parametrize(
    "metric",
    [metrics.mad, metrics.mse, metrics.sad, metrics.iou, metrics.gauss_grad, metrics.connectivity_error],
    ids=lambda metric: metric.__name__,
)
def test_what_is_no_pair_of_mattes(metric: Metric) -> None:
    matte = np.zeros((12, 12), np.float32)
    for other in (matte[:, 1:], matte[..., None], np.zeros((0, 12), np.float32)):
        with pytest.raises(metrics.MetricError, match="one shape"):
            metric(matte, other)
        with pytest.raises(metrics.MetricError, match="one shape"):
            metric(other, matte)
    with pytest.raises(metrics.MetricError, match="divided by 255"):
        metric(matte, matte.astype(np.uint8))


def test_too_small_for_a_gradient() -> None:
    with pytest.raises(metrics.MetricError, match="at least 9"):
        metrics.gauss_grad(np.zeros((8, 20)), np.zeros((8, 20)))


@pytest.mark.parametrize(
    ("metric", "name"), [(metrics.mad, "MAD"), (metrics.gauss_grad, "GAUSS_GRAD")], ids=["MAD", "GAUSS_GRAD"]
)
def test_figures_of_the_original_code(research_data: Path, metric: Metric, name: str) -> None:
    with np.load(research_data / "reference" / "mmnet-0.5" / "golden.npz") as golden:
        alphas, masks = golden["alpha"], golden["masks"]
        small, large = float(golden[f"{name}_256x256"]), float(golden[f"{name}_800x600"])
    values = [metric(alpha, mask) for alpha, mask in zip(alphas, masks, strict=True)]
    assert np.mean(values) == pytest.approx(small, abs=1e-6)
    values = [
        metric(*(metrics.resize_legacy_bilinear(matte, 800, 600) for matte in pair))
        for pair in zip(alphas, masks, strict=True)
    ]
    assert np.mean(values) == pytest.approx(large, abs=1e-6)
