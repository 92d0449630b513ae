"""The core in C computes the bytes of NumPy, in every stage."""

from __future__ import annotations

import c_core
import numpy as np
import pytest
from core_cases import FineAlphaCase, fine_alpha_case, fine_composite_case, smoothing_case
from hypothesis import given, settings
from hypothesis import strategies as st
from java_core import AlphaCase, BlurredBackgroundCase, CompositeCase, FrameCase
from javascript_core import RgbFrameCase

from mmnet.runtime import Fit, Orientation, Plane, YuvFrame
from mmnet.runtime.core import library
from mmnet.runtime.fullres.parameters import weights
from mmnet.runtime.imaging.frames import ROTATIONS

pytestmark = pytest.mark.skipif(
    library.LIBRARY is None, reason="NO C COMPILER WAS THERE WHEN MMNET WAS INSTALLED: the core in C was not tested"
)

_SIDE, _SIZE, _SEED = st.integers(1, 48), st.integers(1, 20), st.integers(0, 2**32 - 1)
_LARGE_SIDE = st.one_of(st.integers(1, 90), st.integers(1, 500))
_ORIENTATION = st.builds(Orientation, st.sampled_from(ROTATIONS), st.booleans())
_FIT, _LEVELS = st.sampled_from(list(Fit)), st.sampled_from([2, 3, 256])


def _noise(random: np.random.Generator, levels: int, *shape: int) -> np.ndarray:
    """Return noise of evenly spaced levels from 0 to 255; two levels give the extremes of every sum."""
    return (random.integers(0, levels, shape) * 255 // (levels - 1)).astype(np.uint8)


def _same(case: object) -> None:
    assert c_core.answer(case.request()) == case.answer(), case


@settings(max_examples=600, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, _FIT, _SIZE, _SEED, _LEVELS)
def test_frames(height: int, width: int, turn: Orientation, fit: Fit, size: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    _same(RgbFrameCase(_noise(random, levels, height, width, 3), turn, fit, size))
    planes = []
    for rows, columns in ((height, width), *[((height + 1) // 2, (width + 1) // 2)] * 2):
        pixel = int(random.integers(1, 5))
        row = (columns - 1) * pixel + 1 + int(random.integers(6))
        planes.append(Plane(_noise(random, levels, (rows - 1) * row + (columns - 1) * pixel + 1), row, pixel))
    _same(FrameCase(YuvFrame(height, width, *planes), turn, fit, size))


@settings(max_examples=600, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, _FIT, _SIZE, _SEED, _LEVELS)
def test_fast_alpha(height: int, width: int, turn: Orientation, fit: Fit, size: int, seed: int, levels: int) -> None:
    _same(AlphaCase(height, width, turn, fit, _noise(np.random.default_rng(seed), levels, size, size)))


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), _SEED, _LEVELS)
def test_composite_and_blurred_background(height: int, width: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    image, background = (_noise(random, levels, height, width, 3) for _ in range(2))
    alpha = _noise(random, levels, height, width)
    _same(BlurredBackgroundCase(image, alpha))
    _same(CompositeCase(image, alpha, background, (seed & 255, 0, 255)))


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, st.sampled_from([1, 2, 7, 24, 64]), _SEED)
def test_fine_alpha(height: int, width: int, size: int, seed: int) -> None:
    _same(fine_alpha_case(np.random.default_rng(seed), height, width, size))


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, _SEED)
def test_fine_composite(height: int, width: int, seed: int) -> None:
    _same(fine_composite_case(np.random.default_rng(seed), height, width))


@settings(max_examples=60, deadline=None)
@given(st.one_of(st.integers(1, 70), st.sampled_from([128, 200])), _SEED)
def test_smoothing(size: int, seed: int) -> None:
    _same(smoothing_case(np.random.default_rng(seed), size))


@pytest.mark.parametrize("shape", [(1080, 1920), (2301, 700), (300, 4200)])
def test_large_photos(shape: tuple[int, int]) -> None:
    random = np.random.default_rng(shape)
    case = fine_alpha_case(random, *shape, 256)
    _same(case)
    _same(FineAlphaCase(case.image, case.placement, _noise(random, 2, 256, 256)))
    _same(fine_composite_case(random, *shape))


def test_every_mixture_of_two_bytes_and_an_alpha() -> None:
    front, behind = (np.repeat(side.astype(np.uint8)[..., None], 3, axis=2) for side in np.mgrid[:256, :256])
    for alpha in range(0, 256, 15):  # 255 is a multiple of 15
        _same(CompositeCase(front, np.full((256, 256), alpha, np.uint8), behind, (0, alpha, 255)))


def test_weights() -> None:
    """The library computes powers by multiplication, NumPy with its own function: no rounding may differ."""
    for power in (3, 8):
        value = np.full(256, 255.0)
        for _ in range(power):
            value = value * (np.arange(256) / 255.0)
        np.testing.assert_array_equal(np.rint(value).clip(np.arange(256) > 0, None), weights(power))
