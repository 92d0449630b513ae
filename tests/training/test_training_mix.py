"""`tools/datasets/training_mix.py`: the folders it makes from small drawn sources, their bytes, and its errors."""

from __future__ import annotations

import importlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from support import ROOT

HELD_OUT = {"fashion": 2, "cutouts": 2, "backgrounds": 4}


@pytest.fixture
def mix(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "datasets"))
    module = importlib.import_module("training_mix")
    monkeypatch.setattr(module, "HELD_OUT", HELD_OUT)
    monkeypatch.setattr(module, "SCENE_BACKGROUNDS", 2)
    monkeypatch.setattr(module, "GROUPS", 3)
    monkeypatch.setattr(module, "PROPS", {"0", "1", "2"})
    return module


def person(height: int, width: int, left: int) -> np.ndarray:
    """A matte: a column of the lower three quarters."""
    matte = np.zeros((height, width), np.uint8)
    matte[height // 4 :, left : left + width // 3] = 255
    return matte


def write(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def data(tmp_path) -> Path:
    """Sources of every kind; in the test set, the left side cuts every other person."""
    random = np.random.default_rng(0)
    folder = tmp_path / "data"
    for name in ("portraits/train", "portraits/test", "portraits/wide", "fashion", "fashion-unannotated", "people"):
        for number in range(4):
            write(folder / name / "image" / f"{number}.jpg", random.integers(0, 256, (64, 48, 3), np.uint8))
            write(folder / name / "mask" / f"{number}.png", person(64, 48, 16 * (number % 2)))
    write(folder / "portraits/train/mask-networks/1.png", person(64, 48, 14))
    for number in range(8):
        write(folder / "backgrounds" / f"{number}.jpg", random.integers(0, 256, (60, 80, 3), np.uint8))
    for number in range(4):
        photo = random.integers(0, 256, (64, 48, 3), np.uint8)
        write(folder / "cutouts" / f"{number}.png", np.dstack([photo, person(64, 48, 8)]))
    return folder


def test_the_same_sources_give_the_same_bytes(mix, data, tmp_path, capsys):
    for name in ("first", "second"):
        mix.main([str(data), str(tmp_path / name), "--scenes", "12"])
    first, second = (sorted(path for path in (tmp_path / name).rglob("*.*")) for name in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    counts = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert counts == {
        "backgrounds": "4",
        "cutouts": "2",
        "cutouts-validation": "2",
        "fashion": "2",
        "fashion-validation": "2",
        "groups-validation": "3",
        "nobody": "2",
        "nobody-validation": "2",
        "people": "4",
        "portraits": "4",
        "portraits-test": "4",
        "props-validation": counts["props-validation"],
        "scenes": "12",
        "scenes-validation": "4",
        "unannotated": "4",
        "wide": "4",
    }


def test_held_out_images_are_not_trained_on(mix, data, tmp_path):
    mix.main([str(data), str(tmp_path / "mix"), "--scenes", "1"])

    def names(folder: str) -> set[str]:
        return {path.stem for path in (tmp_path / "mix" / folder).iterdir()}

    assert not names("fashion/image") & names("fashion-validation/image")
    assert not names("cutouts") & names("cutouts-validation/image")
    assert not names("backgrounds") & names("nobody-validation/image")
    assert (tmp_path / "mix/portraits/mask/1.png").resolve().parent.name == "mask-networks"


def test_the_sets_to_measure_on_alone(mix, data, tmp_path):
    mix.main([str(data), str(tmp_path / "all"), "--scenes", "1"])
    mix.main([str(data), str(tmp_path / "alone"), "--validation-only"])
    names = {path.name for path in (tmp_path / "alone").iterdir()}
    assert names == {f"{name}-validation" for name in ("cutouts", "fashion", "groups", "nobody", "props", "scenes")} | {
        "portraits-test"
    }
    for path in (path for path in (tmp_path / "alone").rglob("*.*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "all" / path.relative_to(tmp_path / "alone")).read_bytes()


def test_groups_are_of_held_out_people_alone(mix, data, tmp_path):
    mix.main([str(data), str(tmp_path / "mix"), "--validation-only"])
    sizes = [cv2.imread(str(path)).shape[:2] for path in sorted((tmp_path / "mix/groups-validation/image").iterdir())]
    assert sizes == [(360, 640), (384, 512), (448, 448)]


def test_backgrounds_that_show_people_are_in_no_set_to_measure_on(mix, data, tmp_path, monkeypatch):
    mix.main([str(data), str(tmp_path / "all"), "--validation-only"])
    held = {path.stem for path in (tmp_path / "all/nobody-validation/image").iterdir()}
    monkeypatch.setattr(mix, "PEOPLED", {str(number) for number in range(8)} - held)
    mix.main([str(data), str(tmp_path / "places"), "--validation-only"])
    monkeypatch.setattr(mix, "PEOPLED", held)
    mix.main([str(data), str(tmp_path / "scenes"), "--validation-only"])
    for name in ("cutouts", "groups", "nobody", "scenes"):
        left = [(tmp_path / out / f"{name}-validation/image") for out in ("all", "places", "scenes")]
        every, places, scenes = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in left)
        assert every
        assert (places, scenes) == ((every, {}) if name == "nobody" else ({}, every))


def test_people_cut_by_a_side_stay_at_the_side(mix, data, tmp_path):
    mix.main([str(data), str(tmp_path / "mix"), "--scenes", "1"])
    masks = {path.stem: path for path in (tmp_path / "mix/scenes-validation/mask").iterdir()}
    assert sorted(masks) == ["1", "3", "side-0", "side-2"]
    for name, path in masks.items():
        matte = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert matte.shape == (360, 640)
        assert bool(matte[:, 0].any()) == name.startswith("side-")
        assert not matte[:, -1].any()


def test_a_missing_source_is_named(mix, data, tmp_path):
    (data / "people").rename(data / "persons")
    with pytest.raises(mix.MixError, match=r"people/image: no such folder; .* must hold portraits/train/image"):
        mix.main([str(data), str(tmp_path / "mix")])
    assert not (tmp_path / "mix").exists()


def test_a_folder_with_files_is_refused(mix, data):
    with pytest.raises(mix.MixError, match="not an empty folder; name a new one"):
        mix.main([str(data), str(data)])
