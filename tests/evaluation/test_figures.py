"""The size and the inputs of each figure."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tiny_models import tensorflow

from mmnet.evaluation import metrics
from mmnet.evaluation.figures import FIGURES, Truth, measure
from mmnet.evaluation.resize import RESIZES


def image(seed: int, height: int, width: int) -> np.ndarray:
    noise = np.random.default_rng(seed).random((height, width), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    return (smooth - smooth.min()) / np.ptp(smooth)


def tf1(matte: np.ndarray, height: int, width: int, *, aligned: bool = False) -> np.ndarray:
    resize = tensorflow().compat.v1.image.resize_bilinear
    return np.asarray(resize(matte[None, ..., None], (height, width), align_corners=aligned))[0, ..., 0]


@pytest.fixture
def mask() -> np.ndarray:
    return np.rint(255 * image(0, 90, 72)).astype(np.uint8)


@pytest.mark.parametrize("size", [64, 256])
def test_as_the_original_code_resizes(mask: np.ndarray, size: int) -> None:
    alpha, truth = image(1, size, size), mask / np.float32(255)
    figures = measure(alpha, Truth(mask, RESIZES["original"]))
    small = tf1(alpha, 256, 256, aligned=True), tf1(truth, 256, 256, aligned=True)
    large = tf1(alpha, 800, 600), tf1(truth, 800, 600)
    own = tf1(alpha, 90, 72, aligned=True), truth
    assert figures["MAD_256x256"] == pytest.approx(np.abs(small[0] - small[1]).mean(), abs=1e-6)
    assert figures["GAUSS_GRAD_256x256"] == pytest.approx(metrics.gauss_grad(*small), abs=1e-6)
    assert figures["MAD_800x600"] == pytest.approx(np.abs(large[0] - large[1]).mean(), abs=1e-6)
    assert figures["GAUSS_GRAD_800x600"] == pytest.approx(metrics.gauss_grad(*large), abs=1e-6)
    assert figures["MAD"] == pytest.approx(np.abs(own[0] - own[1]).mean(), abs=1e-6)


def test_as_the_runtime_resizes(mask: np.ndarray) -> None:
    alpha, truth = image(1, 64, 64), mask / np.float32(255)
    figures = measure(alpha, Truth(mask, RESIZES["runtime"]))
    small = cv2.resize(alpha, (256, 256)), cv2.resize(truth, (256, 256))
    own = cv2.resize(alpha, (72, 90)), truth
    # The runtime rounds what it resizes to bytes.
    assert figures["MAD_256x256"] == pytest.approx(np.abs(small[0] - small[1]).mean(), abs=1e-4)
    # The large size is defined by TensorFlow 1's bilinear, whatever the product does.
    large = tf1(alpha, 800, 600), tf1(truth, 800, 600)
    assert figures["MAD_800x600"] == pytest.approx(np.abs(large[0] - large[1]).mean(), abs=1e-6)
    band = metrics.boundary_band(truth)
    expected = {
        "MAD": np.abs(own[0] - own[1]).mean(),
        "MAD_band": np.abs(own[0] - own[1])[band].mean(),
        "MSE": np.square(own[0] - own[1]).mean(),
        "SAD": np.abs(own[0] - own[1]).sum() / 1000,
        "IoU": metrics.iou(*own),
        "CONN": metrics.connectivity_error(*own),
    }
    assert {name: figures[name] for name in expected} == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", RESIZES)
def test_the_perfect_matte(mask: np.ndarray, name: str) -> None:
    """A true matte of the network's size has no error at 256×256; at other sizes only resizing errs."""
    truth = Truth(mask, RESIZES[name])
    figures = measure(truth.at_256, truth)
    assert figures["MAD_256x256"] == figures["GAUSS_GRAD_256x256"] == 0
    assert figures["MAD"] < 0.01
    assert figures["IoU"] > 0.97
    assert list(figures) == [figure.name for figure in FIGURES]
