"""The estimated foreground, and composites made with it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tilings import other_tilings

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime import ImageError, composite, cutout, estimate_foreground
from mmnet.runtime.fullres import AlphaU8

pytestmark = pytest.mark.usefixtures("both_kernels")

Scene = tuple[U8Array, F32Array, U8Array, U8Array]


def scene(height: int, width: int, mottled: int = 15) -> Scene:
    """Photo, alpha, and the person's and the background's colours it was made of: warm hair before a green lawn."""
    random = np.random.default_rng(height * width)
    rows, columns = np.mgrid[0:height, 0:width]
    strands = ((rows > height * 0.6) | (((columns + rows // 2) % 23 < 3) & (rows > height * 0.3))).astype(np.float32)
    alpha = cv2.GaussianBlur(strands, (0, 0), 1.2)
    alpha[alpha < 0.01], alpha[alpha > 0.99] = 0, 1
    person = np.array([150, 90, 60]) + random.integers(-mottled, mottled + 1, (height, width, 1))
    background = np.array([40, 200, 70]) + random.integers(-mottled, mottled + 1, (height, width, 1))
    photo = np.rint(alpha[..., None] * person + (1 - alpha[..., None]) * background)
    return photo.astype(np.uint8), alpha, person.astype(np.uint8), background.astype(np.uint8)


def distance(first: AnyArray, second: AnyArray, where: NDArray[np.bool_]) -> float:
    return float(np.abs(first.astype(float) - second)[where].mean())


@pytest.mark.parametrize("shape", [(90, 120), (301, 257), (600, 800)])
def test_nearer_to_the_truth_than_the_photo(shape: tuple[int, int]) -> None:
    photo, alpha, person, _ = scene(*shape)
    mixed = (alpha > 0) & (alpha < 1)
    assert distance(estimate_foreground(photo, alpha), person, mixed) < 0.4 * distance(photo, person, mixed)


def test_nothing_of_the_old_background_comes_along() -> None:
    photo, alpha, person, _ = scene(400, 300)
    white = np.full_like(photo, 255)
    true = composite(person, alpha, white)
    mixed = (alpha > 0) & (alpha < 1)
    with_photo, with_own = (
        distance(composite(photo, alpha, white, estimate_foreground=own), true, mixed) for own in (False, True)
    )
    assert with_own < 0.4 * with_photo


def test_before_its_own_background_it_is_the_photo() -> None:
    photo, alpha, _, background = scene(300, 400, mottled=4)
    again = composite(photo, alpha, background, estimate_foreground=True)
    assert distance(again, photo, np.ones(alpha.shape, np.bool_)) < 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), st.integers(1, 120), st.integers(0, 2**32 - 1))
def test_of_any_size_only_mixed_pixels_change(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    photo = random.integers(0, 256, (height, width, 3), np.uint8)
    alpha = random.choice([0, 1, *random.random(2)], (height, width)).astype(np.float32)
    found = estimate_foreground(photo, alpha)
    assert (found.shape, found.dtype) == (photo.shape, np.uint8)
    pure = (alpha == 0) | (alpha == 1)
    np.testing.assert_array_equal(found[pure], photo[pure])
    background = random.integers(0, 256, photo.shape, np.uint8)
    np.testing.assert_array_equal(
        composite(photo, alpha, background, estimate_foreground=True), composite(found, alpha, background)
    )
    cut = cutout(photo, alpha, estimate_foreground=True)
    np.testing.assert_array_equal(cut[..., :3], found)
    np.testing.assert_array_equal(cut[..., 3], np.rint(alpha * 255))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_photo_of_one_colour_keeps_it(height: int, width: int, colour: tuple[int, int, int]) -> None:
    photo = np.full((height, width, 3), colour, np.uint8)
    alpha = np.random.default_rng(height).random((height, width), np.float32)
    assert np.abs(estimate_foreground(photo, alpha).astype(int) - photo).max() <= 1


@pytest.mark.parametrize("shape", [(200, 320), (333, 171)])
def test_tiles_and_threads_change_nothing(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    photo, alpha, _, background = scene(*shape)
    whole = composite(photo, alpha, background, estimate_foreground=True)
    for _ in other_tilings(monkeypatch):
        np.testing.assert_array_equal(composite(photo, alpha, background, estimate_foreground=True), whole)


def test_refuses_what_does_not_fit(noise: Any) -> None:
    photo, alpha = noise(40, 50, 3), np.full((40, 50), 0.5, np.float32)
    wrongs: list[Any] = [alpha.T, alpha + 1, alpha - 1, alpha * np.nan, alpha.astype(np.float64)]
    for wrong in wrongs:
        with pytest.raises(ImageError):
            estimate_foreground(photo, wrong)
        with pytest.raises(ImageError):
            cutout(photo, wrong)


def test_the_photo_given_stays_as_it_is() -> None:
    photo, alpha, _, background = scene(120, 130)
    before = photo.copy()
    estimate_foreground(photo, alpha)
    composite(photo, alpha, background, estimate_foreground=True)
    np.testing.assert_array_equal(photo, before)


def test_a_small_person_has_as_many_samples_as_a_large_one() -> None:
    photo, alpha, person, _ = scene(600, 450)
    large = np.random.default_rng(1).integers(0, 256, (2600, 3500, 3), np.uint8)
    wide = np.zeros(large.shape[:2], np.float32)
    place = slice(1500, 2100), slice(1030, 1480)
    large[place], wide[place] = photo, alpha
    mixed = (alpha > 0) & (alpha < 1)
    errors = [distance(image, person, mixed) for image in (estimate_foreground(large, wide)[place], photo)]
    assert errors[0] < 0.4 * errors[1]
    white, crop = np.full_like(large, 255), (slice(1408, 2176), slice(960, 1536))
    composed = composite(large, wide, white, estimate_foreground=True)
    near = (np.ascontiguousarray(image[crop]) for image in (large, wide, white))
    np.testing.assert_array_equal(composed[crop], composite(*near, estimate_foreground=True))
    composed[crop] = 255
    assert (composed == 255).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_the_extent_of_an_alpha(height: int, width: int, data: Any) -> None:
    alpha = np.zeros((height, width), np.float32)
    for _ in range(data.draw(st.integers(0, 3))):
        alpha[data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))] = 0.5
    extent, rows, columns = AlphaU8.of(alpha).extent(), *np.nonzero(alpha)
    if extent is None:
        assert not rows.size
        return
    assert (extent.top, extent.left) == (rows.min(), columns.min())
    assert (extent.height, extent.width) == (np.ptp(rows) + 1, np.ptp(columns) + 1)
