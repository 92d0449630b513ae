"""`tools/datasets/hard_images.py`: it collects the images on which one model is worse than another."""

from __future__ import annotations

import importlib

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from support import ROOT, run

from mmnet.runtime import PortraitMatter
from mmnet.runtime.model import default_model


@pytest.fixture
def hard(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "datasets"))
    return importlib.import_module("hard_images")


@pytest.fixture
def models(tmp_path):
    """The model that ships twice: no image is harder for one than for the other."""
    paths = [tmp_path / f"{name}.tflite" for name in ("mine", "other")]
    for path in paths:
        path.write_bytes(default_model())
    return paths


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "set"
    for part in ("image", "mask"):
        (folder / part).mkdir(parents=True)
    with PortraitMatter() as matter:
        matte = np.rint(matter(astronaut()) * 255).astype(np.uint8)
    for name, label in (("near", matte), ("far", 255 - matte)):
        assert cv2.imwrite(str(folder / "image" / f"{name}.png"), astronaut()[..., ::-1])
        assert cv2.imwrite(str(folder / "mask" / f"{name}.png"), label)
    return folder


def test_images_are_linked_by_the_difference_of_the_two_models(hard, models, data, tmp_path, capsys):
    hard.main([*map(str, models), str(data), str(tmp_path / "equal"), "--margin", "0"])
    assert not list((tmp_path / "equal" / "image").iterdir())
    hard.main([*map(str, models), str(data), str(tmp_path / "all"), "--margin", "-0.001"])
    assert sorted(path.name for path in (tmp_path / "all" / "mask").iterdir()) == ["set-far.png", "set-near.png"]
    assert (tmp_path / "all" / "image" / "set-far.png").resolve() == data / "image" / "far.png"
    assert capsys.readouterr().out.split() == ["set", "0", "of", "2", "set", "2", "of", "2"]


def test_the_nearer_model_decides(hard, models, data, tmp_path, monkeypatch):
    values = iter([0.3, 0.1, 0.3, 0.295])  # far: mine, other; near: mine, other
    monkeypatch.setattr(hard, "difference", lambda model, pair: next(values))
    hard.main([*map(str, models), str(data), str(tmp_path / "out")])
    assert [path.name for path in (tmp_path / "out" / "image").iterdir()] == ["set-far.png"]


def test_a_folder_in_use_is_refused_in_one_line(models, data):
    result = run("python", ROOT / "tools" / "datasets" / "hard_images.py", *models, data, data)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith(f"error: {data}: not an empty folder")
