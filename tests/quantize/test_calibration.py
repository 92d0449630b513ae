"""Calibration sets that cannot stand for photos, and folders that hold the photos below."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mmnet.quantize.calibration import (
    CalibrationError,
    check_representative,
    find_calibration_photos,
    load_calibration,
)
from mmnet.training.qat.ranges import RangeImages, measure_ranges

SIZE = 32


def flat(*levels: int) -> np.ndarray:
    return np.stack([np.full((SIZE, SIZE, 3), level, np.uint8) for level in levels])


NOISE = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "why"),
    [
        (flat(0), "the calibration image is of one colour"),
        (flat(128), "of one colour"),
        (flat(255, 255), "the 2 calibration images are each of one colour"),
        (flat(0, 128, 255), "each of one colour"),
        (NOISE // 16, "levels from 0 to 15 only"),
        (NOISE // 10 + 100, "only, of 0 to 255"),
        (NOISE // 64 + 200, "of one colour, or nearly"),
    ],
)
def test_images_of_one_colour_are_refused_in_one_line(images: np.ndarray, why: str) -> None:
    with pytest.raises(CalibrationError, match=why) as caught:
        check_representative(images)
    assert "\n" not in str(caught.value)
    assert "take portraits" in str(caught.value)


@pytest.mark.parametrize("images", [NOISE, NOISE[:1], NOISE // 4 + 60, np.concatenate([flat(0, 0, 0), NOISE])])
def test_images_that_show_something_pass(images: np.ndarray) -> None:
    check_representative(images)


def test_ranges_are_not_measured_on_them_either() -> None:
    from support import random_checkpoint

    from mmnet.network.config import ModelConfig

    with pytest.raises(CalibrationError, match="one colour"):
        measure_ranges(random_checkpoint(ModelConfig(0.35, SIZE)), RangeImages(flat(0), {}))


def write(folder: Path, count: int) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        assert cv2.imwrite(str(folder / f"p{index:02}.png"), NOISE[index % 4])
    return folder


def test_the_photos_that_are_not_measured_on_are_held_out(tmp_path: Path) -> None:
    found = load_calibration(write(tmp_path, 40), SIZE, limit=10)
    assert (len(found.names), len(found.held_out_names)) == (10, 25)
    assert found.held_out is not None
    assert found.held_out.shape == (25, SIZE, SIZE, 3)
    assert not set(found.names) & set(found.held_out_names)
    assert load_calibration(tmp_path, SIZE).held_out is None


def test_photos_in_the_folder_of_a_data_set_are_found_or_named(tmp_path: Path) -> None:
    photos = write(tmp_path / "set" / "image", 2)
    assert [path.parent for path in find_calibration_photos(tmp_path / "set")] == [photos, photos]
    assert load_calibration(tmp_path / "set", SIZE).folder == photos
    for split in ("train", "test"):
        write(tmp_path / "splits" / split / "image", 1)
    with pytest.raises(CalibrationError, match=r"no photo.*name one of .*test/image, .*train/image"):
        find_calibration_photos(tmp_path / "splits")
    with pytest.raises(CalibrationError, match="absent"):
        find_calibration_photos(tmp_path / "absent")
