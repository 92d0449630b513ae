"""`read_matte`: one rule for what the matte in a file is, and what is refused."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from image_files import png_chunk, png_file
from PIL import Image
from portraits import drawn_portrait, write_image

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.mattes import MatteFault, MatteFileError, read_mask, read_matte
from mmnet.runtime.imaging.stored import PhotoError

PHOTO, MATTE = drawn_portrait(1)
BLACK, WHITE = np.zeros_like(MATTE), np.full_like(MATTE, 255)


def layers(*channels: AnyArray) -> AnyArray:
    return np.dstack(channels)


def saved(path: Path, pixels: AnyArray | Image.Image, extension: str = "png", **options: object) -> Path:
    """Write an image with Pillow, which keeps LA, palettes and 16 bits as they are."""
    target = path / f"matte.{extension}"
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(target, **options)  # type: ignore[arg-type]
    return target


def palette(colours: list[int]) -> Image.Image:
    image = Image.fromarray((MATTE > 127).astype(np.uint8), "L").convert("P")
    image.putdata((MATTE > 127).astype(np.uint8).ravel().tolist())
    image.putpalette(colours + [0] * (768 - len(colours)))
    return image


@pytest.mark.parametrize(
    "pixels",
    [
        MATTE,
        layers(MATTE, MATTE, MATTE),
        layers(BLACK, BLACK, BLACK, MATTE),
        layers(WHITE, WHITE, WHITE, MATTE),
        layers(MATTE, MATTE, MATTE, MATTE),
        layers(MATTE, MATTE, MATTE, WHITE),
        layers(PHOTO, MATTE),
        Image.fromarray(layers(BLACK, MATTE), "LA"),
        Image.fromarray(layers(WHITE, MATTE), "LA"),
        Image.fromarray(layers(MATTE, WHITE), "LA"),
        MATTE.astype(np.uint16) * 257,
    ],
    ids=[
        "grey", "RGB", "black and alpha", "white and alpha", "the same four times", "opaque", "a cut-out",
        "LA black", "LA white", "LA opaque", "16 bits",
    ],
)  # fmt: skip
def test_every_way_to_store_a_matte(tmp_path: Path, pixels: AnyArray | Image.Image) -> None:
    np.testing.assert_array_equal(read_matte(saved(tmp_path, pixels)), MATTE)


def test_16_bits_in_the_alpha_channel(tmp_path: Path) -> None:
    deep = layers(*[np.zeros_like(MATTE, np.uint16)] * 3, MATTE.astype(np.uint16) * 257)
    path = tmp_path / "deep.png"
    assert cv2.imwrite(str(path), deep)
    np.testing.assert_array_equal(read_matte(path), MATTE)


def test_a_grey_jpeg_in_colour_is_a_matte(tmp_path: Path) -> None:
    path = saved(tmp_path, layers(MATTE, np.minimum(255, MATTE.astype(int) + 1).astype(np.uint8), MATTE))
    assert np.abs(read_matte(path).astype(int) - MATTE).max() <= 1
    path = saved(tmp_path, layers(MATTE, MATTE, MATTE), "jpg", quality=75)
    assert np.abs(read_matte(path).astype(int) - MATTE).mean() < 2


@pytest.mark.parametrize("value", [0, 255])
def test_a_constant_matte(tmp_path: Path, value: int) -> None:
    grey = np.full_like(MATTE, value)
    for pixels in (grey, layers(grey, grey, grey), layers(grey, grey, grey, WHITE), layers(grey, grey, grey, grey)):
        assert (read_matte(saved(tmp_path, pixels)) == value).all()


PERSON = (MATTE > 127).astype(np.uint8)
TRIMAP = PERSON + (MATTE > 5)  # 0 background, 1 unknown, 2 person, with a band of several pixels


@pytest.mark.parametrize(
    ("make", "fault", "said"),
    [
        (lambda: PERSON, MatteFault.SCALE, "holds only 0 and 1; .*`mmnet data mattes`"),
        (lambda: palette([0, 0, 0, 1, 1, 1]), MatteFault.SCALE, "holds only 0 and 1"),
        (lambda: layers(BLACK, BLACK, BLACK, PERSON), MatteFault.SCALE, "holds only 0 and 1"),
        (lambda: TRIMAP, MatteFault.SCALE, "holds only 0, 1 and 2"),
        (lambda: PERSON * np.uint8(100), MatteFault.SCALE, "holds only 0 and 100"),
        (lambda: np.rint(MATTE / 2.55).astype(np.uint8), MatteFault.SCALE, "has no value above 100"),
        (lambda: MATTE.astype(np.uint16), MatteFault.SCALE, "holds only 0 and 1"),
        (lambda: MATTE.astype(np.uint16) * 16, MatteFault.SCALE, "has no value above 16"),
        (lambda: np.array([0, 128, 255], np.uint8)[TRIMAP], MatteFault.TRIMAP, "is a trimap .0, 128 and 255"),
        (lambda: PHOTO, MatteFault.COLOUR, "is an image in colour"),
        (lambda: palette([0, 0, 0, 128, 0, 0]), MatteFault.COLOUR, "is an image in colour"),
        (lambda: layers(WHITE, WHITE, WHITE, BLACK), MatteFault.CONTRADICTION, "alpha channel of 0 everywhere"),
    ],
)
def test_what_is_no_matte(
    tmp_path: Path, make: Callable[[], AnyArray | Image.Image], fault: MatteFault, said: str
) -> None:
    path = saved(tmp_path, make())
    with pytest.raises(MatteFileError, match=said) as caught:
        read_matte(path)
    assert caught.value.fault is fault
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_layout_with_alpha_needs_it(tmp_path: Path) -> None:
    with pytest.raises(MatteFileError, match="has no alpha channel") as caught:
        read_matte(saved(tmp_path, MATTE), from_alpha=True)
    assert caught.value.fault is MatteFault.NO_ALPHA
    assert not read_matte(saved(tmp_path, layers(PHOTO, BLACK)), from_alpha=True).any()


def test_a_float_matte_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(MATTE.astype(np.float32) / 255).save(buffer, "TIFF")
    (tmp_path / "float.tiff").write_bytes(buffer.getvalue())
    with pytest.raises(PhotoError, match="float32 samples"):
        read_matte(tmp_path / "float.tiff")


@pytest.mark.parametrize("foreground", [1, 100, 255])
def test_masks_of_any_foreground(tmp_path: Path, foreground: int) -> None:
    mask = read_mask(saved(tmp_path, PERSON * np.uint8(foreground)))
    np.testing.assert_array_equal(mask > mask.max() / 2, PERSON > 0)


def test_masks_of_three_regions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MatteFileError, match="holds the labels 0, 1 and 2"):
        read_mask(saved(tmp_path, TRIMAP))
    with pytest.raises(MatteFileError, match="is a trimap"):
        read_mask(saved(tmp_path, np.array([0, 128, 255], np.uint8)[TRIMAP]))


def test_a_faint_frame_is_read_where_the_sequence_is_checked(tmp_path: Path) -> None:
    faint = write_image(tmp_path / "faint.png", MATTE // 8)
    np.testing.assert_array_equal(read_matte(faint, check=False), MATTE // 8)


@pytest.mark.parametrize("key", [0, 255, 77])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_is_no_alpha_channel(tmp_path: Path, channels: int, key: int) -> None:
    """Editors write the key of a grey PNG for web pages; a matte of two values would come of it."""
    chunk = png_chunk(b"tRNS", struct.pack(">H", key) * channels)
    path = tmp_path / "matte.png"
    path.write_bytes(png_file(np.dstack([MATTE] * channels), 8, 0 if channels == 1 else 2, chunk))
    np.testing.assert_array_equal(read_matte(path), MATTE)
    with pytest.raises(MatteFileError, match="has no alpha channel"):
        read_matte(path, from_alpha=True)
