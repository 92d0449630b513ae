"""`read_photo` on real files of every kind, whole and broken."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mmnet.runtime import PhotoError, list_photos, read_photo
from mmnet.runtime.imaging import stored

ORIENTATION = 0x0112
BEST_QUALITY: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def written(tmp_path: Path, data: bytes, name: str = "photo") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_come_back_to_the_byte(kind: str, tmp_path: Path, noise: Any) -> None:
    image = noise(13, 17, 3)
    options = BEST_QUALITY.get(kind, {})
    read = read_photo(written(tmp_path, encoded(Image.fromarray(image), kind, **options)))
    np.testing.assert_array_equal(read, image)
    assert read.flags.c_contiguous


def test_jpeg_has_its_channels_in_order(tmp_path: Path) -> None:
    image = Image.new("RGB", (16, 16), (200, 100, 20))
    read = read_photo(written(tmp_path, encoded(image, "JPEG", quality=100)))
    assert np.abs(read.astype(int) - (200, 100, 20)).max() <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind: str, orientation: int, tmp_path: Path) -> None:
    blocks = np.kron(np.array([[0, 60, 120], [250, 180, 90]], np.uint8), np.ones((16, 16), np.uint8))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = BEST_QUALITY.get(kind, {})
    data = encoded(Image.fromarray(np.dstack([blocks] * 3)), kind, exif=exif, **options)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    read = read_photo(written(tmp_path, data))
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_impossible_orientation_is_ignored(orientation: int, tmp_path: Path, noise: Any) -> None:
    image = noise(5, 9, 3)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    np.testing.assert_array_equal(
        read_photo(written(tmp_path, encoded(Image.fromarray(image), "PNG", exif=exif))), image
    )


def test_a_broken_exif_block_is_ignored(tmp_path: Path, noise: Any) -> None:
    image = noise(5, 9, 3)
    data = encoded(Image.fromarray(image), "PNG", exif=b"MM\0*\0\0\xff\0\1")
    np.testing.assert_array_equal(read_photo(written(tmp_path, data)), image)


def over_white(rgba: np.ndarray[Any, Any], white: int) -> np.ndarray[Any, Any]:
    alpha = rgba[..., 3:].astype(np.float64) / white
    return rgba[..., :3] * alpha + white * (1 - alpha)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True}), ("TIFF", {})])
def test_alpha_is_composited_over_white(kind: str, options: dict[str, Any], tmp_path: Path, noise: Any) -> None:
    rgba = noise(19, 23, 4)
    read = read_photo(written(tmp_path, encoded(Image.fromarray(rgba), kind, **options)))
    tolerance = 1.5 if kind == "TIFF" else 0.5  # libtiff rounds once, too
    assert np.abs(read - over_white(rgba, 255)).max() <= tolerance


def test_16_bit_alpha_is_composited_over_white_before_it_becomes_8(tmp_path: Path) -> None:
    rgba = np.random.default_rng(3).integers(0, 65536, (19, 23, 4), np.uint16)
    rgba[0, :2] = [[65535] * 4, [0] * 4]
    data = cv2.imencode(".png", rgba[..., [2, 1, 0, 3]])[1].tobytes()
    read = read_photo(written(tmp_path, data))
    assert np.abs(read - over_white(rgba, 65535) / 257).max() <= 0.5 + 0.5 / 257 + 1e-9


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_are_rounded_to_8(channels: int, tmp_path: Path) -> None:
    values = np.arange(0, 65536, 17, dtype=np.uint16)[:3850].reshape(50, 77)
    stored = values if channels == 1 else np.dstack([values] * 3)
    read = read_photo(written(tmp_path, cv2.imencode(".png", stored)[1].tobytes()))
    np.testing.assert_array_equal(read, np.dstack([np.rint(values / 257).astype(np.uint8)] * 3))


def test_grey_palette_and_bilevel(tmp_path: Path, noise: Any) -> None:
    rgb = Image.fromarray(noise(12, 14, 3))
    for image in (rgb.convert("L"), rgb.quantize(16), rgb.convert("1"), rgb.convert("LA")):
        expected = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(read_photo(written(tmp_path, encoded(image, "PNG"))), expected)


def test_a_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 200, 10, 30])
    image.putpixel((0, 0), 0)
    read = read_photo(written(tmp_path, encoded(image, "PNG", transparency=0)))
    assert read[0, 0].tolist() == [255, 255, 255]
    assert read[1, 1].tolist() == [200, 10, 30]


WHOLE: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "progressive JPEG": {"quality": 90, "progressive": True},
    "PNG": {},
    "WEBP": {"lossless": True},
    "TIFF": {},
    "BMP": {},
}


@pytest.mark.parametrize("kind", WHOLE)
def test_truncation_is_noticed(kind: str, tmp_path: Path, noise: Any) -> None:
    image = Image.fromarray(np.kron(noise(12, 16, 3), np.ones((8, 8, 1), np.uint8)))
    data = encoded(image, kind.split()[-1], **WHOLE[kind])
    end = data.rindex(b"IDAT") + 30 if kind == "PNG" else len(data) - 2  # a PNG is whole without its last chunk
    for length in {*np.linspace(1, end, 30, dtype=int).tolist(), end}:
        with pytest.raises(PhotoError):
            read_photo(written(tmp_path, data[:length]))


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def jpeg(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def tiff(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "TIFF"))
    for tag, value in ((256, width), (257, height)):
        at = next(i for i in range(8, len(data), 2) if struct.unpack_from("<HH", data, i) in ((tag, 3), (tag, 4)))
        struct.pack_into("<HHII", data, at, tag, 4, 1, value)
    return bytes(data)


def bmp(width: int, height: int) -> bytes:
    data = bytearray(encoded(Image.new("RGB", (16, 16)), "BMP"))
    struct.pack_into("<ii", data, 18, width, height)
    return bytes(data)


def big_tiff(width: int, height: int) -> bytes:
    fields = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 200), (278, height), (279, 1000)]
    entries = b"".join(struct.pack("<HHQQ", tag, 16, 1, value) for tag, value in fields)
    return b"II+\0" + struct.pack("<HHQQ", 8, 0, 16, len(fields)) + entries + bytes(2000)


BOMBS = {
    "png": png(100_000, 100_000),
    "large png": png(20_000, 20_000),
    "jpeg": jpeg(65_000, 65_000),
    "tiff": tiff(100_000, 100_000),
    "large tiff": tiff(20_000, 20_000),
    "large BigTIFF": big_tiff(20_000, 20_000),
    "large bmp": bmp(20_000, 20_000),
    "top-down bmp": bmp(20_000, -20_000),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_without_the_memory_it_asks_for(data: bytes, tmp_path: Path) -> None:
    path = written(tmp_path, data)
    script = (
        "import resource, sys\n"
        "from mmnet.runtime import PhotoError, read_photo\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: read_photo(sys.argv[1])\n"
        "except PhotoError as error: print(error)\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, 'kilobytes'\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert re.search("photo: .*too large", done.stdout)


def test_a_bomb_is_refused_where_opencv_was_there_first(tmp_path: Path) -> None:
    script = "import cv2, sys\nfrom mmnet.runtime import read_photo\nread_photo(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(written(tmp_path, BOMBS["large png"]))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PhotoError" in done.stderr
    assert "20000×20000" in done.stderr


def test_reading_photos_changes_no_environment_variable() -> None:
    script = "import os, cv2; before = dict(os.environ); import mmnet.runtime; assert dict(os.environ) == before"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_more_bytes_than_the_limit_are_refused_by_the_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deep.png"
    assert cv2.imwrite(str(path), np.zeros((12, 20, 4), np.uint16))
    assert read_photo(path).shape == (12, 20, 3)
    monkeypatch.setattr(stored, "MAX_BYTES", 12 * 20 * 8 - 1)
    with pytest.raises(PhotoError, match="20×12 pixels of 4 channels with 16 bits are too large"):
        read_photo(path)


def test_a_large_image_takes_little_more_than_its_pixels(tmp_path: Path) -> None:
    """16-bit RGBA of a few kilobytes: 8 bytes per pixel decoded, 3 of the result, and no wide copies of all of it."""
    side = 4096
    path = tmp_path / "deep.png"
    assert cv2.imwrite(str(path), np.zeros((side, side, 4), np.uint16))
    script = (
        "import resource, sys\n"
        "from mmnet.runtime import read_photo\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_photo(sys.argv[1])\n"
        "print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 18 * side * side


def test_what_is_no_photo(tmp_path: Path, noise: Any) -> None:
    cases = {
        "empty": written(tmp_path, b"", "zero.jpg"),
        "not a photo": written(tmp_path, b"hello, world\n" * 100, "text.jpg"),
        "is a folder": tmp_path,
        "no such file": tmp_path / "missing.jpg",
        "is not a file": Path(os.devnull),
        "float32 samples": written(
            tmp_path, encoded(Image.fromarray(np.zeros((4, 4), np.float32)), "TIFF"), "float.tiff"
        ),
    }
    for says, path in cases.items():
        with pytest.raises(PhotoError, match=says) as caught:
            read_photo(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_an_unreadable_file(tmp_path: Path, noise: Any) -> None:
    path = written(tmp_path, encoded(Image.fromarray(noise(4, 4, 3)), "PNG"))
    path.chmod(0)
    script = (
        "import os, sys\n"
        "from mmnet.runtime import PhotoError, read_photo\n"
        "if os.geteuid() == 0: os.setuid(65534)\n"  # root may read everything, nobody may not
        "try: read_photo(sys.argv[1])\n"
        "except PhotoError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{path}: cannot be read: Permission denied"


def test_opencv_writes_nothing_about_bad_files(tmp_path: Path, noise: Any, capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded(Image.fromarray(noise(40, 40, 3)), "TIFF")[:-900]
    with pytest.raises(PhotoError):
        read_photo(written(tmp_path, data))
    assert capfd.readouterr() == ("", "")


def test_list_photos(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", ".hidden.jpg", "d.webp"):
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in list_photos(tmp_path)] == ["a.png", "b.JPG", "d.webp"]
    with pytest.raises(PhotoError, match="no photo"):
        list_photos(tmp_path / "folder.jpg")
    with pytest.raises(PhotoError, match="missing: no such folder; name a folder of photos"):
        list_photos(tmp_path / "missing")
    with pytest.raises(PhotoError, match=r"a\.png: is a file; name a folder of photos"):
        list_photos(tmp_path / "a.png")


def test_the_folder_of_a_data_set_names_its_photos(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    with pytest.raises(PhotoError, match=f"name {tmp_path / 'image'}, the photos of this data set"):
        list_photos(tmp_path)
