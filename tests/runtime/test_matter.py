"""`PortraitMatter`: a photo of any size in, its matte out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet.runtime import (
    ImageError,
    MattingModel,
    ModelError,
    PortraitMatter,
    Upsampling,
    to_model_input,
    upsample_alpha,
)


@pytest.fixture(scope="module")
def matter(tiny_model: Path) -> Any:
    with PortraitMatter(tiny_model, threads=1) as matter:
        yield matter


def test_the_matte_has_the_photos_size(matter: PortraitMatter) -> None:
    @settings(max_examples=40, deadline=None)
    @given(st.integers(1, 300), st.integers(1, 300), st.integers(0, 255))
    def check(height: int, width: int, value: int) -> None:
        image = np.random.default_rng(value).integers(0, 256, (height, width, 3), np.uint8)
        alpha = matter(image)
        assert alpha.shape == (height, width)
        assert alpha.dtype == np.float32
        assert alpha.min() >= 0
        assert alpha.max() <= 1

    check()


def test_at_the_models_size_it_is_the_models_alpha(matter: PortraitMatter, noise: Any) -> None:
    image = noise(64, 64, 3)
    np.testing.assert_allclose(matter(image), matter.model.run(image) / 255, atol=1e-7)


def test_alpha_bytes_are_the_models_own(matter: PortraitMatter, noise: Any) -> None:
    image = noise(150, 90, 3)
    np.testing.assert_array_equal(matter.alpha_bytes(image), matter.model.run(to_model_input(image, 64)))


def test_upsampling_is_guided_by_the_photo(matter: PortraitMatter, noise: Any) -> None:
    image = noise(150, 190, 3)
    small = matter.model.run_float(to_model_input(image, 64))
    np.testing.assert_array_equal(matter(image), upsample_alpha(small, image, Upsampling.GUIDED))


def test_bilinear_upsampling_has_half_pixel_centres(matter: PortraitMatter, noise: Any) -> None:
    image = noise(160, 192, 3)
    small = matter.alpha_bytes(image) / 255
    rows, columns = (np.arange(160) + 0.5) * 64 / 160 - 0.5, (np.arange(192) + 0.5) * 64 / 192 - 0.5
    wide = np.array([np.interp(columns, np.arange(64), line) for line in small])
    exact = np.array([np.interp(rows, np.arange(64), column) for column in wide.T]).T
    bilinear = PortraitMatter(matter.model, upsampling=Upsampling.BILINEAR)
    np.testing.assert_allclose(bilinear(image), exact, atol=1e-5)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_float_images_are_the_same_photo(matter: PortraitMatter, noise: Any, kind: type) -> None:
    image = noise(100, 80, 3)
    np.testing.assert_array_equal(matter((image / 255).astype(kind)), matter(image))


def test_a_path_and_an_image_of_pillow_are_the_same_photo(matter: PortraitMatter, noise: Any, tmp_path: Path) -> None:
    image = noise(100, 80, 3)
    Image.fromarray(image).save(tmp_path / "photo.png")
    for form in (tmp_path / "photo.png", str(tmp_path / "photo.png"), Image.fromarray(image)):
        np.testing.assert_array_equal(matter(form), matter(image))
        np.testing.assert_array_equal(matter.cutout(form), matter.cutout(image))
        np.testing.assert_array_equal(matter.composite(form, "green"), matter.composite(image, (0, 128, 0)))


GOOD = np.full((4, 5, 3), 0.5, np.float32)
BAD = {
    "NaN": (np.where(np.arange(3) == 1, np.nan, GOOD), "not finite"),
    "infinity": (np.where(np.arange(3) == 1, np.inf, GOOD), "not finite"),
    "beyond 1": (GOOD * 510, "255"),
    "negative": (GOOD - 1, "-0.5"),
    "grey": (GOOD[..., 0], "grey"),
    "RGBA": (np.dstack([GOOD, GOOD])[..., :4], "RGBA"),
    "empty": (np.zeros((0, 5, 3), np.float32), "empty"),
    "int64": (np.zeros((4, 5, 3), np.int64), "int64"),
    "bool": (np.zeros((4, 5, 3), bool), "bool"),
    "None": (None, "NoneType"),
}


@pytest.mark.parametrize(("image", "says"), BAD.values(), ids=BAD.keys())
def test_refuses(matter: PortraitMatter, image: Any, says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        matter(image)
    assert "\n" not in str(caught.value)


def test_a_model_given_stays_open(tiny_model: Path, noise: Any) -> None:
    with MattingModel(tiny_model) as model:
        with PortraitMatter(model) as matter:
            matter(noise(8, 8, 3))
        model.run(noise(64, 64, 3))
        with pytest.raises(TypeError, match="threads"):
            PortraitMatter(model, threads=2)


def test_its_own_model_is_closed(tiny_model: Path, noise: Any) -> None:
    matter = PortraitMatter(str(tiny_model))
    matter.close()
    with pytest.raises(ModelError, match="closed"):
        matter(noise(8, 8, 3))
