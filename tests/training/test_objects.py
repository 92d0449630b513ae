"""`tools/datasets/objects.py`: it draws objects that are not people, with their mattes."""

from __future__ import annotations

import importlib

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from support import ROOT

from mmnet.errors import MMNetError


@pytest.fixture
def objects(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "datasets"))
    return importlib.import_module("objects")


@pytest.fixture
def mix(tmp_path):
    """A folder with two backgrounds and one cut-out: a disc of the astronaut."""
    folder = tmp_path / "mix"
    for part in ("backgrounds", "cutouts"):
        (folder / part).mkdir(parents=True)
    image = astronaut()[..., ::-1]
    for name, part in (("a", image[:200]), ("b", image[200:])):
        assert cv2.imwrite(str(folder / "backgrounds" / f"{name}.jpg"), part)
    disc = cv2.circle(np.zeros((512, 512), np.uint8), (256, 200), 150, 255, -1)
    assert cv2.imwrite(str(folder / "cutouts" / "c.png"), np.dstack([image, disc]))
    return folder


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


def test_mattes_are_empty_or_show_the_person_alone(objects, mix, tmp_path):
    out = tmp_path / "out"
    objects.main([str(mix), str(out), "--count", "16"])
    mattes = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted((out / "mask").iterdir())]
    images = [cv2.imread(str(path)) for path in sorted((out / "image").iterdir())]
    assert [matte.shape for matte in mattes] == [image.shape[:2] for image in images]
    assert {matte.shape for matte in mattes} <= set(objects.SIZES)
    empty = [not matte.any() for matte in mattes]
    assert 8 <= sum(empty) < 16


def test_the_seed_decides(objects, mix, tmp_path):
    for name, seed in (("one", "3"), ("two", "3"), ("other", "4")):
        objects.main([str(mix), str(tmp_path / name), "--count", "3", "--seed", seed])
    assert files(tmp_path / "one") == files(tmp_path / "two") != files(tmp_path / "other")


def test_things_are_drawn_and_are_nobody(objects, mix, tmp_path):
    """A bright green thing of its own: it is seen in most images, and never in a matte without a person."""
    things = tmp_path / "things" / "deeper"
    things.mkdir(parents=True)
    thing = np.zeros((60, 40, 4), np.uint8)
    thing[5:55, 5:35] = 0, 255, 0, 255
    assert cv2.imwrite(str(things / "green.png"), thing)
    out = tmp_path / "out"
    objects.main([str(mix), str(out), "--count", "20", "--things", str(tmp_path / "things")])
    seen = 0
    for path in sorted((out / "image").iterdir()):
        image = cv2.imread(str(path)).astype(int)
        green = (image[..., 1] - np.maximum(image[..., 0], image[..., 2])) > 80
        seen += green.mean() > 0.01
        matte = cv2.imread(str(out / "mask" / f"{path.stem}.png"), cv2.IMREAD_UNCHANGED)
        assert (matte[green] == 255).sum() <= 0.2 * green.sum()
    assert seen >= 8


def test_wrong_folders(objects, mix, tmp_path):
    with pytest.raises(MMNetError, match="must hold backgrounds"):
        objects.main([str(tmp_path / "gone"), str(tmp_path / "out")])
    with pytest.raises(MMNetError, match="holds no PNG files of things"):
        objects.main([str(mix), str(tmp_path / "out"), "--things", str(mix / "backgrounds")])
    with pytest.raises(MMNetError, match="not an empty folder"):
        objects.main([str(mix), str(mix)])
