"""The alpha at the photo's size."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tilings import other_tilings

from mmnet.arrays import F32Array, U8Array
from mmnet.runtime import ImageError, Upsampling, to_model_input, upsample_alpha
from mmnet.runtime.fullres.methods import UpsamplingError, choose_upsampling
from mmnet.runtime.fullres.tiles import TILE_WIDTH

pytestmark = pytest.mark.usefixtures("both_kernels")

SIDES = st.integers(1, 150)


def striped(height: int, width: int) -> tuple[U8Array, F32Array]:
    """A bright person with thin slanted strands before something dark and mottled: photo, and its true alpha."""
    rows, columns = np.mgrid[0:height, 0:width]
    truth = ((rows > height / 2) | ((columns + rows // 3) % 17 < 2)).astype(np.float32)
    mottled = np.random.default_rng(3).integers(20, 60, (height, width, 3))
    photo = truth[..., None] * np.array([220, 180, 140]) + (1 - truth[..., None]) * mottled
    return np.rint(photo).astype(np.uint8), truth


def shrunk(truth: F32Array, size: int) -> F32Array:
    """What a perfect network of this size would see."""
    small = cv2.resize(truth, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small.clip(0, 1), np.float32)


def edge(size: int, low: float = 0, high: float = 1) -> F32Array:
    alpha = np.full((size, size), low, np.float32)
    alpha[:, size // 2 :] = high
    return alpha


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from([1, 2, 3, 16, 31]), st.sampled_from(Upsampling), st.integers(0, 2**32 - 1))
def test_any_photo_has_a_matte_of_its_size(height: int, width: int, size: int, method: Upsampling, seed: int) -> None:
    random = np.random.default_rng(seed)
    photo = random.integers(0, 256, (height, width, 3), np.uint8)
    alpha = random.choice([0, 1, *random.random(3)], (size, size)).astype(np.float32)
    found = upsample_alpha(alpha, photo, method)
    assert (found.shape, found.dtype) == ((height, width), np.float32)
    assert found.min() >= 0
    assert found.max() <= 1


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.sampled_from(Upsampling), st.one_of(st.sampled_from([0, 255]), st.integers(3, 252)))
def test_a_constant_alpha_stays(height: int, width: int, method: Upsampling, value: int) -> None:
    photo = np.random.default_rng(value).integers(0, 256, (height, width, 3), np.uint8)
    alpha = np.full((16, 16), value / 255, np.float32)
    assert (upsample_alpha(alpha, photo, method) == np.float32(value / 255)).all()


@pytest.mark.parametrize("shape", [(200, 320), (333, 171), (64, 700), (1100, 1900)])
def test_far_from_the_edge_nothing_changes(shape: tuple[int, int]) -> None:
    photo = np.random.default_rng(5).integers(0, 256, (*shape, 3), np.uint8)
    found = upsample_alpha(edge(64), photo)
    cell = shape[1] / 64
    middle, reach = shape[1] // 2, int(5 * cell) + 2  # of a window, its neighbours' and half a cell
    assert (found[:, : middle - reach] == 0).all()
    assert (found[:, middle + reach :] == 1).all()


def test_a_photo_of_one_colour_has_nothing_to_tell() -> None:
    photo = np.full((300, 500, 3), 90, np.uint8)
    alpha = cv2.GaussianBlur(edge(64), (0, 0), 2)
    bilinear = upsample_alpha(alpha, photo, Upsampling.BILINEAR)
    # Alpha within 2/255 of 0 or 1 becomes 0 or 1, and positions are rounded.
    assert np.abs(upsample_alpha(alpha, photo) - bilinear).max() <= 2.6 / 255


@pytest.mark.parametrize(("shape", "size"), [((360, 480), 96), ((481, 353), 64), ((150, 900), 128)])
def test_what_the_network_could_not_see_comes_from_the_photo(shape: tuple[int, int], size: int) -> None:
    photo, truth = striped(*shape)
    small = shrunk(truth, size)
    errors = {method: np.abs(upsample_alpha(small, photo, method) - truth).mean() for method in Upsampling}
    assert errors[Upsampling.GUIDED] < 0.5 * errors[Upsampling.BILINEAR], errors


def test_no_larger_than_the_models_input_it_is_bilinear(noise: Any) -> None:
    alpha = np.random.default_rng(1).random((32, 32), np.float32)
    for shape in ((32, 32), (20, 32), (1, 1)):
        photo = noise(*shape, 3)
        guided, bilinear = (upsample_alpha(alpha, photo, Upsampling(name)) for name in ("guided", "bilinear"))
        np.testing.assert_array_equal(guided, bilinear)


@pytest.mark.parametrize("shape", [(200, 320), (333, 171), (130, 700)])
def test_tiles_and_threads_change_nothing(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    photo, truth = striped(*shape)
    small = shrunk(truth, 40)
    whole = upsample_alpha(small, photo)
    for _ in other_tilings(monkeypatch):
        np.testing.assert_array_equal(upsample_alpha(small, photo), whole)


def test_the_models_input_only_saves_time() -> None:
    photo, truth = striped(200, 300)
    small = shrunk(truth, 64)
    seen = to_model_input(photo, 64)
    np.testing.assert_array_equal(upsample_alpha(small, photo, model_input=seen), upsample_alpha(small, photo))


def test_the_guides_blur_is_exact(noise: Any) -> None:
    """OpenCV's small Gaussian of bytes is the binomial, rounded half up, on every processor."""
    image = noise(33, 47, 3)
    padded = np.pad(image.astype(int), ((1, 1), (1, 1), (0, 0)), mode="reflect")
    across = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    both = across[:-2] + 2 * across[1:-1] + across[2:]
    np.testing.assert_array_equal(cv2.GaussianBlur(image, (3, 3), 0), (both + 8) >> 4)


def test_a_view_is_as_good_as_a_copy(noise: Any) -> None:
    photo = noise(90, 2 * TILE_WIDTH + 100, 3)[::-1, ::-1]
    small = np.random.default_rng(1).random((32, 32), np.float32)
    np.testing.assert_array_equal(upsample_alpha(small, photo), upsample_alpha(small, photo.copy()))


def test_refuses_what_does_not_fit(noise: Any) -> None:
    photo, alpha = noise(80, 90, 3), np.full((8, 8), 0.5, np.float32)
    wrongs: list[Any] = [alpha + 1, alpha - 1, alpha * np.nan, alpha.astype(np.float64), alpha[0], alpha[:0]]
    for wrong in wrongs:
        with pytest.raises(ImageError, match="alpha"):
            upsample_alpha(wrong, photo)
    with pytest.raises(ImageError, match="grey"):
        upsample_alpha(alpha, photo[..., 0])
    with pytest.raises(ImageError, match="model's input"):
        upsample_alpha(alpha, photo, model_input=noise(9, 8, 3))


def test_methods_have_names() -> None:
    assert choose_upsampling("guided") is Upsampling.GUIDED
    with pytest.raises(UpsamplingError, match="bilinear, guided"):
        choose_upsampling("nearest")
