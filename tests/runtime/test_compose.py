"""Backgrounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmnet.runtime import BackgroundError, ImageError, PhotoError, composite, cutout, gaussian_blurred_background
from mmnet.runtime.fullres.compositing import cover, parse_background

pytestmark = pytest.mark.usefixtures("both_kernels")


def specified(image: Any, alpha: Any, background: Any) -> Any:
    """preprocessing.md, of alpha in bytes: to the nearest byte, without ties."""
    alpha_u8 = np.rint(255 * alpha)[..., None].astype(int)
    return (alpha_u8 * image + (255 - alpha_u8) * np.asarray(background) + 127) // 255


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_composite_is_what_phones_and_browsers_compute(height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image, background = rng.integers(0, 256, (2, height, width, 3), np.uint8)
    alpha = rng.choice([0, 1, 0.5, *rng.random(4)], (height, width)).astype(np.float32)
    out = composite(image, alpha, background)
    assert out.dtype == np.uint8
    np.testing.assert_array_equal(out, specified(image, alpha, background))
    np.testing.assert_array_equal(out[alpha == 1], image[alpha == 1])
    np.testing.assert_array_equal(out[alpha == 0], background[alpha == 0])
    np.testing.assert_array_equal(composite(image, alpha, image), image)


def test_composite_of_many_strips(noise: Any) -> None:
    image = noise(700, 9, 3)
    alpha = np.linspace(0, 1, 700, dtype=np.float32)[:, None].repeat(9, axis=1)
    np.testing.assert_array_equal(composite(image, alpha, (10, 20, 30)), specified(image, alpha, (10, 20, 30)))


def test_cutout_keeps_the_photo(noise: Any) -> None:
    image, alpha = noise(6, 7, 3), np.linspace(0, 1, 42, dtype=np.float32).reshape(6, 7)
    out = cutout(image, alpha)
    np.testing.assert_array_equal(out[..., :3], image)
    np.testing.assert_array_equal(out[..., 3], np.rint(alpha * 255))


def test_refuses_what_does_not_fit(noise: Any) -> None:
    image, alpha = noise(6, 7, 3), np.zeros((6, 7), np.float32)
    wrongs: list[Any] = [alpha.T, alpha + 2, alpha - 1, alpha * np.nan, alpha.astype(np.float64)]
    for wrong in wrongs:
        with pytest.raises(ImageError):
            composite(image, wrong, image)
    with pytest.raises(ImageError, match="background"):
        composite(image, alpha, noise(7, 6, 3))


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#00ff00", (0, 255, 0)),
        ("#0F0", (0, 255, 0)),
        ("Green", (0, 128, 0)),
        ("#123456", (0x12, 0x34, 0x56)),
    ],
)
def test_colours(text: str, colour: tuple[int, int, int], noise: Any) -> None:
    background = parse_background(text)
    assert background is not None
    image = noise(3, 4, 3)
    assert (background(image, np.zeros((3, 4), np.float32)) == colour).all()


@pytest.mark.parametrize("text", ["#12345", "#gggggg", "#", "", "chartreuse-ish", "missing.jpg", "# ff f", "#+1+2+3"])
def test_what_is_no_background(text: str) -> None:
    with pytest.raises(BackgroundError, match="no colour"):
        parse_background(text)


@pytest.mark.parametrize("text", ["green", "#008000"])
def test_a_composite_over_a_named_colour(text: str, noise: Any) -> None:
    image, alpha = noise(6, 7, 3), np.linspace(0, 1, 42, dtype=np.float32).reshape(6, 7)
    np.testing.assert_array_equal(composite(image, alpha, text), composite(image, alpha, (0, 128, 0)))


def test_a_composite_over_a_named_image_and_over_blur(noise: Any, tmp_path: Path) -> None:
    image, alpha = noise(6, 7, 3), np.linspace(0, 1, 42, dtype=np.float32).reshape(6, 7)
    Image.fromarray(noise(12, 14, 3)).save(tmp_path / "beach.png")
    cover = parse_background(str(tmp_path / "beach.png"))
    assert cover is not None
    expected = composite(image, alpha, cover(image, alpha))
    for named in (tmp_path / "beach.png", str(tmp_path / "beach.png")):
        np.testing.assert_array_equal(composite(image, alpha, named), expected)
    blurred = composite(image, alpha, gaussian_blurred_background(image, alpha))
    np.testing.assert_array_equal(composite(image, alpha, "blur"), blurred)


def test_a_named_background_that_is_none(noise: Any) -> None:
    image, alpha = noise(6, 7, 3), np.zeros((6, 7), np.float32)
    with pytest.raises(BackgroundError, match="background 'greenish': no such image, and no colour; give #rrggbb"):
        composite(image, alpha, "greenish")
    with pytest.raises(BackgroundError, match="cutout"):
        composite(image, alpha, "transparent")


def test_a_background_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_text("no image")
    with pytest.raises(PhotoError, match=r"bad\.jpg"):
        parse_background(str(tmp_path / "bad.jpg"))


def test_an_image_covers_the_photo_evenly(tmp_path: Path, noise: Any) -> None:
    wide = np.zeros((100, 300, 3), np.uint8)
    wide[:, 100:200] = 200  # the middle third is what a square photo shows
    Image.fromarray(wide).save(tmp_path / "wide.png")
    background = parse_background(str(tmp_path / "wide.png"))
    assert background is not None
    for side in (50, 100, 250):
        image = noise(side, side, 3)
        assert (background(image, np.zeros((side, side), np.float32)) == 200).all()


@settings(max_examples=60, deadline=None)
@given(*[st.integers(1, 90)] * 4)
def test_cover_fits_any_shape(height: int, width: int, image_height: int, image_width: int) -> None:
    image = np.full((image_height, image_width, 3), 77, np.uint8)
    out = cover(image, height, width)
    assert out.shape == (height, width, 3)
    assert (out == 77).all()


def test_blur_takes_nothing_from_the_person() -> None:
    image = np.full((300, 400, 3), (0, 0, 250), np.uint8)
    alpha = np.zeros((300, 400), np.float32)
    image[100:250, 150:250], alpha[100:250, 150:250] = (250, 0, 0), 1
    background = gaussian_blurred_background(image, alpha)
    assert np.abs(background[alpha == 0].astype(int) - (0, 0, 250)).max() <= 3


def test_blur_removes_detail() -> None:
    image = (np.indices((300, 400)).sum(axis=0) % 2 * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    background = gaussian_blurred_background(image, np.zeros((300, 400), np.float32))
    assert background.shape == image.shape
    assert np.ptp(background) <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 2000), (2000, 3)])
def test_blur_of_odd_shapes(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 99, np.uint8)
    assert (gaussian_blurred_background(image, np.ones(shape, np.float32)) == 99).all()
