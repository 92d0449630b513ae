"""Nobody: the measure of presence against the specification as a slow program, and what is done with such photos."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import error_line, run

from mmnet.arrays import U8Array
from mmnet.runtime import IfNobody, Matte, NobodyError, PortraitMatter, Presence, read_photo
from mmnet.runtime.imaging.fit import Fit, Placement, Rectangle, place
from mmnet.runtime.imaging.nobody import choose_if_nobody
from mmnet.runtime.imaging.presence import SOMEBODY, confidence_of, measure_presence

GREY = np.full((90, 120, 3), 128, np.uint8)


def slow_confidence(alpha: U8Array) -> int:
    """Section 9 of preprocessing.md, window by window."""
    size = len(alpha)
    side = max(1, size // 16)
    highest = max(
        int(alpha[y : y + side, x : x + side].astype(int).sum())
        for y in range(size - side + 1)
        for x in range(size - side + 1)
    )
    return highest // (side * side)


@pytest.mark.parametrize("size", [1, 2, 15, 16, 31, 32, 40, 64])
def test_confidence_is_that_of_the_specification(size: int) -> None:
    random = np.random.default_rng(size)
    for high in (2, 200, 256):
        alpha = random.integers(0, high, (size, size), np.uint8)
        assert confidence_of(alpha) == slow_confidence(alpha)
    assert confidence_of(np.full((size, size), 255, np.uint8)) == 255
    assert confidence_of(np.zeros((size, size), np.uint8)) == 0


def test_coverage_is_of_the_whole_image() -> None:
    alpha = np.zeros((32, 32), np.uint8)
    alpha[:16] = 128
    whole = measure_presence([(alpha, place(Fit.STRETCH, 60, 80, 32))], 60, 80)
    assert whole == Presence(0.5, 128 / 255)
    crop = alpha, Placement.of_crop(Rectangle(10, 10, 30, 40), 32)
    assert measure_presence([crop], 60, 80).coverage == 0.5 / 4
    wide = measure_presence([(alpha, place(Fit.LETTERBOX, 40, 80, 32))], 40, 80)  # rows 8-23 of the square
    assert wide.coverage == 0.5
    as_float = measure_presence([(alpha / np.float32(255), place(Fit.STRETCH, 60, 80, 32))], 60, 80)
    assert as_float == whole
    other = np.full_like(alpha, 200), Placement.of_crop(Rectangle(0, 0, 6, 80), 32)
    for crops in ([crop, other], [other, crop]):  # coverage is the sum, confidence that of the best crop
        assert measure_presence(crops, 60, 80) == Presence(0.5 / 4 + 0.1, 200 / 255)


def test_nobody_is_below_the_limit() -> None:
    assert Presence(0.0, (SOMEBODY - 1) / 255).nobody
    assert not Presence(0.0, SOMEBODY / 255).nobody


def matte_of(confidence: float) -> Matte:
    whole = Rectangle(0, 0, *GREY.shape[:2])
    return Matte(GREY, np.full(GREY.shape[:2], 0.5, np.float32), 7, Presence(0.25, confidence), (whole,))


def test_resolving_a_matte() -> None:
    nobody, somebody = matte_of(0.1), matte_of(1.0)
    assert (nobody.coverage, nobody.confidence, nobody.nobody) == (0.25, 0.1, True)
    assert somebody.resolve(IfNobody.FAIL) is somebody.resolve(IfNobody.TRANSPARENT) is somebody
    assert nobody.resolve(IfNobody.KEEP) is nobody
    empty = nobody.resolve(IfNobody.TRANSPARENT)
    assert not empty.alpha.any()
    assert (empty.timestamp_ms, empty.nobody) == (7, True)
    with pytest.raises(NobodyError, match=r"nobody was found: the confidence is 0\.10"):
        nobody.resolve(IfNobody.FAIL)
    with pytest.raises(NobodyError, match="unknown choice 'no' for nobody; choose one of keep, transparent, fail"):
        choose_if_nobody("no")


def test_photos_of_nobody_from_python() -> None:
    with PortraitMatter(if_nobody="transparent") as matter:
        matte = matter.photo(GREY)
        assert matte.nobody
        assert not matte.alpha_u8.values.any()
        assert not matter.cutout(GREY)[..., 3].any()
        assert (matter.composite(GREY, (1, 2, 3)) == (1, 2, 3)).all()
        frame = matter.video(GREY, 0)  # a frame is kept as it is
    with PortraitMatter(if_nobody="fail") as matter:
        with pytest.raises(NobodyError):
            matter(GREY)
        np.testing.assert_array_equal(matter.video(GREY, 0), frame)


def test_command(tmp_path: Path) -> None:
    photo = tmp_path / "wall.png"
    assert cv2.imwrite(str(photo), GREY)
    done = run("mmnet", "matte", photo, "--json")
    (result,) = json.loads(done.stdout)["results"]
    assert done.returncode == 0
    assert result["nobody"] is True
    assert 0 <= result["coverage"] <= 1
    assert 0 <= result["confidence"] < SOMEBODY / 255
    (line,) = done.stderr.splitlines()
    assert line == f"warning: {photo}: nobody found (confidence {result['confidence']:.2f})"

    done = run("mmnet", "matte", photo, "-b", "#0000ff", "-o", tmp_path / "blue.png", "--if-nobody", "transparent")
    assert done.returncode == 0
    assert (read_photo(tmp_path / "blue.png") == (0, 0, 255)).all()

    done = run("mmnet", "matte", photo, "-o", tmp_path / "none.png", "--if-nobody", "fail")
    assert done.returncode == 1
    assert "wall.png: nobody was found: the confidence is" in error_line(done)
    assert not (tmp_path / "none.png").exists()
    assert "unknown choice 'x' for nobody" in error_line(run("mmnet", "matte", photo, "--if-nobody", "x"))
