"""Photos with colour profiles are brought to sRGB, as LittleCMS brings them; results show the photo's colours."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import colour_profiles as icc
import cv2
import numpy as np
import pytest
import skimage.data
from image_files import png_chunk, png_file
from PIL import Image, ImageCms
from portraits import drawn_portrait, write_image
from support import error_line, run
from video_files import write_video_file

from mmnet.runtime import ImageError, PhotoError, PortraitMatter, read_photo
from mmnet.runtime.imaging.colours import tables
from mmnet.runtime.imaging.inputs import as_bytes
from mmnet.runtime.imaging.mattes import read_matte

PATCHES = np.array(
    [
        (230, 40, 30),
        (30, 200, 60),
        (240, 200, 40),
        (90, 60, 200),
        (255, 255, 255),
        (0, 0, 0),
        (128, 128, 128),
        (9, 4, 2),
    ],
    np.uint8,
).reshape(2, 4, 3)
RGB = np.concatenate([np.kron(PATCHES, np.ones((8, 12, 1), np.uint8)), skimage.data.astronaut()[80:128, 200:248]])
KINDS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def written(tmp_path: Path, data: bytes, name: str = "photo") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def shown(data: bytes, profile: bytes) -> np.ndarray[Any, Any]:
    """The colours that a program with colour management shows: LittleCMS's, in sRGB, as integers."""
    image = Image.open(io.BytesIO(data))
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    turned = ImageCms.profileToProfile(
        image, source, ImageCms.createProfile("sRGB"), outputMode="RGB", renderingIntent=1
    )
    return np.asarray(turned).astype(int)


PROFILES = {
    "Display P3": icc.DISPLAY_P3,
    "P3 of tables": icc.rgb_profile(icc.P3_PRIMARIES, icc.table_curve()),
    "Adobe RGB": icc.ADOBE_RGB,
    "ProPhoto": icc.PROPHOTO,
    "linear": icc.rgb_profile(icc.SRGB_PRIMARIES, icc.LINEAR_CURVE),
    "gamma 1.8": icc.rgb_profile(icc.SRGB_PRIMARIES, icc.parametric_curve(0, 1.8), version=4),
    "BT.709 curve": icc.rgb_profile(
        icc.SRGB_PRIMARIES, icc.parametric_curve(4, 1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081, 0, 0), version=4
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROFILES)
def test_photos_come_in_srgb(tmp_path: Path, name: str, kind: str) -> None:
    profile = PROFILES[name]
    data = encoded(Image.fromarray(RGB), kind, icc_profile=profile, **KINDS[kind])
    difference = np.abs(read_photo(written(tmp_path, data)).astype(int) - shown(data, profile))
    assert difference.max() <= (3 if name == "linear" else 2)
    assert difference.mean() < 0.2


@pytest.mark.parametrize(
    ("profile", "primaries", "gamma"),
    [(icc.DISPLAY_P3, icc.P3_PRIMARIES, None), (icc.ADOBE_RGB, icc.ADOBE_PRIMARIES, 563 / 256)],
    ids=["Display P3", "Adobe RGB"],
)
def test_shown_colours_are_those_of_the_photo_within_one_level(
    tmp_path: Path, profile: bytes, primaries: Any, gamma: float | None
) -> None:
    """By the formulas; LittleCMS rounds its own results to 8 bits, and differs from them by up to two levels."""
    data = encoded(Image.fromarray(RGB), "PNG", icc_profile=profile)
    exact = icc.srgb_of(RGB, primaries, gamma)
    assert np.abs(read_photo(written(tmp_path, data)) - exact).max() < 1
    assert np.abs(shown(data, profile) - exact).max() < 2.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", [icc.SRGB, icc.rgb_profile(icc.SRGB_PRIMARIES, icc.SRGB_PARAMETRIC, version=4)])
def test_srgb_under_a_profile_stays_as_it_is(tmp_path: Path, kind: str, profile: bytes) -> None:
    plain, tagged = (
        encoded(Image.fromarray(RGB), kind, **KINDS[kind], **more) for more in ({}, {"icc_profile": profile})
    )
    assert plain != tagged
    np.testing.assert_array_equal(read_photo(written(tmp_path, plain, "a")), read_photo(written(tmp_path, tagged, "b")))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_grey_photos(tmp_path: Path, kind: str) -> None:
    image = Image.fromarray(RGB).convert("L")
    for profile, curve in (
        (icc.grey_profile(icc.gamma_curve(461 / 256)), 461 / 256),
        (icc.grey_profile(icc.LINEAR_CURVE), 1.0),
    ):
        data = encoded(image, kind, icc_profile=profile, **KINDS[kind])
        linear = (np.asarray(Image.open(io.BytesIO(data))) / 255) ** curve
        expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
        read = read_photo(written(tmp_path, data))
        assert np.abs(read - expected[..., None]).max() <= 0.51
    # A grey photo under the RGB profile of its phone stays grey.
    data = encoded(image, kind, icc_profile=icc.DISPLAY_P3, **KINDS[kind])
    read = read_photo(written(tmp_path, data))
    assert np.abs(read.astype(int) - np.asarray(Image.open(io.BytesIO(data)))[..., None]).max() <= 1


def test_a_grey_profile_that_leads_to_lightness(tmp_path: Path) -> None:
    profile = icc.grey_profile(icc.gamma_curve(1.5), b"Lab ")
    data = encoded(Image.fromarray(RGB).convert("L"), "PNG", icc_profile=profile)
    assert np.abs(read_photo(written(tmp_path, data)).astype(int) - shown(data, profile)).max() <= 2


def test_16_bits_and_alpha(tmp_path: Path) -> None:
    deep, alpha = RGB.astype(np.uint16) * 257, np.linspace(0, 65535, RGB[..., 0].size).astype(np.uint16)
    pixels = np.dstack([deep, alpha.reshape(RGB.shape[:2])])
    chunk = png_chunk(b"iCCP", b"p\0\0" + zlib.compress(icc.ADOBE_RGB))
    read = read_photo(written(tmp_path, png_file(pixels, 16, 6, chunk)))
    opaque = shown(encoded(Image.fromarray(RGB), "PNG"), icc.ADOBE_RGB)
    part = pixels[..., 3:] / 65535
    assert np.abs(read - (opaque * part + 255 * (1 - part))).max() <= 2


# --- what else a file says ---


def png_chunks(*chunks: tuple[bytes, bytes]) -> bytes:
    return png_file(RGB, 8, 2, *(png_chunk(name, body) for name, body in chunks))


def points(*primaries: tuple[float, float]) -> bytes:
    return struct.pack(">8I", *(round(100_000 * value) for point in primaries for value in point))


P3_POINTS = points(icc.D65, *icc.P3_PRIMARIES)
SRGB_POINTS = points(icc.D65, *icc.SRGB_PRIMARIES)
GAMMA_1, GAMMA_22, GAMMA_18 = (struct.pack(">I", value) for value in (100_000, 45_455, 55_556))
DECLARED: dict[str, tuple[bytes, bytes | None]] = {
    "nothing": (png_chunks(), None),
    "sRGB": (png_chunks((b"sRGB", b"\0"), (b"gAMA", GAMMA_1)), None),
    "the gamma of sRGB": (png_chunks((b"gAMA", GAMMA_22)), None),
    "the primaries of sRGB": (png_chunks((b"gAMA", GAMMA_22), (b"cHRM", SRGB_POINTS)), None),
    "no gamma": (png_chunks((b"gAMA", bytes(4))), None),
    "linear": (png_chunks((b"gAMA", GAMMA_1)), icc.rgb_profile(icc.SRGB_PRIMARIES, icc.LINEAR_CURVE)),
    "gamma 1.8": (png_chunks((b"gAMA", GAMMA_18)), icc.rgb_profile(icc.SRGB_PRIMARIES, icc.parametric_curve(0, 1.8))),
    "P3 primaries": (png_chunks((b"gAMA", GAMMA_22), (b"cHRM", P3_POINTS)), icc.DISPLAY_P3),
    "codes of P3": (png_chunks((b"cICP", bytes([12, 13, 0, 1])), (b"sRGB", b"\0")), icc.DISPLAY_P3),
    "codes of sRGB": (png_chunks((b"cICP", bytes([1, 13, 0, 1])), (b"gAMA", GAMMA_1)), None),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_a_png_declares(tmp_path: Path, name: str) -> None:
    data, profile = DECLARED[name]
    read = read_photo(written(tmp_path, data)).astype(int)
    if profile is None:
        np.testing.assert_array_equal(read, RGB)
    else:
        assert np.abs(read - shown(encoded(Image.fromarray(RGB), "PNG"), profile)).max() <= 3


@pytest.mark.parametrize("way", ["colour space", "interoperability"])
def test_cameras_say_adobe_rgb_in_exif(tmp_path: Path, way: str) -> None:
    exif = Image.Exif()
    inner = exif.get_ifd(0x8769)
    inner[0xA001] = 2 if way == "colour space" else 65535
    if way == "interoperability":
        inner[0xA005] = {1: "R03"}
    data = encoded(Image.fromarray(RGB), "JPEG", exif=exif, **KINDS["JPEG"])
    assert np.abs(read_photo(written(tmp_path, data)).astype(int) - shown(data, icc.ADOBE_RGB)).max() <= 2
    inner[0xA001] = 1
    if way == "interoperability":
        inner[0xA005] = {1: "R98"}
    plain = encoded(Image.fromarray(RGB), "JPEG", exif=exif, **KINDS["JPEG"])
    np.testing.assert_array_equal(read_photo(written(tmp_path, plain)), np.asarray(Image.open(io.BytesIO(plain))))


BAD_TABLES = icc.profile(b"RGB ", [(b"A2B0", b"mft2" + bytes(64))])
REFUSED = {
    "bad tables": (encoded(Image.fromarray(RGB), "PNG", icc_profile=BAD_TABLES), "a damaged colour profile"),
    "no space": (encoded(Image.fromarray(RGB), "PNG", icc_profile=icc.profile(b"RGB ", [])), "of a kind that is not"),
    "printing": (
        encoded(Image.fromarray(RGB), "JPEG", icc_profile=icc.profile(b"CMYK", [])), "a colour profile for CMYK images",
    ),
    "damaged": (encoded(Image.fromarray(RGB), "PNG", icc_profile=b"nonsense"), "a damaged colour profile"),
    "cut": (encoded(Image.fromarray(RGB), "JPEG", icc_profile=icc.ADOBE_RGB[:400]), "a damaged colour profile"),
    "grey": (
        encoded(Image.fromarray(RGB), "JPEG", icc_profile=icc.grey_profile(icc.gamma_curve(1.8))), "is in colour",
    ),
    "no numbers": (
        encoded(Image.fromarray(RGB), "PNG", icc_profile=icc.rgb_profile(
            icc.SRGB_PRIMARIES, icc.parametric_curve(1, -2.0, 0.0, 0.0))), "a damaged colour profile",
    ),
    "packed badly": (png_chunks((b"iCCP", b"p\0\0no zlib")), "a damaged colour profile"),
    "HDR": (png_chunks((b"cICP", bytes([9, 16, 0, 1]))), "is an HDR image"),
    "unknown codes": (png_chunks((b"cICP", bytes([5, 13, 0, 1]))), "has colours of the codes"),
    "primaries": (png_chunks((b"cHRM", bytes(32))), "impossible primaries"),
}  # fmt: skip


TABLES = icc.tables_profile(icc.ADOBE_PRIMARIES, 2.2)


def test_profiles_of_tables_are_applied_as_littlecms_applies_them(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(RGB), "PNG", icc_profile=TABLES)
    found = read_photo(written(tmp_path, data)).astype(int)
    assert np.abs(found - shown(data, TABLES)).max() <= 1
    assert np.abs(found - shown(data, icc.ADOBE_RGB)).mean() < 3
    assert np.abs(found - RGB).mean() > 5
    deep = png_file(RGB.astype(np.uint16) * 257, 16, 2, png_chunk(b"iCCP", b"p\0\0" + zlib.compress(TABLES)))
    np.testing.assert_array_equal(read_photo(written(tmp_path, deep)), found)
    grey = encoded(Image.fromarray(RGB[..., 0]), "PNG", icc_profile=TABLES)
    assert read_photo(written(tmp_path, grey)).shape == RGB.shape


def test_profiles_of_tables_need_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, encoded(Image.fromarray(RGB), "PNG", icc_profile=icc.tables_profile(icc.P3_PRIMARIES, 2)))
    monkeypatch.setattr(tables, "find_spec", lambda name: None)
    with pytest.raises(PhotoError, match=r"a colour profile of tables, .* Pillow; the extra photos .* sRGB"):
        read_photo(path)


@pytest.mark.parametrize(("data", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_colours_that_are_not_understood(tmp_path: Path, data: bytes, said: str) -> None:
    path = written(tmp_path, data)
    with pytest.raises(PhotoError, match=said) as caught:
        read_photo(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "sRGB" in str(caught.value)
    assert "\n" not in str(caught.value)


# --- where colours are used, and where they are not ---


@pytest.mark.parametrize("profile", [icc.grey_profile(icc.gamma_curve(1.8)), icc.profile(b"GRAY", []), b"nonsense"])
def test_the_values_of_a_matte_are_no_colours(tmp_path: Path, profile: bytes) -> None:
    matte = drawn_portrait(1)[1]
    data = encoded(Image.fromarray(matte), "PNG", icc_profile=profile)
    np.testing.assert_array_equal(read_matte(written(tmp_path, data)), matte)


def test_images_of_pillow_are_brought_to_srgb(tmp_path: Path) -> None:
    image = Image.fromarray(RGB)
    image.info["icc_profile"] = icc.ADOBE_RGB
    expected = shown(encoded(image, "PNG"), icc.ADOBE_RGB)
    assert np.abs(as_bytes(image).astype(int) - expected).max() <= 2
    image.info["icc_profile"] = BAD_TABLES
    with pytest.raises(ImageError, match="a damaged colour profile"):
        as_bytes(image)


@pytest.mark.parametrize("profile", [icc.DISPLAY_P3, icc.ADOBE_RGB], ids=["Display P3", "Adobe RGB"])
def test_results_show_the_colours_of_the_photo(tmp_path: Path, profile: bytes, portrait: Any) -> None:
    """The cut-out, and the composite over a photo with a profile of its own, as a program with colour management shows
    them."""
    image = Image.fromarray(np.ascontiguousarray(portrait[:256, 128:384]))
    data = encoded(image, "JPEG", quality=95, subsampling=0, icc_profile=profile)
    path = written(tmp_path, data, "photo.jpg")
    beach = written(
        tmp_path, encoded(Image.new("RGB", (256, 256), (30, 200, 60)), "PNG", icc_profile=profile), "beach.png"
    )
    for background, name in (("transparent", "cut.png"), (beach, "over.png")):
        done = run("mmnet", "matte", path, "-b", background, "--no-foreground", "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
    with PortraitMatter() as matter:
        alpha = matter.photo(read_photo(path)).alpha_u8.values
    inside, outside = alpha == 255, alpha == 0
    with Image.open(tmp_path / "cut.png") as cut, Image.open(tmp_path / "over.png") as over:
        assert "icc_profile" not in cut.info | over.info  # no profile means sRGB
        colours, composite = (np.asarray(result)[..., :3].astype(int) for result in (cut, over))
    expected = shown(data, profile)
    for found in (colours, composite):
        assert np.abs(found - expected)[inside].mean() < 0.2
        assert np.abs(found - expected)[inside].max() <= 2
    wanted = shown(beach.read_bytes(), profile)[0, 0]
    assert np.abs(composite[outside] - wanted).max() <= 2


@pytest.mark.parametrize(("matrix", "codes"), [(1, None), (6, None), (9, (9, 13, 0, 1))])
def test_numbered_images_of_a_wide_video_say_so(tmp_path: Path, matrix: int, codes: tuple[int, ...] | None) -> None:
    """Frames of BT.2020 keep their numbers, so the PNG says what they stand for, and is read accordingly."""
    source = write_video_file(
        tmp_path / "a.mkv", [RGB] * 2, (0, 100), codec="ffv1", pixel_format="yuv444p", colour=(matrix, 1)
    )
    done = run("mmnet", "matte", source, "-b", "transparent", "-o", tmp_path / "frames" / "%02d.png")
    assert done.returncode == 0, done.stderr
    frame = tmp_path / "frames" / "01.png"
    data = frame.read_bytes()
    marked = data.find(b"cICP")
    assert (None if marked < 0 else tuple(data[marked + 4 : marked + 8])) == codes
    with Image.open(frame) as image:
        image.load()
        assert image.mode == "RGBA"
    read_photo(frame)
    told = run("mmnet", "matte", source, "-b", "white", "-o", tmp_path / "jpegs" / "%02d.jpg")
    assert told.returncode == (0 if codes is None else 1)
    assert codes is None or "holds sRGB only" in error_line(told)


def test_bmp_with_an_embedded_profile(tmp_path: Path) -> None:
    path = write_image(tmp_path / "photo.bmp", RGB)
    pixels = path.read_bytes()[54:]
    about = struct.pack("<IiiHHIIiiII", 124, RGB.shape[1], RGB.shape[0], 1, 24, 0, len(pixels), 0, 0, 0, 0)
    about += bytes(16) + b"DEBM" + bytes(52) + struct.pack("<III", 124 + len(pixels), len(icc.ADOBE_RGB), 0)
    data = b"BM" + struct.pack("<IHHI", 0, 0, 0, 138) + about + pixels + icc.ADOBE_RGB
    expected = shown(encoded(Image.fromarray(RGB), "PNG"), icc.ADOBE_RGB)
    assert len(about) == 124
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) is not None
    assert np.abs(read_photo(written(tmp_path, data)).astype(int) - expected).max() <= 2
