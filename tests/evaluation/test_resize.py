"""The resizes against TensorFlow's own, to the square and back."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tensorflow

from mmnet.evaluation.resize import (
    RESIZES,
    ResizeError,
    choose_resize,
    resize_aligned_bilinear,
    resize_legacy_bilinear,
)
from mmnet.runtime import to_model_input

SIDE = st.one_of(st.integers(1, 3), st.integers(1, 48))


@settings(max_examples=120, deadline=None)
@given(
    shape=st.tuples(SIDE, SIDE, st.integers(1, 4)),
    height=SIDE,
    width=SIDE,
    aligned=st.booleans(),
    seed=st.integers(0, 99),
)
def test_equals_tensorflow(shape: tuple[int, int, int], height: int, width: int, aligned: bool, seed: int) -> None:
    array = np.random.default_rng(seed).random(shape, np.float32)
    expected = tensorflow().compat.v1.image.resize_bilinear(array[None], (height, width), align_corners=aligned)
    resized = (resize_aligned_bilinear if aligned else resize_legacy_bilinear)(array, height, width)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected.numpy()[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("source", "target"), [((256, 256), (800, 600)), ((512, 384), (800, 600)), ((600, 800), (256, 256))]
)
def test_equals_tensorflow_at_the_sizes_of_the_figures(source: tuple[int, int], target: tuple[int, int]) -> None:
    mask = np.random.default_rng(3).integers(0, 256, source).astype(np.uint8)
    expected = tensorflow().compat.v1.image.resize_bilinear(mask[None, ..., None] / np.float32(255), target)
    resized = resize_legacy_bilinear(mask / np.float32(255), *target)
    np.testing.assert_allclose(resized, expected.numpy()[0, ..., 0], rtol=0, atol=1e-6)


@given(side=st.tuples(SIDE, SIDE), seed=st.integers(0, 99))
def test_the_same_size_changes_nothing(side: tuple[int, int], seed: int) -> None:
    array = np.random.default_rng(seed).random(side, np.float32)
    for resize in (resize_legacy_bilinear, resize_aligned_bilinear):
        np.testing.assert_array_equal(resize(array, *side), array)


def test_the_argument_is_left_alone() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    before = array.copy()
    for shape in ((3, 4), (1, 1), (7, 9), (3, 9)):
        resize_legacy_bilinear(array, *shape)
    np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("shape", [(4,), (0, 4), (1, 2, 3, 4)])
def test_no_image(shape: tuple[int, ...]) -> None:
    with pytest.raises(ResizeError, match="cannot be resized"):
        resize_legacy_bilinear(np.zeros(shape), 2, 2)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ResizeError, match="choose one of runtime, original"):
        choose_resize("bicubic")


@pytest.mark.parametrize("name", RESIZES)
def test_photo_and_mask_come_to_the_same_grid(name: str) -> None:
    mask = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 256, (150, 110)).astype(np.uint8), (0, 0), 3)
    resize = RESIZES[name]
    photo = resize.photo(np.dstack([mask] * 3), 64, 64)
    assert (photo.dtype == np.float32) == resize.floats
    np.testing.assert_allclose(photo[..., 1] / 255, resize.mask(mask, 64), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", RESIZES)
def test_a_ramp_survives_the_way_there_and_back(name: str) -> None:
    """The resize back inverts its own resize; that of another resize would be off by up to half a pixel."""
    ramp = np.tile(np.rint(np.linspace(0, 255, 120)).astype(np.uint8), (160, 1))
    resize = RESIZES[name]
    back = resize.alpha(resize.mask(ramp, 64), 160, 120)
    inside = slice(4, -4)
    np.testing.assert_allclose(back[:, inside], ramp[:, inside] / 255, rtol=0, atol=1 / 255)


def test_the_runtimes_is_the_runtimes(portrait: np.ndarray) -> None:
    np.testing.assert_array_equal(RESIZES["runtime"].photo(portrait, 96, 96), to_model_input(portrait, 96))
