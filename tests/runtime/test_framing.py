"""The crop around people (preprocessing.md, section 7), and the second pass of a photo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from framing import crop as slow_crop
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.arrays import U8Array
from mmnet.runtime import (
    Fit,
    FitError,
    MattingModel,
    PortraitMatter,
    Rectangle,
    Upsampling,
    alpha_to_image,
    composite,
    cutout,
    find_crop,
    to_model_input,
    upsample_alpha,
)
from mmnet.runtime.fullres import AlphaU8
from mmnet.runtime.fullres.placing import place_alpha_u8
from mmnet.runtime.imaging import place

SIZE = 64


def people(*rectangles: tuple[int, int, int, int], size: int = SIZE) -> U8Array:
    """An alpha that is 255 in rectangles given as top, left, height, width."""
    alpha = np.zeros((size, size), np.uint8)
    for top, left, height, width in rectangles:
        alpha[top : top + height, left : left + width] = 255
    return alpha


def blobs(seed: int, size: int) -> U8Array:
    """An alpha of blobs of all sizes and of noise."""
    random = np.random.default_rng(seed)
    alpha = random.integers(0, 256 if seed % 3 == 0 else 128, (size, size)).astype(np.uint8)
    for _ in range(random.integers(0, 5)):
        top, left = random.integers(0, size, 2)
        height, width = random.integers(1, max(2, size // (1 + seed % 7)), 2)
        alpha[top : top + height, left : left + width] = random.integers(100, 256)
    return alpha


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1, 2, 7, 32, 64]), st.integers(1, 2000), st.integers(1, 2000), st.data())
def test_the_crop_is_that_of_the_specification(seed: int, size: int, height: int, width: int, data: Any) -> None:
    alpha = blobs(seed, size)
    assert find_crop(alpha, height, width) == slow_crop(alpha, height, width)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    seen = Rectangle(top, left, rows, columns)
    assert find_crop(alpha, height, width, seen) == slow_crop(alpha, height, width, seen)


CROPS = {
    "a person in the middle": (people((16, 24, 32, 16)), Rectangle(192, 312, 576, 336)),
    "at the edge": (people((0, 0, 32, 16)), Rectangle(0, 0, 528, 288)),
    "too thin": (people((8, 31, 48, 2)), Rectangle(48, 264, 864, 432)),
    "two people": (people((16, 8, 16, 8), (16, 48, 16, 8)), Rectangle(144, 48, 432, 864)),
    "a person and a speck": (people((16, 24, 32, 16), (0, 0, 2, 2)), Rectangle(192, 312, 576, 336)),
    "the whole image": (people((1, 1, 62, 62)), None),
    "nobody": (people(), None),
    "only a speck": (people((3, 3, 1, 3)), None),
}


@pytest.mark.parametrize(("alpha", "expected"), CROPS.values(), ids=CROPS.keys())
def test_crops_by_hand(alpha: U8Array, expected: Rectangle | None) -> None:
    assert find_crop(alpha, 960, 960) == slow_crop(alpha, 960, 960) == expected


def test_a_float_alpha_is_rounded() -> None:
    alpha = np.where(people((16, 24, 32, 16)) > 0, np.float32(127.6 / 255), np.float32(127.4 / 255))
    assert find_crop(alpha, 960, 960) == find_crop(people((16, 24, 32, 16)), 960, 960)


class Person(MattingModel):
    """A model that finds everything that is brighter than the middle grey."""

    def run_raw(self, image: U8Array) -> U8Array:
        self.inputs.append(image)
        return np.where(image[..., 1] >= 128, np.uint8(255), np.uint8(0))

    inputs: list[U8Array]


@pytest.fixture
def model(tiny_model: Path) -> Any:
    with Person(tiny_model, threads=1) as model:
        model.inputs = []
        yield model


@pytest.fixture(scope="module")
def photo() -> U8Array:
    """A small bright person before a dark ground."""
    photo = np.full((360, 640, 3), 40, np.uint8)
    photo[100:240, 200:260] = (200, 180, 160)
    return photo


def test_auto_looks_at_the_person_again(model: Person, photo: U8Array) -> None:
    matte = PortraitMatter(model).photo(photo)
    first, second = model.inputs
    np.testing.assert_array_equal(first, to_model_input(photo, SIZE))
    crop = find_crop(model.run_raw(first), 360, 640)
    assert crop is not None
    np.testing.assert_array_equal(second, to_model_input(photo[crop.slices], SIZE))
    assert matte.seen == crop
    assert matte.alpha.shape == (360, 640)
    inside = upsample_alpha(model.run_float(second), photo[crop.slices])
    np.testing.assert_array_equal(matte.alpha[crop.slices], inside)
    outside = matte.alpha.copy()
    outside[crop.slices] = 0
    assert not outside.any()


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.CROP, Fit.LETTERBOX])
@pytest.mark.parametrize("upsampling", Upsampling)
def test_other_fits_look_once(model: Person, photo: U8Array, fit: Fit, upsampling: Upsampling) -> None:
    matte = PortraitMatter(model, fit=fit, upsampling=upsampling).photo(photo)
    (only,) = model.inputs
    np.testing.assert_array_equal(only, to_model_input(photo, SIZE, fit))
    expected = alpha_to_image(model.run_raw(only), 360, 640, fit)
    assert np.abs(matte.alpha - expected / np.float32(255)).mean() < 0.02
    assert matte.seen == place(fit, 360, 640, SIZE).seen


def test_one_pass_where_the_person_is_large(model: Person) -> None:
    large = np.full((64, 64, 3), 200, np.uint8)
    matte = PortraitMatter(model).photo(large)
    assert len(model.inputs) == 1
    assert matte.seen == Rectangle(0, 0, 64, 64)


def test_the_steps_give_what_the_call_gives(model: Person, photo: U8Array) -> None:
    matter = PortraitMatter(model)
    model_input = matter.prepare(photo)
    crop = matter.find_crop(matter.infer(model_input), photo)
    model_input = matter.prepare(photo, crop)
    alpha = matter.upsample(matter.infer(model_input), photo, model_input, crop)
    assert isinstance(alpha, AlphaU8)
    np.testing.assert_array_equal(alpha.as_float(), matter(photo))
    np.testing.assert_array_equal(alpha.values, matter.upsample(matter.infer(model_input), photo, crop=crop).values)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.data(), st.integers(0, 2**31))
def test_a_placed_alpha_has_the_tiles_of_its_image(height: int, width: int, data: Any, seed: int) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    values = np.random.default_rng(seed).choice(np.array([0, 255, 255, 9], np.uint8), (rows, columns))
    if seed % 2:
        values[:] = 255
    seen = Rectangle(top, left, rows, columns)
    placed = place_alpha_u8(AlphaU8.of(values / np.float32(255)), seen, height, width)
    whole = np.zeros((height, width), np.float32)
    whole[seen.slices] = values / np.float32(255)
    expected = AlphaU8.of(whole)
    np.testing.assert_array_equal(placed.values, expected.values)
    np.testing.assert_array_equal(placed.opaque, expected.opaque)
    np.testing.assert_array_equal(placed.edges, expected.edges)


def test_cutouts_and_composites_take_the_placed_alpha(model: Person, photo: U8Array) -> None:
    matter = PortraitMatter(model)
    alpha = matter(photo)
    whole = cutout(photo, alpha, estimate_foreground=True)
    np.testing.assert_array_equal(matter.cutout(photo), whole)
    green = composite(photo, alpha, (0, 255, 0), estimate_foreground=True)
    np.testing.assert_array_equal(matter.composite(photo, (0, 255, 0)), green)


def test_an_unknown_fit_is_refused(tiny_model: Path) -> None:
    with pytest.raises(FitError, match="stretch, crop, letterbox, auto"):
        PortraitMatter(tiny_model, fit="contain")
