"""The alpha of a photo in parts, as evaluations measure it."""

from __future__ import annotations

import numpy as np
import pytest

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.figures import Truth, measure
from mmnet.evaluation.framing import FramedPhoto, fit_for
from mmnet.evaluation.resize import RESIZES
from mmnet.runtime import Fit, FitError, Rectangle, find_crop, to_model_input

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
    crop = find_crop(model.run_float(model.inputs[0]), *photo.shape[:2])
    assert crop is not None
    np.testing.assert_array_equal(model.inputs[1], to_model_input(photo[crop.slices], SIZE))


def test_models_that_are_compared_look_at_the_same_part(scene: tuple[U8Array, U8Array]) -> None:
    photo, _ = scene
    first, second = FramedPhoto(photo, RESIZES["runtime"]).alphas([Bright(), Bright(32)], Fit.AUTO)
    assert first.placement.seen == second.placement.seen != Rectangle(0, 0, 360, 640)
    assert (len(first.alpha), len(second.alpha)) == (64, 32)


def test_the_fit_that_is_meant() -> None:
    assert fit_for(None, RESIZES["runtime"]) is Fit.AUTO
    assert fit_for(None, RESIZES["original"]) is Fit.STRETCH
    assert fit_for("auto", RESIZES["original"]) is Fit.AUTO
    with pytest.raises(FitError, match="letterbox"):
        fit_for("fill", RESIZES["runtime"])
