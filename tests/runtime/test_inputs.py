"""Images as callers have them: arrays, paths and images of Pillow give the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmnet.runtime import ImageError, PhotoError, read_photo
from mmnet.runtime.imaging.inputs import as_bytes


@pytest.fixture
def pixels() -> Any:
    return np.random.default_rng(5).integers(0, 256, (7, 9, 3), np.uint8)


def test_a_path_is_the_photo_at_it(pixels: Any, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).save(path)
    for given in (path, str(path)):
        np.testing.assert_array_equal(as_bytes(given), pixels)
    with pytest.raises(PhotoError, match="no such file"):
        as_bytes(tmp_path / "none.jpg")


def test_an_image_of_pillow_is_its_pixels(pixels: Any) -> None:
    np.testing.assert_array_equal(as_bytes(Image.fromarray(pixels)), pixels)
    grey = Image.fromarray(pixels[..., 0])
    np.testing.assert_array_equal(as_bytes(grey), np.repeat(pixels[..., :1], 3, axis=2))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "LA", "PA", "RGBA", "RGBa"])
def test_every_mode_of_bytes(pixels: Any, mode: str) -> None:
    if mode in ("PA", "RGBX"):
        image = Image.new(mode, (9, 7))
    elif mode == "RGBa":
        image = Image.fromarray(pixels).convert("RGBA").convert("RGBa")
    else:
        image = Image.fromarray(pixels).convert(mode)
    found = as_bytes(image)
    assert (found.shape, found.dtype) == ((7, 9, 3), np.uint8)
    if mode in ("1", "L", "P", "CMYK", "YCbCr", "HSV"):
        np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["rgba.png", "la.png", "deep.png"])
def test_pillow_and_the_reader_of_photos_agree(pixels: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    stored = {
        "rgba.png": lambda: Image.fromarray(np.dstack([pixels, pixels[..., 0]])),
        "la.png": lambda: Image.fromarray(pixels[..., :2], "LA"),
        "deep.png": lambda: Image.fromarray(pixels[..., 0].astype(np.uint16) * 200 + 3),
    }[name]()
    stored.save(path)
    with Image.open(path) as image:
        np.testing.assert_array_equal(as_bytes(image), read_photo(path))


def test_a_palette_with_a_transparent_colour_is_composited_over_white() -> None:
    image = Image.new("P", (4, 3), 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert (as_bytes(image) == (40, 50, 60)).all()
    image.info["transparency"] = 1
    assert (as_bytes(image) == 255).all()


@pytest.mark.parametrize("mode", ["I", "F", "LAB"])
def test_a_mode_without_a_known_range_is_refused(mode: str) -> None:
    with pytest.raises(ImageError, match=rf"mode {mode}; give image.convert\('RGB'\)"):
        as_bytes(Image.new(mode, (4, 3)))


@pytest.mark.parametrize("given", [None, 5, [[1, 2, 3]], b"photo.jpg"])
def test_what_is_no_image(given: Any) -> None:
    with pytest.raises(ImageError, match="the path of a photo, or an image of Pillow"):
        as_bytes(given)


def test_pillow_is_not_needed() -> None:
    script = (
        "import sys; sys.modules['PIL'] = None; import numpy as np, mmnet\n"
        "with mmnet.PortraitMatter() as matter: print(matter(np.zeros((8, 6, 3), np.uint8)).shape)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(8, 6)"
