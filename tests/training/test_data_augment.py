"""Augmentation: properties of the images and mattes that it draws."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portraits import drawn_portrait

from mmnet.arrays import AnyArray
from mmnet.training.augment import (
    Augmentation,
    AugmentationError,
    Sample,
    augment,
    estimate_training_foreground,
    published,
)

SEEDS = st.integers(0, 2**32 - 1)
CHANCES = [field.name for field in fields(Augmentation) if not isinstance(field.default, tuple)]


def changed(table: Augmentation, values: dict[str, Any]) -> Augmentation:
    return replace(table, **values)


STILL = {"scale": (1.0, 1.0), "aspect": (1.0, 1.0), "shift": (0.0, 0.0)}
NOTHING = changed(Augmentation(), dict.fromkeys(CHANCES, 0.0) | STILL)
MOVING = changed(Augmentation(), dict.fromkeys(set(CHANCES) - {"flip", "close", "rotate"}, 0.0))


def sample(number: int = 1, side: int = 80, **changes: Any) -> Sample:
    photo, matte = drawn_portrait(number, side, side)
    return replace(Sample(photo, matte, estimate_training_foreground(photo, matte), 0.75), **changes)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def uniform(side: int, *colour: int) -> AnyArray:
    return np.full((side, side, 3), colour, np.uint8)


def test_the_table_survives_json() -> None:
    table = replace(Augmentation(), scale=(0.9, 1.7), flip=0.25)
    assert Augmentation.from_json(json.loads(json.dumps(table.to_json()))) == table
    assert Augmentation.from_json({"flip": 0.1}) == replace(Augmentation(), flip=0.1)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"flop": 1}, "'flop' is unknown"),
        ({"flip": 1.5}, "flip is 1.5"),
        ({"flip": [0, 1]}, "flip is"),
        ({"scale": 1.0}, "scale is 1.0"),
        ({"scale": [2, 1]}, "scale is"),
        ({"scale": [0, 1]}, "above 0"),
        ({"hue": [1, 2, 3]}, "hue is"),
        ({"hue": [1, None]}, "hue is"),
        ({"noise": float("nan")}, "noise is nan"),
        ([], "list"),
    ],
)
def test_invalid_tables_are_refused(values: object, named: str) -> None:
    with pytest.raises(AugmentationError, match=named):
        Augmentation.from_json(values)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([32, 64, 80, 128]), st.booleans())
def test_the_same_seed_gives_the_same_bytes(seed: int, size: int, cutout: bool) -> None:
    backgrounds = [uniform(80, 10, 90, 200), drawn_portrait(9, 80, 80)[0]]
    one, again = (
        augment(sample(is_cutout=cutout), size, generator(seed), Augmentation(), backgrounds) for _ in range(2)
    )
    for layer, same in zip(one, again, strict=True):
        assert layer.dtype == np.uint8
        assert layer.flags.c_contiguous
        np.testing.assert_array_equal(layer, same)
    assert [layer.shape for layer in one] == [(size, size, 3), (size, size)]


def test_another_seed_gives_another_image() -> None:
    some = {augment(sample(), 64, generator(seed), Augmentation())[0].tobytes() for seed in range(20)}
    assert len(some) == 20


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(0.3, 3), st.sampled_from([32, 64, 100]))
def test_photo_and_matte_move_together(seed: int, aspect: float, size: int) -> None:
    matte = drawn_portrait(seed % 7, 80, 80)[1]
    telling = Sample(np.dstack([matte, 255 - matte, matte // 2]), matte, None, aspect)
    image, moved = augment(telling, size, generator(seed), MOVING)
    np.testing.assert_allclose(image[..., 0], moved, atol=1)
    np.testing.assert_allclose(image[..., 1], 255 - moved.astype(int), atol=1)


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.floats(0.3, 3))
def test_the_border_of_the_photo_is_not_visible(seed: int, aspect: float) -> None:
    white = Sample(uniform(80, 255, 255, 255), np.full((80, 80), 255, np.uint8), None, aspect)
    image, matte = augment(white, 64, generator(seed), MOVING)
    assert image.min() == 255
    assert matte.min() == 255


def test_identity_and_flip_are_exact() -> None:
    one = sample()
    image, matte = augment(one, 80, generator(), NOTHING)
    np.testing.assert_array_equal(image, one.photo)
    np.testing.assert_array_equal(matte, one.matte)
    image, matte = augment(one, 80, generator(), replace(NOTHING, flip=1.0))
    np.testing.assert_array_equal(image, one.photo[:, ::-1])
    np.testing.assert_array_equal(matte, one.matte[:, ::-1])


@pytest.mark.parametrize("aspect", [0.5, 1.0, 16 / 9])
def test_rotation_turns_the_photo_not_the_stretched_square(aspect: float) -> None:
    y, x = (np.mgrid[0:200, 0:200] + 0.5) / 200 - 0.5
    disc = ((np.hypot(x * aspect, y) < 0.1) * 255).astype(np.uint8)  # a circle, in the photo
    table = replace(NOTHING, rotate=1.0, rotation=(33.0, 33.0))
    _, turned = augment(Sample(np.dstack([disc] * 3), disc, None, aspect), 200, generator(), table)
    assert (np.abs(turned.astype(int) - disc) > 128).mean() < 0.002
    bar = np.zeros((200, 200), np.uint8)
    bar[:, 95:105] = 255
    _, turned = augment(Sample(np.dstack([bar] * 3), bar, None, 1.0), 200, generator(), table)
    angle = cv2.minAreaRect(np.argwhere(turned[40:160, 40:160] > 127).astype(np.float32))[2] % 90
    assert min(abs(angle - 33), abs(90 - angle - 33)) < 1


def test_magnification() -> None:
    square = np.zeros((80, 80), np.uint8)
    square[30:50, 30:50] = 255
    one = Sample(np.dstack([square] * 3), square)
    for scale in (1.0, 1.5, 2.0):
        _, matte = augment(one, 160, generator(), replace(NOTHING, scale=(scale, scale)))
        assert abs(matte.mean() / 255 - scale**2 / 16) < 0.01


def disc(x: float, y: float, radius: float, side: int = 160) -> AnyArray:
    """Return a matte with one disc; lengths are fractions of the side."""
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5) / side
    return ((np.hypot(columns - x, rows - y) < radius) * 255).astype(np.uint8)


def margins(matte: AnyArray) -> list[float]:
    """Return the empty parts above, on the left, on the right and below the person, as fractions of the side."""
    rows, columns = np.flatnonzero(matte.max(axis=1) > 127), np.flatnonzero(matte.max(axis=0) > 127)
    edges = rows[0], columns[0], len(matte) - 1 - columns[-1], len(matte) - 1 - rows[-1]
    return [float(edge / len(matte)) for edge in edges]


def test_a_framed_cutout_has_a_margin_unless_the_frame_cuts_it() -> None:
    """A cut-out that is cropped to its person touches all four edges, and gets a margin nevertheless."""
    matte = disc(0.5, 0.5, 0.5)
    one = Sample(uniform(160, 200, 30, 30), matte, uniform(160, 200, 30, 30), 1.0, is_cutout=True)
    table = replace(NOTHING, framed_cutouts=1.0)
    drawn = np.array([margins(augment(one, 128, generator(seed), table)[1]) for seed in range(200)])
    above, left, right, below = drawn.T
    cut = below == 0
    assert 0.3 < cut.mean() < 0.7
    for edge in (above[~cut], left[~cut], right[~cut], below[~cut]):
        assert abs(np.median(edge) - 0.1 / 1.2) < 0.03
    assert left[cut].min() >= 0
    assert np.median(left[cut]) > 0.03


def test_a_frame_around_people_stays_inside_of_their_photo() -> None:
    """The white photo would show black beyond its edges, and a mirrored second person."""
    table = replace(NOTHING, framed=1.0)
    for seed in range(50):
        x, y = 0.25 + 0.01 * seed, 0.7 - 0.01 * seed
        one = Sample(uniform(160, 255, 255, 255), disc(x, y, 0.24), None, 1.5)
        image, matte = augment(one, 128, generator(seed), table)
        assert image.min() == 255
        assert matte.mean() > 1.5 * one.matte.mean()
        contours, _ = cv2.findContours((matte > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        assert len(contours) == 1


@pytest.mark.parametrize("matte", [disc(0.5, 0.5, 0.1), np.zeros((160, 160), np.uint8)], ids=["small", "nobody"])
def test_nothing_is_framed_where_people_are_too_small_or_absent(matte: AnyArray) -> None:
    one = Sample(np.dstack([matte] * 3), matte)
    _, same = augment(one, 160, generator(), replace(NOTHING, framed=1.0))
    np.testing.assert_array_equal(same, matte)


def test_a_small_person_keeps_touching_the_edge_that_cuts_it() -> None:
    """An edge of the photo that cuts the person stays outside of the frame, however small the person is."""
    table = replace(NOTHING, replace=1.0, plain=1.0, small_scale=(0.4, 0.4), shift=(-0.3, 0.3))
    for seed in range(30):
        one = sample(seed)
        assert one.matte[-1].max() > 200
        _, matte = augment(one, 64, generator(seed), table)
        assert matte[-1].max() > 200
        assert (matte[0] == 0).all()
        assert matte.mean() < 0.5 * one.matte.mean()


@pytest.mark.parametrize("scene", [True, False])
def test_replaced_backgrounds_leave_no_halo(scene: bool) -> None:
    """A red person in front of blue is composited over green; blue that is left shows a wrong foreground."""
    alpha = drawn_portrait(4, 80, 80)[1]
    soft = alpha[..., None] / 255
    photo = np.rint(soft * (220, 30, 20) + (1 - soft) * (20, 30, 220)).astype(np.uint8)
    one = Sample(photo, alpha, estimate_training_foreground(photo, alpha))
    table = replace(NOTHING, replace=1.0, small_scale=(1.0, 1.0), layer_strength=0.0, plain=0.0 if scene else 1.0)
    image, matte = augment(one, 80, generator(), table, [uniform(80, 20, 200, 20)] if scene else [])
    np.testing.assert_array_equal(matte, alpha)
    if scene:
        expected = soft * (220, 30, 20) + (1 - soft) * (20, 200, 20)
        assert np.abs(image - expected).max() <= 12
        assert image[..., 2].max() <= 40
    np.testing.assert_allclose(image[alpha == 255], photo[alpha == 255], atol=1)


def test_a_cutout_always_gets_another_background() -> None:
    table = replace(NOTHING, small_scale=(1.0, 1.0), layer_strength=0.0)
    one = sample(is_cutout=True)
    image, matte = augment(one, 80, generator(), table, [uniform(80, 0, 255, 0)])
    np.testing.assert_array_equal(matte, one.matte)
    assert (image[matte == 0] == (0, 255, 0)).all()


def test_softening_moves_only_the_background() -> None:
    one = sample(3)
    stripes = np.zeros((80, 80, 3), np.uint8)
    stripes[:, ::4] = 255
    one = replace(one, photo=np.where(one.matte[..., None] > 0, one.photo, stripes))
    table = replace(NOTHING, soften=1.0, soften_radius=(9.0, 9.0))
    image, matte = augment(one, 80, generator(), table)
    np.testing.assert_array_equal(matte, one.matte)
    np.testing.assert_allclose(image[matte == 255], one.photo[matte == 255], atol=1)
    assert image[matte == 0].std() < stripes.std() / 3


@pytest.mark.parametrize("effect", ["light", "grade", "grey", "resample", "noise", "jpeg", "layers"])
def test_effects_on_colours_leave_the_matte(effect: str) -> None:
    one = sample(5)
    for seed in range(5):
        image, matte = augment(one, 80, generator(seed), changed(NOTHING, {"layer_strength": 1.0, effect: 1.0}))
        np.testing.assert_array_equal(matte, one.matte)
        change = np.abs(image.astype(int) - one.photo).mean()
        assert 0.2 < change < 110


@pytest.mark.parametrize("effect", ["defocus", "motion"])
def test_blurs_change_image_and_matte_alike(effect: str) -> None:
    hard = (drawn_portrait(2, 256, 256)[1] > 127).astype(np.uint8) * np.uint8(255)
    strong = changed(NOTHING, {effect: 1.0, "defocus_sigma": (1.5, 1.5), "motion_length": (9.0, 9.0)})
    image, matte = augment(Sample(np.dstack([hard] * 3), hard), 256, generator(), strong)
    assert ((matte > 20) & (matte < 235)).sum() > 100
    np.testing.assert_allclose(image[..., 0], matte, atol=2)
    assert abs(matte.mean() - hard.mean()) < 1


def test_an_occluder_is_background() -> None:
    one = sample(6)
    hidden = 0
    for seed in range(12):
        image, matte = augment(one, 80, generator(seed), replace(NOTHING, occlude=1.0), [uniform(80, 0, 255, 0)])
        covered = (one.matte == 255) & (matte == 0)
        hidden += covered.any()
        assert (matte <= one.matte).all()
        seen = matte == 255
        np.testing.assert_array_equal(image[seen], one.photo[seen])
        assert (image[covered] != one.photo[covered]).any(axis=1).all()
    assert hidden >= 10


def test_grey_has_no_colour() -> None:
    image, _ = augment(sample(), 80, generator(), replace(NOTHING, grey=1.0))
    assert np.ptp(image, axis=2).max() == 0


def test_a_neutral_grade_changes_nothing() -> None:
    still = replace(
        NOTHING, grade=1.0, brightness=(0.0, 0.0), contrast=(1.0, 1.0), gamma=(1.0, 1.0), balance=(1.0, 1.0),
        saturation=(1.0, 1.0), hue=(0.0, 0.0),
    )  # fmt: skip
    one = sample()
    np.testing.assert_allclose(augment(one, 80, generator(), still)[0], one.photo, atol=1)


def test_the_foreground_is_estimated_where_it_is_mixed() -> None:
    for number in range(5):
        photo, matte = drawn_portrait(number, 120, 90)
        random = np.random.default_rng(number)
        person, wall = random.uniform(0, 255, (2, 3))
        soft = matte[..., None] / 255
        photo = np.rint(soft * person + (1 - soft) * wall).astype(np.uint8)
        found = estimate_training_foreground(photo, matte)
        assert np.abs(found - person)[matte > 25].max() < 12
        np.testing.assert_array_equal(found[matte == 255], photo[matte == 255])


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.sampled_from([32, 64, 96]))
def test_the_published_augmentation(seed: int, size: int) -> None:
    matte = drawn_portrait(seed % 7, 80, 80)[1]
    image, moved = published(Sample(np.dstack([matte] * 3), matte), size, generator(seed))
    assert image.shape == (size, size, 3)
    assert moved.shape == (size, size)
    np.testing.assert_allclose(image[..., 1], moved, atol=1)
    white = Sample(uniform(80, 255, 255, 255), np.full((80, 80), 255, np.uint8))
    image, moved = published(white, size, generator(seed))
    assert min(image.min(), moved.min()) >= 254  # no corner of a rotation is left


def test_the_published_augmentation_magnifies_as_the_paper_says() -> None:
    """The slope of a ramp shows the magnification; half of the images are turned, and half are mirrored."""
    ramp = np.tile(np.linspace(0, 255, 128), (128, 1))
    one = Sample(np.rint(np.dstack([ramp, ramp.T, ramp])).astype(np.uint8), np.zeros((128, 128), np.uint8))
    turned, mirrored, across, down = 0, 0, [], []
    for seed in range(300):
        image = published(one, 128, generator(seed))[0].astype(float)
        dy, dx = (np.gradient(image[..., channel])[axis].mean() for channel, axis in ((1, 0), (0, 1)))
        skew = np.abs(np.gradient(image[..., 0])[0].mean())
        mirrored += dx < 0
        if skew > 0.01:
            turned += 1
        else:
            across.append(255 / 127 / abs(dx))
            down.append(255 / 127 / dy)
    assert 0.38 < turned / 300 < 0.62
    assert 0.4 < mirrored / 300 < 0.6
    for scales in (across, down):
        assert 0.99 < min(scales) < 1.03
        assert 1.12 < max(scales) < 1.17
