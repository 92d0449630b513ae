"""What an image file declares decides how it is read; what is not surely understood is refused with one line."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from image_files import bmp_file, boxed_image, png_chunk, png_file, tiff_file
from PIL import Image

from mmnet.runtime import PhotoError, read_photo
from mmnet.runtime.imaging.decoders import choice, opencv
from mmnet.runtime.imaging.headers import bits_per_sample
from mmnet.runtime.jobs.sources import is_video


def written(tmp_path: Path, data: bytes, name: str = "photo") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


RGB = np.random.default_rng(5).integers(0, 256, (6, 8, 3), np.uint8)
GREY, FOURTH = RGB[..., 0], np.random.default_rng(6).integers(0, 256, (6, 8), np.uint8)
FIRST, SECOND = Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())

# --- transparency -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_the_transparent_key_of_a_grey_png(tmp_path: Path, depth: int) -> None:
    most = (1 << depth) - 1
    values = np.random.default_rng(depth).integers(0, most + 1, (5, 9)).astype(np.uint16)
    key = int(values[2, 3])
    data = png_file(values[..., None], depth, 0, png_chunk(b"tRNS", struct.pack(">H", key)))
    expected = np.where(values == key, 255, np.rint(values * (255 / most))).astype(np.uint8)
    np.testing.assert_array_equal(read_photo(written(tmp_path, data)), np.dstack([expected] * 3))


def test_a_depth_that_no_png_has(tmp_path: Path) -> None:
    data = bytearray(png_file(GREY[..., None], 8, 0, png_chunk(b"tRNS", b"\0\5")))
    for depth in (0, 3, 255):
        data[24] = depth
        refusal(written(tmp_path, bytes(data)))


@pytest.mark.parametrize("depth", [8, 16])
def test_the_transparent_key_of_a_png_in_colour(tmp_path: Path, depth: int) -> None:
    values = RGB.astype(np.uint16) * (257 if depth == 16 else 1)
    key = struct.pack(">3H", *values[1, 1].tolist())
    expected = RGB.copy()
    expected[1, 1] = 255
    read = read_photo(written(tmp_path, png_file(values, depth, 2, png_chunk(b"tRNS", key))))
    np.testing.assert_array_equal(read, expected)


def packed(masks: tuple[int, int, int, int], bits: int = 32) -> np.ndarray[Any, Any]:
    """The image and its fourth channel as one integer per pixel, at the places of the masks."""
    total = np.zeros(GREY.shape, np.uint32)
    for channel, mask in zip((*np.moveaxis(RGB, 2, 0), FOURTH), masks, strict=True):
        shift = (mask & -mask).bit_length() - 1 if mask else 0
        width = (mask >> shift).bit_length()
        total |= (channel.astype(np.uint32) >> (8 - width) << shift) if mask else 0
    return total


BGRX = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
RGBX = (0xFF, 0xFF00, 0xFF0000, 0xFF000000)


@pytest.mark.parametrize(
    ("header_bytes", "compression", "masks", "declared"),
    [
        (40, 0, (), ()),
        (40, 3, BGRX, BGRX[:3]),
        (40, 3, RGBX, RGBX[:3]),
        (52, 3, RGBX, RGBX[:3]),
        (56, 3, BGRX, (*BGRX[:3], 0)),
        (108, 0, BGRX, BGRX),
        (108, 3, RGBX, (*RGBX[:3], 0)),
        (124, 3, BGRX, (*BGRX[:3], 0)),
    ],
)
def test_a_fourth_byte_that_a_bmp_does_not_declare_is_no_alpha(
    tmp_path: Path, header_bytes: int, compression: int, masks: Any, declared: tuple[int, ...]
) -> None:
    data = bmp_file(packed(masks or BGRX), 32, header_bytes, declared, compression)
    np.testing.assert_array_equal(read_photo(written(tmp_path, data)), RGB)


@pytest.mark.parametrize(("header_bytes", "compression"), [(40, 6), (56, 3), (108, 3), (124, 3)])
@pytest.mark.parametrize("masks", [BGRX, RGBX], ids=["BGRA", "RGBA"])
def test_the_alpha_that_a_bmp_declares(tmp_path: Path, header_bytes: int, compression: int, masks: Any) -> None:
    data = bmp_file(packed(masks), 32, header_bytes, masks, compression)
    alpha = FOURTH[..., None] / 255
    assert np.abs(read_photo(written(tmp_path, data)) - (RGB * alpha + 255 * (1 - alpha))).max() <= 0.5


@pytest.mark.parametrize("masks", [(0x7C00, 0x3E0, 0x1F, 0), (0xF800, 0x7E0, 0x1F, 0)], ids=["555", "565"])
def test_bmp_of_16_bits_reaches_white(tmp_path: Path, masks: tuple[int, int, int, int]) -> None:
    pixels = packed(masks, 16)
    pixels[0, 0] = masks[0] | masks[1] | masks[2]
    data = bmp_file(pixels, 16, 40, () if masks[0] == 0x7C00 else masks[:3], 0 if masks[0] == 0x7C00 else 3)
    read = read_photo(written(tmp_path, data))
    assert read[0, 0].tolist() == [255, 255, 255]
    assert np.abs(read[1:].astype(int) - RGB[1:]).max() <= 8
    assert "truncated" in refusal(written(tmp_path, data[:-3]))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("declared", [None, 0, 1, 2])
def test_the_fourth_channel_of_a_tiff(tmp_path: Path, depth: type[Any], declared: int | None) -> None:
    """Unspecified, premultiplied and straight, as the field ExtraSamples says."""
    scale = 257 if depth is np.uint16 else 1
    alpha = FOURTH / 255
    colours = np.rint(RGB * alpha[..., None]) if declared == 1 else RGB
    pixels = np.dstack([colours, FOURTH]).astype(depth) * depth(scale)
    fields = [] if declared is None else [(338, 3, [declared])]
    read = read_photo(written(tmp_path, tiff_file([(pixels, fields)])))
    if declared in (None, 0):
        np.testing.assert_array_equal(read, RGB)
    else:
        expected = RGB * alpha[..., None] + 255 * (1 - alpha[..., None])
        assert np.abs(read - expected).max() <= 1.5


# --- which image of several -------------------------------------------------------------------------------------------

SMALL = np.full((3, 4, 3), 9, np.uint8)
THUMBNAIL, OLD_THUMBNAIL, MASK = (254, 4, [1]), (255, 3, [2]), (254, 4, [4])


@pytest.mark.parametrize("reduced", [THUMBNAIL, OLD_THUMBNAIL, MASK], ids=["reduced", "old reduced", "mask"])
def test_the_photo_of_a_tiff_is_the_image_that_is_not_reduced(tmp_path: Path, reduced: Any) -> None:
    small, photo = (SMALL, [reduced]), (RGB, [])
    for pages in ([small, photo], [photo, small], [small, small, photo]):
        np.testing.assert_array_equal(read_photo(written(tmp_path, tiff_file(pages))), RGB)
    np.testing.assert_array_equal(read_photo(written(tmp_path, tiff_file([small], below=[photo]))), RGB)
    np.testing.assert_array_equal(read_photo(written(tmp_path, tiff_file([photo], below=[small]))), RGB)


def test_the_transparency_and_depth_are_those_of_the_photo(tmp_path: Path) -> None:
    deep = RGB.astype(np.uint16) * 257
    path = written(tmp_path, tiff_file([(SMALL, [THUMBNAIL]), (deep, [])]))
    np.testing.assert_array_equal(read_photo(path), RGB)
    assert bits_per_sample(path) == 16


RAW = (262, 3, [32803])
REFUSED_TIFFS = {
    "several": (tiff_file([(RGB, []), (RGB[::-1], [])]), "is a TIFF with 2 images"),
    "unmarked small one": (tiff_file([(SMALL, []), (RGB, [])]), "is a TIFF with 2 images"),
    "nothing but a thumbnail": (tiff_file([(SMALL, [THUMBNAIL])]), "nothing but a reduced image"),
    "DNG": (tiff_file([(SMALL, [THUMBNAIL, (50706, 1, b"\1\4\0\0")])], below=[(GREY, [RAW])]), "a camera's raw file"),
    "NEF": (tiff_file([(SMALL, [THUMBNAIL])], below=[(SMALL, [THUMBNAIL]), (GREY, [RAW])]), "a camera's raw file"),
    "linear DNG": (tiff_file([(RGB, [(50706, 1, b"\1\4\0\0"), (262, 3, [34892])])]), "a camera's raw file"),
    "CMYK": (tiff_file([(np.dstack([RGB, FOURTH]), [(262, 3, [5])])]), "CMYK"),
    "CIELab": (tiff_file([(RGB, [(262, 3, [8])])]), "a colour space that is not read"),
    "grey with alpha": (tiff_file([(np.dstack([GREY, FOURTH]), [(338, 3, [2])])]), "2 channels"),
    "five channels": (tiff_file([(np.dstack([RGB, FOURTH, FOURTH]), [(338, 3, [2, 0])])]), "5 channels"),
}


@pytest.mark.parametrize(("data", "said"), REFUSED_TIFFS.values(), ids=REFUSED_TIFFS.keys())
def test_tiffs_that_are_not_surely_understood(tmp_path: Path, data: bytes, said: str) -> None:
    assert said in refusal(written(tmp_path, data))


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_tiff_whose_white_is_0(tmp_path: Path, depth: type[Any]) -> None:
    stored = (255 - GREY).astype(depth) * depth(257 if depth is np.uint16 else 1)
    read = read_photo(written(tmp_path, tiff_file([(stored, [(262, 3, [0])])])))
    np.testing.assert_array_equal(read, np.dstack([GREY] * 3))


def test_directories_that_lead_nowhere(tmp_path: Path) -> None:
    good = tiff_file([(RGB, [])])
    loop = bytearray(good)
    (first,) = struct.unpack_from("<I", good, 4)
    struct.pack_into("<I", loop, len(loop) - 4, first)
    np.testing.assert_array_equal(read_photo(written(tmp_path, bytes(loop))), RGB)
    refusal(written(tmp_path, b"II*\0" + struct.pack("<I", 8) + b"\xff\xff" + bytes(100_000)))


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_no_photo(tmp_path: Path, kind: str) -> None:
    options: dict[str, Any] = {"save_all": True, "lossless": True} if kind == "WEBP" else {"save_all": True}
    data = encoded(FIRST, kind, append_images=[SECOND], **options)
    assert "is an animated" in refusal(written(tmp_path, data))
    np.testing.assert_array_equal(read_photo(written(tmp_path, encoded(FIRST, kind, **options))), RGB)


# --- formats that are not read ----------------------------------------------------------------------------------------


def avif() -> bytes:
    return encoded(FIRST.resize((64, 64)), "AVIF")


UNREAD = {
    "cr3": (boxed_image(b"crx ", b"crx ", b"isom"), "a camera's raw file"),
    "cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(64), "a camera's raw file"),
    "raf": (b"FUJIFILMCCD-RAW 0201" + bytes(64), "a camera's raw file"),
    "jp2": (encoded(FIRST, "JPEG2000"), "a JPEG 2000 image"),
    "j2k": (encoded(FIRST, "JPEG2000", no_jp2=True), "a JPEG 2000 image"),
    "psd": (b"8BPS\0\1" + bytes(64), "a Photoshop document"),
    "exr": (b"\x76\x2f\x31\x01" + bytes(64), "an OpenEXR image"),
    "hdr": (b"#?RADIANCE\n" + bytes(64), "a Radiance HDR image"),
    "ppm": (encoded(FIRST, "PPM"), "a Netpbm image"),
    "ico": (encoded(FIRST.resize((16, 16)), "ICO"), "an icon"),
    "svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    "pdf": (b"%PDF-1.7\n" + bytes(64), "a PDF document"),
    "qoi": (b"qoif" + bytes(64), "a QOI image"),
    "pcx": (encoded(FIRST, "PCX"), "a PCX image"),
    "sgi": (encoded(FIRST, "SGI"), "an SGI image"),
    "dds": (b"DDS " + bytes(124), "a DDS image"),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("extension", [None, "jpg"])
def test_an_image_of_another_format_is_refused_by_name(tmp_path: Path, name: str, extension: str | None) -> None:
    data, said = UNREAD[name]
    path = written(tmp_path, data, f"photo.{extension or name}")
    assert not is_video(path)
    message = refusal(path)
    assert message.startswith(f"is {said}, which is not read; ")
    assert "JPEG" in message


# Read where their decoders are installed; test_phone_photos.py reads whole ones.
OPTIONAL = {
    "heic": (boxed_image(b"heic", b"mif1", b"heic"), "a HEIC image"),
    "heic.mif1": (boxed_image(b"mif1", b"heic"), "a HEIC image"),
    "heix": (boxed_image(b"heix", b"mif1"), "a HEIC image"),
    "other.brand": (boxed_image(b"MiPr", b"mif1", b"heic"), "a HEIC image"),
    "avif": (avif(), "an AVIF image"),
    "avif.mif1": (boxed_image(b"mif1", b"avif"), "an AVIF image"),
    "jxl": (b"\xff\x0a" + bytes(64), "a JPEG XL image"),
    "boxed.jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(64), "a JPEG XL image"),
}


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("extension", [None, "jpg"])
def test_an_image_whose_decoder_is_missing_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, extension: str | None
) -> None:
    data, said = OPTIONAL[name]
    path = written(tmp_path, data, f"photo.{extension or name}")
    assert not is_video(path)
    monkeypatch.setattr(choice, "find_spec", lambda module: None)
    monkeypatch.setattr(opencv, "reads_avif", lambda: False)
    monkeypatch.setattr(choice, "lacking", choice.lacking.__wrapped__)
    message = refusal(path)
    assert message.startswith(f"is {said}, which is not read")
    assert ("the extra photos" in message) == ("AVIF" not in said)
    assert "save it as JPEG" in message


def test_a_gif_is_no_photo(tmp_path: Path) -> None:
    path = written(tmp_path, encoded(FIRST, "GIF"), "photo.jpg")
    assert "is a GIF image" in refusal(path)


def test_a_video_is_no_photo(tmp_path: Path) -> None:
    from video_files import moving_portrait, write_video_file

    for name, said in (("a.mp4", "MP4"), ("b.mkv", "Matroska"), ("c.avi", "AVI")):
        codec = "mpeg4" if name == "c.avi" else "libx264"
        video = write_video_file(tmp_path / name, moving_portrait(2), codec=codec)
        assert f"is a{'n' if said != 'Matroska' else ''} {said}" in refusal(
            written(tmp_path, video.read_bytes(), "v.jpg")
        )


def test_jpegs_for_printing_are_refused(tmp_path: Path) -> None:
    cmyk = Image.fromarray(np.dstack([RGB, FOURTH]), "CMYK")
    assert "CMYK" in refusal(written(tmp_path, encoded(cmyk, "JPEG")))
    twelve = bytearray(encoded(FIRST, "JPEG"))
    twelve[twelve.index(b"\xff\xc0") + 4] = 12
    assert "12 bits per channel" in refusal(written(tmp_path, bytes(twelve)))


def test_the_depth_of_every_format(tmp_path: Path) -> None:
    for extension in ("jpg", "png", "webp", "bmp", "tiff"):
        path = tmp_path / f"photo.{extension}"
        assert cv2.imwrite(str(path), RGB)
        assert bits_per_sample(path) == 8
    for extension in ("png", "tiff"):
        path = tmp_path / f"deep.{extension}"
        assert cv2.imwrite(str(path), RGB.astype(np.uint16) * 257)
        assert bits_per_sample(path) == 16
