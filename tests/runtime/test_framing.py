"""The crops around people (preprocessing.md, section 7), and the second pass of a photo."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from framing import apart, joint, overlap
from framing import crop as slow_crop
from framing import crops as slow_crops
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
    find_crops,
    to_model_input,
    upsample_alpha,
)
from mmnet.runtime.fullres import AlphaU8
from mmnet.runtime.fullres.placing import place_alpha_u8
from mmnet.runtime.imaging import place
from mmnet.runtime.imaging.framing import find_crop, merge_overlapping

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
def test_crops_are_those_of_the_specification(seed: int, size: int, height: int, width: int, data: Any) -> None:
    alpha = blobs(seed, size)
    crops = find_crops(alpha, height, width)
    assert crops == slow_crops(alpha, height, width)
    assert not any(overlap(one, other) for one, other in combinations(crops, 2))
    assert find_crop(alpha, height, width) == slow_crop(alpha, height, width)
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    seen = Rectangle(top, left, rows, columns)
    assert find_crop(alpha, height, width, seen) == slow_crop(alpha, height, width, seen)


def where(rectangles: list[Rectangle]) -> list[tuple[int, int, int, int]]:
    return [(one.top, one.left, one.height, one.width) for one in rectangles]


# What the alpha shows -> the crops of a photo of 960 × 960 pixels, and the one crop of a frame.
CROPS: dict[str, tuple[U8Array, list[tuple[int, int, int, int]], tuple[int, int, int, int] | None]] = {
    "a person in the middle": (people((16, 24, 32, 16)), [(192, 312, 576, 336)], (192, 312, 576, 336)),
    "at the edge": (people((0, 0, 32, 16)), [(0, 0, 528, 288)], (0, 0, 528, 288)),
    "too thin": (people((8, 31, 48, 2)), [(48, 264, 864, 432)], (48, 264, 864, 432)),
    "two people apart": (
        people((16, 48, 16, 8), (16, 8, 16, 8)),
        [(216, 96, 288, 168), (216, 696, 288, 168)],
        (144, 48, 432, 864),
    ),
    "two people together": (people((16, 8, 16, 8), (16, 18, 16, 8)), [(216, 96, 288, 318)], (213, 93, 294, 324)),
    "a third who joins two": (
        people((0, 0, 10, 10), (0, 40, 10, 10), (8, 12, 8, 25)),
        [(0, 0, 293, 765)],
        (0, 0, 345, 825),
    ),
    "a person and a speck": (people((16, 24, 32, 16), (0, 0, 2, 2)), [(192, 312, 576, 336)], (192, 312, 576, 336)),
    "four people": (
        people((2, 2, 8, 8), (2, 50, 8, 8), (50, 2, 8, 8), (50, 50, 8, 8)),
        [(18, 18, 144, 144), (18, 738, 144, 144), (738, 18, 144, 144), (738, 738, 144, 144)],
        None,
    ),
    "five people": (
        people((2, 2, 6, 6), (2, 34, 6, 6), (20, 2, 6, 6), (20, 18, 6, 6), (20, 34, 6, 6)),
        [(21, 21, 378, 588)],
        (0, 0, 447, 657),
    ),
    "the whole image": (people((1, 1, 62, 62)), [], None),
    "two halves": (people((1, 1, 62, 27), (1, 36, 62, 27)), [], None),
    "nobody": (people(), [], None),
    "only a speck": (people((3, 3, 1, 3)), [], None),
}


@pytest.mark.parametrize(("alpha", "crops", "crop"), CROPS.values(), ids=CROPS.keys())
def test_crops_by_hand(
    alpha: U8Array, crops: list[tuple[int, int, int, int]], crop: tuple[int, int, int, int] | None
) -> None:
    assert where(find_crops(alpha, 960, 960)) == where(slow_crops(alpha, 960, 960)) == crops
    expected = None if crop is None else Rectangle(*crop)
    assert find_crop(alpha, 960, 960) == slow_crop(alpha, 960, 960) == expected


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.builds(Rectangle, st.integers(0, 40), st.integers(0, 40), st.integers(1, 12), st.integers(1, 12)),
        max_size=12,
    ),
    st.integers(),
)
def test_the_order_in_which_rectangles_are_merged_does_not_matter(rectangles: list[Rectangle], seed: int) -> None:
    random = Random(seed)
    merged = merge_overlapping(rectangles)
    for _ in range(5):
        assert apart(rectangles, random) == merged
        random.shuffle(rectangles)
        assert merge_overlapping(rectangles) == merged
    assert all(any(joint(one, outer) == outer for outer in merged) for one in rectangles)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 56), st.integers(0, 56), st.integers(4, 60), st.integers(4, 60), st.integers(1, 3000))
def test_one_person_has_the_crop_of_a_frame(top: int, left: int, height: int, width: int, side: int) -> None:
    alpha = people((top, left, height, width))
    crop = find_crop(alpha, side, 960)
    assert find_crops(alpha, side, 960) == ([] if crop is None else [crop])


def test_a_float_alpha_is_rounded() -> None:
    alpha = np.where(people((16, 24, 32, 16)) > 0, np.float32(127.6 / 255), np.float32(127.4 / 255))
    assert find_crop(alpha, 960, 960) == find_crop(people((16, 24, 32, 16)), 960, 960)
    assert find_crops(alpha, 960, 960) == find_crops(people((16, 24, 32, 16)), 960, 960)


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
    (crop,) = find_crops(model.run_raw(first), 360, 640)
    np.testing.assert_array_equal(second, to_model_input(photo[crop.slices], SIZE))
    assert matte.seen == (crop,)
    assert matte.alpha.shape == (360, 640)
    inside = upsample_alpha(model.run_float(second), photo[crop.slices])
    np.testing.assert_array_equal(matte.alpha[crop.slices], inside)
    outside = matte.alpha.copy()
    outside[crop.slices] = 0
    assert not outside.any()


def test_a_small_crop_beside_a_large_one(model: Person) -> None:
    """The alpha of a crop that is smaller than the network's square is not guided; it joins one that is, in bytes."""
    photo = np.full((200, 600, 3), 40, np.uint8)
    photo[20:140, 20:80] = photo[100:144, 500:530] = 200
    matter = PortraitMatter(model)
    matte = matter.photo(photo)
    large, small = matte.seen
    assert small.height < SIZE < large.height
    alphas = [model.run_float(to_model_input(photo[crop.slices], SIZE)) for crop in (large, small)]
    for crop, alpha in zip((large, small), alphas, strict=True):
        alone = upsample_alpha(alpha, photo[crop.slices])
        np.testing.assert_array_equal(matte.alpha_u8.values[crop.slices], np.rint(alone * 255))
    assert np.count_nonzero(matte.alpha_u8.values[:, 300:]) > 500


@pytest.fixture(scope="module")
def group() -> U8Array:
    """Three small bright people, two of whom stand together, before a dark ground."""
    photo = np.full((360, 900, 3), 40, np.uint8)
    for top, left in ((100, 100), (140, 170), (60, 700)):
        photo[top : top + 140, left : left + 60] = (200, 180, 160)
    return photo


@pytest.mark.parametrize("upsampling", Upsampling)
def test_auto_looks_at_each_group_again(model: Person, group: U8Array, upsampling: Upsampling) -> None:
    matte = PortraitMatter(model, upsampling=upsampling).photo(group)
    first, *others = model.inputs
    crops = find_crops(model.run_raw(first), 360, 900)
    assert len(crops) == len(others) == 2
    assert matte.seen == tuple(crops)
    expected = np.zeros((360, 900), np.float32)
    inside, coverage = 0, 0.0
    for crop, model_input in zip(crops, others, strict=True):
        np.testing.assert_array_equal(model_input, to_model_input(group[crop.slices], SIZE))
        alpha = model.run_float(model_input)
        expected[crop.slices] = upsample_alpha(alpha, group[crop.slices], upsampling)
        inside += int(expected[crop.slices].sum())
        coverage += np.count_nonzero(alpha >= 0.5) / SIZE**2 * crop.height * crop.width / (360 * 900)
    np.testing.assert_array_equal(matte.alpha, expected)
    assert matte.coverage == pytest.approx(coverage)
    assert inside / (360 * 900) == pytest.approx(coverage, rel=0.1)
    assert matte.confidence == 1


@pytest.mark.parametrize("fit", [Fit.STRETCH, Fit.CROP, Fit.LETTERBOX])
@pytest.mark.parametrize("upsampling", Upsampling)
def test_other_fits_look_once(model: Person, photo: U8Array, fit: Fit, upsampling: Upsampling) -> None:
    matte = PortraitMatter(model, fit=fit, upsampling=upsampling).photo(photo)
    (only,) = model.inputs
    np.testing.assert_array_equal(only, to_model_input(photo, SIZE, fit))
    expected = alpha_to_image(model.run_raw(only), 360, 640, fit)
    assert np.abs(matte.alpha - expected / np.float32(255)).mean() < 0.02
    assert matte.seen == (place(fit, 360, 640, SIZE).seen,)


def test_one_pass_where_the_person_is_large(model: Person) -> None:
    large = np.full((64, 64, 3), 200, np.uint8)
    matte = PortraitMatter(model).photo(large)
    assert len(model.inputs) == 1
    assert matte.seen == (Rectangle(0, 0, 64, 64),)


def test_the_steps_give_what_the_call_gives(model: Person, group: U8Array) -> None:
    matter = PortraitMatter(model)
    crops = matter.find_crops(matter.infer(matter.prepare(group)), group)
    model_inputs = [matter.prepare(group, crop) for crop in crops]
    alphas = [matter.infer(model_input) for model_input in model_inputs]
    alpha = matter.upsample(alphas, group, crops, model_inputs)
    assert isinstance(alpha, AlphaU8)
    np.testing.assert_array_equal(alpha.as_float(), matter(group))
    np.testing.assert_array_equal(alpha.values, matter.upsample(alphas, group, crops).values)
    with pytest.raises(ValueError, match="argument 2 is longer"):
        matter.upsample(alphas[:1], group, crops)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200), st.integers(1, 200), st.data(), st.integers(0, 2**31))
def test_placed_alphas_have_the_tiles_of_their_image(height: int, width: int, data: Any, seed: int) -> None:
    random, parts, whole = np.random.default_rng(seed), [], np.zeros((height, width), np.float32)
    cut = data.draw(st.integers(0, width))  # one rectangle in the columns before it, one after
    for start, end in ((0, cut), (cut, width)):
        if start == end:
            continue
        top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(start, end - 1))
        rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, end - left))
        values = random.choice(np.array([0, 255, 255, 9], np.uint8), (rows, columns))
        if random.integers(2):
            values[:] = 255
        seen = Rectangle(top, left, rows, columns)
        parts.append((AlphaU8.of(values / np.float32(255)), seen))
        whole[seen.slices] = values / np.float32(255)
    placed = place_alpha_u8(parts, height, width)
    expected = AlphaU8.of(whole)
    np.testing.assert_array_equal(placed.values, expected.values)
    np.testing.assert_array_equal(placed.opaque, expected.opaque)
    np.testing.assert_array_equal(placed.edges, expected.edges)


@pytest.mark.parametrize("name", ["photo", "group"])
def test_cutouts_and_composites_take_the_placed_alpha(model: Person, name: str, request: Any) -> None:
    photo, matter = request.getfixturevalue(name), PortraitMatter(model)
    alpha = matter(photo)
    whole = cutout(photo, alpha, estimate_foreground=True)
    np.testing.assert_array_equal(matter.cutout(photo), whole)
    green = composite(photo, alpha, (0, 255, 0), estimate_foreground=True)
    np.testing.assert_array_equal(matter.composite(photo, (0, 255, 0)), green)


def test_an_unknown_fit_is_refused(tiny_model: Path) -> None:
    with pytest.raises(FitError, match="stretch, crop, letterbox, auto"):
        PortraitMatter(tiny_model, fit="contain")
