"""The alpha of a photo in parts, as evaluations measure it."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import cv2
import numpy as np
import pytest

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.arm.parity import STAGES, observer_here, runtime_code
from mmnet.evaluation.datasets.pairs import Photo
from mmnet.evaluation.figures import Truth, measure
from mmnet.evaluation.framing import FramedPhoto, fit_for
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.parity.compare import compare_candidates
from mmnet.evaluation.resize import RESIZES
from mmnet.runtime import (
    Fit,
    FitError,
    PortraitMatter,
    Rectangle,
    Upsampling,
    find_crops,
    to_model_input,
    upsample_alpha,
)
from mmnet.runtime.model import default_model

SIZE = 64


class Bright:
    """A model that finds everything brighter than the middle grey, and keeps what it was given."""

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self.inputs: list[U8Array] = []

    def run_float(self, image: U8Array | F32Array) -> F32Array:
        self.inputs.append(np.asarray(image))
        return (image[..., 1] >= 128).astype(np.float32)

    def close(self) -> None:
        pass


@pytest.fixture(scope="module")
def scene() -> tuple[U8Array, U8Array]:
    """A small bright person before a dark ground, and the true matte."""
    mask = np.zeros((360, 640), np.uint8)
    mask[100:240, 200:260] = 255
    return np.where(mask[..., None] > 0, np.uint8(200), np.uint8(40)).repeat(3, axis=2), mask


@pytest.mark.parametrize("resize", RESIZES)
def test_auto_is_measured_better_where_the_person_is_small(scene: tuple[U8Array, U8Array], resize: str) -> None:
    photo, mask = scene
    framed, truth = FramedPhoto(photo, RESIZES[resize]), Truth(mask, RESIZES[resize])
    figures = {fit: measure(framed.alpha(Bright(), fit), truth) for fit in Fit}
    assert figures[Fit.AUTO]["MAD"] < 0.5 * figures[Fit.STRETCH]["MAD"]
    assert figures[Fit.AUTO]["GAUSS_GRAD_800x600"] < figures[Fit.STRETCH]["GAUSS_GRAD_800x600"]
    assert figures[Fit.CROP]["IoU"] > 0.9
    assert figures[Fit.LETTERBOX]["IoU"] > 0.9


def test_inputs_are_those_of_the_runtime(scene: tuple[U8Array, U8Array]) -> None:
    photo, _ = scene
    for fit in Fit:
        model = Bright()
        FramedPhoto(photo, RESIZES["runtime"]).alpha(model, fit)
        np.testing.assert_array_equal(model.inputs[0], to_model_input(photo, SIZE, fit))
    (crop,) = find_crops(model.run_float(model.inputs[0]), *photo.shape[:2])
    np.testing.assert_array_equal(model.inputs[1], to_model_input(photo[crop.slices], SIZE))


@pytest.fixture(scope="module")
def group(scene: tuple[U8Array, U8Array]) -> tuple[U8Array, U8Array]:
    """Two such scenes beside each other: two people who stand apart."""
    photo, mask = scene
    return np.concatenate([photo, photo], axis=1), np.concatenate([mask, mask], axis=1)


def test_people_who_stand_apart_are_seen_one_by_one(group: tuple[U8Array, U8Array]) -> None:
    (photo, mask), resize, model = group, RESIZES["runtime"], Bright()
    alpha = FramedPhoto(photo, resize).alpha(model, Fit.AUTO)
    crops = find_crops(model.run_float(model.inputs[0]), 360, 1280)
    assert [part.placement.seen for part in alpha.parts] == crops
    assert len(crops) == 2
    placed = alpha.at_photo(resize, 360, 1280)
    expected = np.zeros((360, 1280), np.float32)
    for crop, model_input in zip(crops, model.inputs[1:3], strict=True):
        np.testing.assert_array_equal(model_input, to_model_input(photo[crop.slices], SIZE))
        inside = model.run_float(model_input)
        expected[crop.slices] = upsample_alpha(inside, photo[crop.slices], Upsampling.BILINEAR)
    np.testing.assert_allclose(placed, expected, atol=1.01 / 255)
    figures = measure(alpha, Truth(mask, resize))
    whole = measure(FramedPhoto(photo, resize).alpha(model, Fit.STRETCH), Truth(mask, resize))
    assert figures["MAD"] < 0.5 * whole["MAD"]
    assert figures["IoU"] > 0.95


def test_models_that_are_compared_look_at_the_same_parts(group: tuple[U8Array, U8Array]) -> None:
    photo, _ = group
    first, second = FramedPhoto(photo, RESIZES["runtime"]).alphas([Bright(), Bright(32)], Fit.AUTO)
    seen = [[part.placement.seen for part in alpha.parts] for alpha in (first, second)]
    assert seen[0] == seen[1] != [Rectangle(0, 0, 360, 1280)]
    assert ({len(part.alpha) for part in first.parts}, {len(part.alpha) for part in second.parts}) == ({64}, {32})


def test_the_difference_of_two_models_is_that_of_the_worst_crop(group: tuple[U8Array, U8Array], tmp_path: Path) -> None:
    class HalfBlind(Bright):
        """The same, but it does not find the second person in the second pass."""

        def run_float(self, image: U8Array | F32Array) -> F32Array:
            return super().run_float(image) * np.float32(len(self.inputs) != 2)

    photo, _ = group
    assert cv2.imwrite(str(tmp_path / "group.png"), photo[..., ::-1])
    image = Photo("group", tmp_path / "group.png")
    models = [
        cast(Candidate, SimpleNamespace(load=lambda floats, model=model: model)) for model in (Bright(), HalfBlind())
    ]
    (compared,) = compare_candidates(*models, [image], RESIZES["runtime"], threads=1).images
    second = FramedPhoto(photo, RESIZES["runtime"]).alpha(Bright(), Fit.AUTO).parts[1]
    assert compared.differences["MAD"] == pytest.approx(second.alpha.mean())
    assert compared.histogram.sum() == 2 * SIZE**2
    assert compared.histogram[0] == np.count_nonzero(second.alpha)


def test_the_fit_that_is_meant() -> None:
    assert fit_for(None, RESIZES["runtime"]) is Fit.AUTO
    assert fit_for(None, RESIZES["original"]) is Fit.STRETCH
    assert fit_for("auto", RESIZES["original"]) is Fit.AUTO
    with pytest.raises(FitError, match="letterbox"):
        fit_for("fill", RESIZES["runtime"])


def test_the_observer_of_arm_parity_sees_the_same_parts(portrait: U8Array, tmp_path: Path) -> None:
    """Every stage of the observer, on this machine, for a photo of two people who stand apart."""
    small = cv2.resize(portrait, (200, 200), interpolation=cv2.INTER_AREA)
    photo = np.full((260, 1200, 3), 150, np.uint8)
    photo[60:, 100:300], photo[60:, 900:1100] = small, small[:, ::-1]
    assert cv2.imwrite(str(tmp_path / "group.png"), photo[..., ::-1])
    with runtime_code(default_model()) as code, observer_here(code, Fit.AUTO) as observer:
        seen = observer.observe(tmp_path / "group.png")
    assert set(seen) == set(STAGES)
    with PortraitMatter(threads=1) as matter:
        matte = matter.photo(photo)
    assert len(matte.seen) == 2
    np.testing.assert_array_equal(seen["crops"], [astuple(crop) for crop in matte.seen])
    np.testing.assert_array_equal(seen["matte"], matte.alpha)
    assert seen["last_inputs"].shape == (2, 256, 256, 3)
    assert seen["last_alphas"].shape == (2, 256, 256)
    assert np.abs(seen["image"] / np.float32(255) - matte.alpha).mean() < 0.01
