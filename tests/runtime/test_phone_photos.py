"""HEIC, AVIF and JPEG XL: tiles, orientation, colours, depth, alpha, several images, limits and damage."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path

import colour_profiles
import cv2
import heif_files as heif
import jxl_files as jxl
import numpy as np
import pytest
from image_files import boxed_image
from PIL import Image
from support import run

from mmnet.arrays import U8Array
from mmnet.runtime import PhotoError, read_photo
from mmnet.runtime.imaging import read_stored
from mmnet.runtime.imaging.decoders import lacking
from mmnet.runtime.jobs.sources import is_video

KINDS = ("HEIC", "AVIF")


def needs(name: str) -> pytest.MarkDecorator:
    """Skip where a format cannot be read, and so not be written for the tests."""
    return pytest.mark.skipif(bool(lacking(name)), reason=lacking(name) or "is read")


BOTH = [pytest.param(kind, marks=needs(kind)) for kind in KINDS]
NEEDS_JXL = needs("JPEG XL")
FORMATS = [*BOTH, pytest.param("JPEG XL", marks=NEEDS_JXL)]


def drawn(width: int = 120, height: int = 80) -> U8Array:
    """A smooth image with a mark near one corner, so that no turn leaves it as it was."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pixels = np.stack([40 + 180 * x / width, 40 + 180 * y / height, 220 - 120 * x / width], axis=-1)
    pixels[8:32, 8:48] = (230, 40, 30)
    return np.rint(pixels).astype(np.uint8)


PIXELS = drawn()


@cache
def _grid(kind: str) -> heif.Item:
    return heif.grid(PIXELS, kind)


def grid(kind: str) -> heif.Item:
    """The image in tiles."""
    return deepcopy(_grid(kind))


def read(tmp_path: Path, data: bytes, name: str = "photo.bin") -> U8Array:
    path = tmp_path / name
    path.write_bytes(data)
    assert not is_video(path)
    return read_photo(path)


def refusal(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(PhotoError) as caught:
        read(tmp_path, data)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(f"{tmp_path / 'photo.bin'}: ")


def assert_alike(found: U8Array, wanted: U8Array, mean: float = 1.5) -> None:
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).mean() < mean


# --- tiles and orientation --------------------------------------------------------------------------------------------

EXIF_6 = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
TURNED: dict[str, tuple[list[bytes], Callable[[U8Array], U8Array]]] = {
    "as stored": ([], lambda image: image),
    "a quarter": ([heif.rotation(1)], lambda image: np.rot90(image)),
    "a half": ([heif.rotation(2)], lambda image: np.rot90(image, 2)),
    "three quarters": ([heif.rotation(3)], lambda image: np.rot90(image, 3)),
    "top and bottom": ([heif.mirroring(0)], lambda image: image[::-1]),
    "left and right": ([heif.mirroring(1)], lambda image: image[:, ::-1]),
    "both": ([heif.rotation(1), heif.mirroring(1)], lambda image: np.rot90(image)[:, ::-1]),
}


@pytest.mark.parametrize("exif", [b"", EXIF_6], ids=["no EXIF", "EXIF"])
@pytest.mark.parametrize("how", TURNED)
@pytest.mark.parametrize("kind", BOTH)
def test_tiles_are_joined_and_turned_once(tmp_path: Path, kind: str, how: str, exif: bytes) -> None:
    properties, turn = TURNED[how]
    item = grid(kind)
    item.properties += properties
    assert_alike(read(tmp_path, heif.heif_file(item, exif=exif)), turn(PIXELS))


@needs("HEIC")
def test_a_file_of_tiles_is_matted_as_one_photo(tmp_path: Path) -> None:
    item = grid("HEIC")
    item.properties.append(heif.rotation(3))
    path = tmp_path / "photo.heic"
    path.write_bytes(heif.heif_file(item))
    result = run("mmnet", "matte", path)
    assert result.returncode == 0, result.stderr
    assert [entry.name for entry in sorted(tmp_path.iterdir())] == ["photo-alpha.png", "photo.heic"]
    assert cv2.imread(str(tmp_path / "photo-alpha.png"), cv2.IMREAD_UNCHANGED).shape == (120, 80)


@NEEDS_JXL
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_xl_is_upright(tmp_path: Path, orientation: int) -> None:
    from mmnet.runtime.imaging.stored import _UPRIGHT

    data = jxl.jxl_file(PIXELS, orientation=orientation)
    np.testing.assert_array_equal(read(tmp_path, data), _UPRIGHT[orientation](PIXELS))


@pytest.mark.parametrize("kind", BOTH)
def test_the_part_that_is_shown(tmp_path: Path, kind: str) -> None:
    item = heif.coded(PIXELS, kind)
    item.properties += [heif.aperture(60, 50, right=20, down=-5), heif.rotation(1)]
    assert_alike(read(tmp_path, heif.heif_file(item)), np.rot90(PIXELS[10:60, 50:110]), mean=2.5)


# --- colours and depth ------------------------------------------------------------------------------------------------


def in_srgb(profile: bytes) -> U8Array:
    """The image as a PNG with that profile is read, which other tests compare with another colour library."""
    from mmnet.runtime.imaging.colours import DeclaredColours
    from mmnet.runtime.imaging.stored import StoredImage

    return StoredImage(PIXELS, colours=DeclaredColours(icc=profile)).over_white()


@pytest.mark.parametrize("where", ["image", "tiles"])
@pytest.mark.parametrize("colours", ["ICC", "codes"])
@pytest.mark.parametrize("kind", BOTH)
def test_colours_of_phones(tmp_path: Path, kind: str, colours: str, where: str) -> None:
    declared = heif.icc(colour_profiles.DISPLAY_P3) if colours == "ICC" else heif.codes(12, 13, 6)
    item = grid(kind)
    for one in [item] if where == "image" else item.tiles:
        one.properties.append(declared)
    found = read(tmp_path, heif.heif_file(item))
    assert_alike(found, in_srgb(colour_profiles.DISPLAY_P3), mean=2)
    assert np.abs(found.astype(int) - PIXELS).mean() > 3


@pytest.mark.parametrize("kind", BOTH)
def test_codes_of_ordinary_video_are_srgb(tmp_path: Path, kind: str) -> None:
    item = heif.coded(PIXELS, kind)
    item.properties.append(heif.codes(1, 1, 6))
    assert_alike(read(tmp_path, heif.heif_file(item)), PIXELS)


@pytest.mark.parametrize("transfer", [16, 18])
@pytest.mark.parametrize("kind", BOTH)
def test_hdr_is_refused(tmp_path: Path, kind: str, transfer: int) -> None:
    item = heif.coded(PIXELS, kind)
    item.properties.append(heif.codes(9, transfer, 6))
    assert refusal(tmp_path, heif.heif_file(item)) == "is an HDR image; save it in sRGB"


@NEEDS_JXL
def test_colours_of_a_jpeg_xl(tmp_path: Path) -> None:
    import pylibjxl

    found = read(tmp_path, jxl.jxl_file(PIXELS, colours=jxl.DISPLAY_P3)).astype(int)
    assert np.abs(found - in_srgb(colour_profiles.DISPLAY_P3)).max() <= 1
    gamma = colour_profiles.rgb_profile(colour_profiles.SRGB_PRIMARIES, colour_profiles.parametric_curve(0, 1.8))
    assert_alike(read(tmp_path, jxl.jxl_file(PIXELS, colours=jxl.GAMMA_18)), in_srgb(gamma), mean=0.2)
    assert refusal(tmp_path, jxl.jxl_file(PIXELS, colours=jxl.PQ)) == "is an HDR image; save it in sRGB"
    with_profile = pylibjxl.encode(PIXELS.copy(), lossless=True, icc=colour_profiles.ADOBE_RGB)
    np.testing.assert_array_equal(read(tmp_path, with_profile), in_srgb(colour_profiles.ADOBE_RGB))
    lossy = pylibjxl.encode(PIXELS.copy(), distance=0.5, icc=colour_profiles.ADOBE_RGB)
    assert_alike(read(tmp_path, lossy), in_srgb(colour_profiles.ADOBE_RGB), mean=2)


@needs("HEIC")
def test_ten_bits_of_a_heic(tmp_path: Path) -> None:
    import pillow_heif

    deep = (PIXELS.astype(np.uint16) * 4 + 2).clip(0, 1023)
    buffer = io.BytesIO()
    image = pillow_heif.from_bytes("RGB;10", (120, 80), deep.tobytes())
    image.save(buffer, quality=-1, chroma=444, matrix_coefficients=0)
    path = tmp_path / "deep.heic"
    path.write_bytes(buffer.getvalue())
    stored = read_stored(path)
    assert stored.colour.dtype == np.uint16
    assert np.abs(stored.colour.astype(float) * 1023 / 65535 - deep).max() < 0.51
    np.testing.assert_array_equal(read_photo(path), np.rint(deep / 1023 * 255).astype(np.uint8))


@needs("AVIF")
@pytest.mark.parametrize("depth", [10, 12])
def test_more_bits_of_an_avif(tmp_path: Path, depth: int) -> None:
    deep = PIXELS.astype(np.uint16) << (depth - 8)
    done, data = cv2.imencode(
        ".avif", np.ascontiguousarray(deep[..., ::-1]), [cv2.IMWRITE_AVIF_DEPTH, depth, cv2.IMWRITE_AVIF_QUALITY, 100]
    )
    assert done
    wanted = np.rint(deep / ((1 << depth) - 1) * 255).astype(np.uint8)
    np.testing.assert_array_equal(read(tmp_path, data.tobytes()), wanted)


# --- alpha and other images -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("premultiplied", [False, True])
@pytest.mark.parametrize("kind", BOTH)
def test_transparent_images_are_composited_over_white(tmp_path: Path, kind: str, premultiplied: bool) -> None:
    alpha = np.full(PIXELS.shape[:2], 255, np.uint8)
    alpha[:, 60:] = 128
    wanted = np.rint(PIXELS * (alpha[..., None] / 255.0) + 255.0 - alpha[..., None]).astype(np.uint8)
    stored = np.rint(PIXELS * (alpha[..., None] / 255.0)).astype(np.uint8) if premultiplied else PIXELS
    item = heif.coded(stored, kind)
    item.auxiliary[heif.ALPHA] = heif.coded(alpha, kind)
    item.premultiplied = premultiplied
    assert_alike(read(tmp_path, heif.heif_file(item)), wanted, mean=2)


@NEEDS_JXL
@pytest.mark.parametrize("premultiplied", [False, True])
def test_a_transparent_jpeg_xl(tmp_path: Path, premultiplied: bool) -> None:
    alpha = np.full((*PIXELS.shape[:2], 1), 255, np.uint8)
    alpha[:, 60:] = 128
    wanted = np.rint(PIXELS * (alpha / 255.0) + 255.0 - alpha).astype(int)
    stored = np.rint(PIXELS * (alpha / 255.0)).astype(np.uint8) if premultiplied else PIXELS
    data = jxl.jxl_file(np.dstack([stored, alpha]), premultiplied=premultiplied)
    assert np.abs(read(tmp_path, data).astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("kind", BOTH)
def test_a_depth_map_is_no_part_of_the_photo(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    item = heif.coded(PIXELS, kind)
    item.auxiliary[heif.DEPTH] = heif.coded(PIXELS[::2, ::2, 0].copy(), kind)
    with caplog.at_level(logging.WARNING, "mmnet"):
        assert_alike(read(tmp_path, heif.heif_file(item)), PIXELS)
    assert caplog.messages == []


@pytest.mark.parametrize("kind", BOTH)
def test_of_several_images_the_primary_one_is_read(tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    other = heif.coded(255 - PIXELS[:64, :64], kind)
    with caplog.at_level(logging.WARNING, "mmnet"):
        assert_alike(read(tmp_path, heif.heif_file(other, grid(kind), primary=1)), PIXELS)
    assert caplog.messages == [f"{tmp_path / 'photo.bin'}: holds 2 images; the primary one is read"]


@pytest.mark.parametrize(("brand", "kind"), [(b"hevc", "HEIC"), (b"msf1", "HEIC"), (b"avis", "AVIF")])
def test_a_sequence_is_refused(tmp_path: Path, brand: bytes, kind: str) -> None:
    said = refusal(tmp_path, boxed_image(brand, b"mif1"))
    assert said.startswith(f"is a sequence of {kind} images; save the image that you mean as a photo")


def test_animations_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "AVIF", save_all=True, append_images=frames[1:])
    assert "is a sequence of AVIF images" in refusal(tmp_path, buffer.getvalue())


@NEEDS_JXL
def test_an_animated_jpeg_xl_is_refused(tmp_path: Path) -> None:
    assert "is an animated JPEG XL" in refusal(tmp_path, jxl.jxl_file(PIXELS, animated=True))


def test_a_heif_of_another_codec_is_refused(tmp_path: Path) -> None:
    item = heif.Item(b"j2k1", b"", 64, 64)
    assert refusal(tmp_path, heif.heif_file(item, brand=b"mif1")) == (
        "is a HEIF image coded as j2k1; save it as JPEG or PNG"
    )


# --- limits and damage ------------------------------------------------------------------------------------------------


def sample(kind: str) -> bytes:
    if kind == "JPEG XL":
        return jxl.jxl_file(PIXELS)
    return heif.heif_file(grid(kind), exif=EXIF_6)


@pytest.mark.parametrize("kind", FORMATS)
def test_too_many_pixels_are_refused_by_the_header(tmp_path: Path, kind: str) -> None:
    if kind == "JPEG XL":
        data = jxl.jxl_file(PIXELS, size=(30_000, 30_000))
    else:
        item = grid(kind)
        item.width = item.height = 30_000
        data = heif.heif_file(item)
    assert refusal(tmp_path, data) == "30000×30000 is too large; at most 268,435,456 pixels are read"


@pytest.mark.parametrize("kind", FORMATS)
def test_files_that_are_cut_short(tmp_path: Path, kind: str) -> None:
    data = sample(kind)
    for end in np.linspace(40, len(data) - 1, 12).astype(int):
        said = refusal(tmp_path, data[:end])
        assert said.startswith(("is truncated or damaged", "cannot be decoded", "is a HEIF image coded as"))


@pytest.mark.parametrize("kind", FORMATS)
def test_damage_gives_one_line_or_an_image(tmp_path: Path, kind: str) -> None:
    data, random = sample(kind), np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(data)
        for at in random.integers(4, min(len(data), 1200), 3):
            damaged[at] = random.integers(256)
        try:
            assert read(tmp_path, bytes(damaged)).ndim == 3
        except PhotoError as error:
            assert "\n" not in str(error)  # noqa: PT017


# --- without the libraries --------------------------------------------------------------------------------------------


HIDING = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name in {names!r} else found(name, *rest)
sys.argv = ["mmnet", "matte", sys.argv[1], "-o", sys.argv[2]]
from mmnet.cli.main import main
main()
"""


def test_a_folder_says_what_the_extra_would_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(PIXELS).save(folder / "a.png")
    for name in ("b.heic", "c.HEIC", "d.jxl", "e.dng"):
        (folder / name).write_bytes(b"\0")
    hiding = HIDING.format(names=("pillow_heif", "pylibjxl"))
    result = run("python", "-c", hiding, folder, tmp_path / "out")
    assert result.returncode == 0, result.stderr
    notes = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert notes == [f"note: {folder}: left out 2 .heic, 1 .dng, 1 .jxl; the extra photos reads .heic, .jxl"]


def test_an_image_whose_header_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Its decoder alone would lose the turn of the image."""
    data = sample("AVIF")
    at = data.index(b"ispe") + 8
    damaged = data[:at] + bytes(4) + data[at + 4 :]  # a width of 0
    assert "is truncated or damaged" in refusal(tmp_path, damaged)


# --- sizes that contradict one another --------------------------------------------------------------------------------

SIZED = drawn(192, 128)


def sized(kind: str, place: str, declared: tuple[int, int], coded: tuple[int, int]) -> bytes:
    """A file in which one image is declared in one size, and coded in another one.

    Args:
        place: "photo", "tile" (one of a grid), "alpha", "alpha of a tile", "depth" or "thumbnail".
        declared, coded: width and height.
    """
    image = heif.grid(SIZED, kind) if "tile" in place else heif.coded(SIZED, kind)
    other = heif.coded(SIZED[: coded[1], : coded[0]].copy(), kind)
    other.width, other.height = declared
    if place == "photo":
        return heif.heif_file(other)
    if place == "tile":
        other.hidden = True
        image.tiles = [*image.tiles[:-1], other]
    elif place == "alpha of a tile":
        image.tiles[0].auxiliary = {heif.ALPHA: other}
    else:
        image.auxiliary = {heif.ALPHA if place == "alpha" else heif.DEPTH: other}
    data = heif.heif_file(image)
    return data.replace(b"auxl", b"thmb") if place == "thumbnail" else data


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    ("place", "declared", "coded"),
    [
        ("photo", (256, 128), (192, 128)),
        ("photo", (96, 64), (192, 128)),
        ("tile", (64, 64), (128, 128)),
        ("tile", (128, 128), (64, 64)),
        ("alpha", (192, 128), (128, 128)),
        ("alpha of a tile", (64, 64), (128, 128)),
    ],
)
def test_an_image_of_another_size_than_is_declared_is_refused(
    tmp_path: Path, kind: str, place: str, declared: tuple[int, int], coded: tuple[int, int]
) -> None:
    """The decoders would stretch it, or put it into a corner."""
    message = refusal(tmp_path, sized(kind, place, declared, coded))
    sizes = "declared as {}×{} pixels, and coded as {}×{}".format(*declared, *coded)
    assert message == f"contradicts itself: an image in it is {sizes}; save it as JPEG or PNG"


@pytest.mark.parametrize("kind", BOTH)
def test_an_alpha_of_another_size_than_the_photo_is_refused(tmp_path: Path, kind: str) -> None:
    message = refusal(tmp_path, sized(kind, "alpha", (128, 64), (128, 64)))
    assert "its alpha is 128×64 pixels, and its colours are 192×128" in message


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("place", ["depth", "thumbnail"])
def test_the_size_of_what_is_not_read_has_no_effect(tmp_path: Path, kind: str, place: str) -> None:
    image = read(tmp_path, sized(kind, place, (64, 64), (128, 128)))
    assert image.shape == SIZED.shape


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (33, 17), (65, 63), (101, 71)])
def test_photos_of_every_size_are_read(tmp_path: Path, kind: str, width: int, height: int) -> None:
    """An encoder codes whole blocks, and declares what is cropped."""
    assert read(tmp_path, heif.encoded(drawn(width, height), kind)).shape == (height, width, 3)
