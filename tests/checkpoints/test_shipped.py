"""The checkpoint and the model that ship: matting without a model, exporting without a checkpoint or photos."""

from __future__ import annotations

import json
import re
from importlib import resources

import cv2
import numpy as np
import pytest
from skimage.data import astronaut
from support import run

from mmnet.network.resolve import SHIPPED, resolve, shipped
from mmnet.runtime import PortraitMatter
from mmnet.runtime.tflite.inspection import inspect_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    folder = resources.files("mmnet.runtime") / "models"
    (path,) = [entry for entry in folder.iterdir() if entry.name.endswith(".tflite")]
    return path


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "astronaut.png"
    assert cv2.imwrite(str(path), astronaut()[..., ::-1])
    return path


def test_everything_ships_that_is_named():
    assert tuple(path.name for path in shipped()) == SHIPPED
    for path in shipped():
        assert {"model.safetensors", "checkpoint.json", "README.md", "curves-1.csv", "curves-1.png"} <= {
            file.name for file in path.iterdir()
        }


def test_it_finds_the_person_and_not_what_stands_behind():
    """A photo that is in no training set; the model card shows that the helmet and a part of the flag are kept."""
    with PortraitMatter() as matter:
        alpha = matter(astronaut())
    assert alpha[60:180, 190:260].mean() > 0.95, "face"
    assert alpha[330:480, 110:220].mean() > 0.95, "suit"
    assert alpha[190:230, 190:250].mean() > 0.95, "collar"
    assert alpha[:150, 330:].mean() < 0.1, "shuttle"


def test_matte_needs_no_model(photo, tmp_path):
    result = run("mmnet", "matte", photo, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    alpha = cv2.imread(str(tmp_path / "astronaut-alpha.png"), cv2.IMREAD_UNCHANGED)
    with PortraitMatter() as matter:
        assert np.array_equal(alpha, np.rint(matter(astronaut()) * 255).astype(np.uint8))


def test_the_readmes_first_command_gives_the_model_that_ships(model, tmp_path):
    """Run in an empty folder and without photos; the checkpoint carries its ranges."""
    result = run("export-tflite", "--ckpt", "latest", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "ships with mmnet" in result.stdout
    exported = tmp_path / model.name
    # The recipe inside differs in versions; operators, ranges and weights have to be the same.
    ours, theirs = inspect_model(exported), inspect_model(model)
    assert ours.operators == theirs.operators
    with PortraitMatter(exported) as new, PortraitMatter(model) as shipped_model:
        assert np.array_equal(new(astronaut()), shipped_model(astronaut()))


def test_the_recipe_of_the_model_names_the_checkpoint(model):
    recipe = json.loads(model.with_name(model.name + ".recipe.json").read_text())
    assert recipe["checkpoint"]["sha256"] == resolve("latest", model.parent / "absent").load().fingerprint()


@pytest.mark.parametrize("path", shipped(), ids=SHIPPED)
def test_the_model_card_names_no_place_of_the_machine_it_was_made_on(path):
    for name in ("README.md", "checkpoint.json"):
        text = (path / name).read_text()
        assert not re.search(r"/(home|root|work|tmp|Users)/", text), name
