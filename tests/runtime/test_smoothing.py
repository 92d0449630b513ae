"""Smoothed mattes: still edges stay still, moving edges stay sharp, and scenes do not mix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from moving import SIZE, drawn_sequence

from mmnet.arrays import AnyArray, F32Array
from mmnet.evaluation.video.metrics import dtssd
from mmnet.runtime import TemporalSmoother
from mmnet.runtime.video.smoothing import SmoothingError

MIDDLE = (64.0, 70.0)


def smoothed(alphas: Sequence[Any], frames: Sequence[Any], **options: float) -> list[AnyArray]:
    smooth = TemporalSmoother(**options)
    return [smooth(alpha, frame) for alpha, frame in zip(alphas, frames, strict=True)]


def unsteadiness(alphas: Sequence[Any], truths: Sequence[Any]) -> float:
    pairs = range(1, len(alphas))
    return float(np.mean([dtssd(alphas[at], alphas[at - 1], truths[at], truths[at - 1]) for at in pairs]))


def wrong(alphas: Sequence[Any], truths: Sequence[Any]) -> float:
    return float(np.mean([np.abs(a - b).mean() for a, b in zip(alphas, truths, strict=True)]))


def shimmering(mattes: Sequence[F32Array], seed: int, strength: float) -> list[F32Array]:
    """Mattes as a network makes them of noisy frames: the edges are elsewhere in every frame."""
    random = np.random.default_rng(seed)
    coarse = [random.normal(0, strength, (16, 16)).astype(np.float32) for _ in mattes]
    errors = [cv2.resize(error, (SIZE, SIZE)) for error in coarse]
    return [
        (matte + 4 * matte * (1 - matte) * error + 0.2 * np.abs(error)).clip(0, 1).astype(np.float32)
        for matte, error in zip(mattes, errors, strict=True)
    ]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**31), noise=st.floats(0, 9), strength=st.floats(0.05, 0.4))
def test_still_edges_stand_still(seed: int, noise: float, strength: float) -> None:
    frames, truths = drawn_sequence([MIDDLE] * 10, noise=noise, seed=seed)
    alphas = shimmering(truths, seed, strength)
    found = smoothed(alphas, frames)
    assert unsteadiness(found, truths) < 0.6 * unsteadiness(alphas, truths)
    assert wrong(found, truths) < wrong(alphas, truths) + 1e-4  # where there is little shimmer, alphas are rounded


@settings(max_examples=10, deadline=None)
@given(speed=st.floats(-4, 4), fall=st.floats(-2, 2), seed=st.integers(0, 2**31))
def test_moving_edges_are_not_smeared(speed: float, fall: float, seed: int) -> None:
    """A disc whose matte is known exactly: averaging in place would smear it, and smoothing must not."""
    places = [(64 + speed * (at - 4), 64 + fall * (at - 4)) for at in range(9)]
    frames, truths = drawn_sequence(places, noise=2, seed=seed)
    found = smoothed(truths, frames)
    assert wrong(found, truths) < 0.006
    in_place = [truths[0]]
    for truth in truths[1:]:
        in_place.append(in_place[-1] + np.float32(0.25) * (truth - in_place[-1]))
    assert wrong(found, truths) <= 0.5 * wrong(in_place, truths) + 0.001


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_moving_edges_are_smoothed_too(speed: float) -> None:
    frames, truths = drawn_sequence([(40 + speed * at, 64 + at / 2) for at in range(16)], noise=3)
    alphas = shimmering(truths, 1, 0.3)
    found = smoothed(alphas, frames)
    assert unsteadiness(found, truths) < 0.8 * unsteadiness(alphas, truths)
    assert wrong(found, truths) < wrong(alphas, truths)


def test_a_flickering_exposure_is_no_motion() -> None:
    frames, truths = drawn_sequence([MIDDLE] * 10)
    gains = np.random.default_rng(5).normal(1, 0.03, len(frames))
    flickering = [
        np.rint(frame * gain).clip(0, 255).astype(np.uint8) for frame, gain in zip(frames, gains, strict=True)
    ]
    alphas = shimmering(truths, 5, 0.3)
    found = smoothed(alphas, flickering)
    assert unsteadiness(found, truths) < 0.6 * unsteadiness(alphas, truths)


squares = st.integers(1, 70).flatmap(
    lambda side: st.tuples(
        hnp.arrays(np.uint8, (side, side)), hnp.arrays(np.uint8, (side, side, 3)), st.integers(0, 2**31)
    )
)


@settings(max_examples=25, deadline=None)
@given(squares)
def test_what_stays_the_same_is_not_changed(given_: tuple[Any, Any, int]) -> None:
    alpha, frame, _ = given_
    for found in smoothed([alpha] * 3, [frame] * 3):
        np.testing.assert_array_equal(found, alpha)
    floats = alpha / np.float32(255)
    for found in smoothed([floats] * 3, [frame] * 3):
        np.testing.assert_allclose(found, floats, atol=1 / 65535)


@settings(max_examples=25, deadline=None)
@given(squares)
def test_any_input_gives_an_alpha(given_: tuple[Any, Any, int]) -> None:
    alpha, frame, seed = given_
    random = np.random.default_rng(seed)
    frames = [frame, random.integers(0, 256, frame.shape, np.uint8), frame]
    alphas = [alpha, random.integers(0, 256, alpha.shape, np.uint8), alpha]
    before = [array.copy() for array in (*alphas, *frames)]
    bytes_ = smoothed(alphas, frames)
    floats = smoothed([alpha / np.float32(255) for alpha in alphas], frames)
    for one, other in zip(bytes_, floats, strict=True):
        assert (one.dtype, other.dtype, one.shape) == (np.uint8, np.float32, alpha.shape)
        assert 0 <= other.min() <= other.max() <= 1
        # The same function of the same matte, once rounded to bytes.
        np.testing.assert_allclose(one, other * 255, atol=0.51)
    for array, copy in zip((*alphas, *frames), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_the_same_frames_give_the_same_bytes_on_any_number_of_threads() -> None:
    frames, truths = drawn_sequence([(60 + 2 * at, 64) for at in range(6)], noise=5)
    alphas = [np.rint(alpha * 255).astype(np.uint8) for alpha in shimmering(truths, 3, 0.3)]
    expected = smoothed(alphas, frames)
    threads = cv2.getNumThreads()
    try:
        for count in (1, 2, 5):
            cv2.setNumThreads(count)
            for one, other in zip(smoothed(alphas, frames), expected, strict=True):
                np.testing.assert_array_equal(one, other)
    finally:
        cv2.setNumThreads(threads)


def test_a_cut_starts_anew() -> None:
    frames, truths = drawn_sequence([MIDDLE] * 4, noise=3)
    others, other_truths = drawn_sequence([(40.0, 50.0)] * 4, noise=3, first=10)
    found = smoothed([*truths, *other_truths], [*frames, *others])
    np.testing.assert_allclose(found[4], other_truths[0], atol=1 / 65535)
    fresh = smoothed(other_truths, others)
    for one, other in zip(found[4:], fresh, strict=True):
        np.testing.assert_array_equal(one, other)


def test_reset_and_another_size_forget() -> None:
    frames, truths = drawn_sequence([MIDDLE] * 4, noise=3)
    alphas = shimmering(truths, 2, 0.4)
    smooth = TemporalSmoother()
    first = [smooth(alpha, frame) for alpha, frame in zip(alphas, frames, strict=True)]
    assert (first[1] != alphas[1]).any()
    smooth.reset()
    again = [smooth(alpha, frame) for alpha, frame in zip(alphas, frames, strict=True)]
    for one, other in zip(again, first, strict=True):
        np.testing.assert_array_equal(one, other)
    small = alphas[0][:64, :64].copy()
    np.testing.assert_allclose(smooth(small, frames[0][:64, :64].copy()), small, atol=1 / 65535)


def test_the_options() -> None:
    frames, truths = drawn_sequence([MIDDLE] * 8, noise=3)
    alphas = shimmering(truths, 4, 0.4)
    for found, alpha in zip(smoothed(alphas, frames, new=1.0), alphas, strict=True):
        np.testing.assert_allclose(found, alpha, atol=1 / 65535)
    strengths = [unsteadiness(smoothed(alphas, frames, new=new), truths) for new in (0.1, 0.3, 0.6, 1.0)]
    assert strengths == sorted(strengths)
    for wrong_options in ({"new": 0.0}, {"new": 1.5}, {"tolerance": 0.0}, {"new": float("nan")}):
        with pytest.raises(SmoothingError, match="must be above 0"):
            TemporalSmoother(**wrong_options)


@pytest.mark.parametrize(
    ("alpha", "frame", "message"),
    [
        (np.zeros((8, 9), np.uint8), np.zeros((8, 9, 3), np.uint8), r"the alpha is \(8, 9\); give \[S, S\]"),
        (np.zeros((8, 8), np.float64), np.zeros((8, 8, 3), np.uint8), "float64"),
        (np.full((8, 8), 2, np.float32), np.zeros((8, 8, 3), np.uint8), "outside 0-1"),
        (np.full((8, 8), np.nan, np.float32), np.zeros((8, 8, 3), np.uint8), "outside 0-1"),
        (np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8), "the frame is no uint8"),
        (np.zeros((8, 8), np.uint8), np.zeros((16, 16, 3), np.uint8), "the input of the model"),
    ],
)
def test_what_is_refused(alpha: Any, frame: Any, message: str) -> None:
    with pytest.raises(SmoothingError, match=message):
        TemporalSmoother()(alpha, frame)
