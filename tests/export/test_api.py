"""The Python API of exporting: one call, an object that prints, a listener."""

from __future__ import annotations

import json

import pytest
from support import random_checkpoint

import mmnet
from mmnet.errors import OutputExistsError
from mmnet.network.checkpoint import CheckpointNotFoundError, save_checkpoint
from mmnet.network.config import ConfigError, ModelConfig
from mmnet.quantize.precision import PrecisionError
from mmnet.quantize.recipe import ExportRecipe, RecipeError

CONFIG = ModelConfig(0.35, 32, "half_pixel")


class Recorder(mmnet.ExportListener):
    """A listener that records what it receives, in order."""

    def __init__(self):
        self.received = []

    def on_checkpoint(self, opened, precision):
        self.received.append(("checkpoint", opened.name, precision.name))

    def on_request(self, request):
        self.received.append(("request", request.input_dtype))

    def on_check(self, check):
        self.received.append(("check", check.name))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints")
    save_checkpoint(random_checkpoint(CONFIG), path / "mine")
    return path


@pytest.fixture(scope="module")
def recorder():
    return Recorder()


@pytest.fixture(scope="module")
def exported(folder, recorder):
    return mmnet.export_tflite("mine", "float32", checkpoint_dir=folder, listener=recorder)


def test_the_result_prints_what_it_is_and_what_was_checked(exported):
    title = f"MMNet-0.35, 32×32, float32, float32 input, {len(exported.content) / 1024:.0f} KiB"
    assert repr(exported) == f"<ExportedModel {title}: 4 of 4 checks passed>"
    text = str(exported)
    assert "checkpoint mine, step 7" in text
    assert text.count("✓") == 4
    for check in exported.checks:
        assert f"{check.name}: {check.measured} (accepted: {check.accepted})" in text


def test_a_listener_receives_everything_in_order(exported, recorder):
    assert recorder.received == [
        ("checkpoint", "mine", "float32"),
        ("request", "float32"),
        *[("check", check.name) for check in exported.checks],
    ]


def test_saving_writes_model_and_recipe_once(exported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = exported.save()
    assert path.name == exported.file_name == "mine-32-float32.tflite"
    assert path.read_bytes() == exported.content
    assert json.loads((tmp_path / f"{path.name}.recipe.json").read_text())["precision"] == "float32"
    with pytest.raises(OutputExistsError):
        exported.save(path)
    assert exported.save(str(path), force=True) == path


def test_an_opened_checkpoint_can_be_exported_at_another_size(folder):
    opened = mmnet.open_checkpoint("mine", folder)
    assert str(opened) == f"{folder / 'mine'} (named): MMNet-0.35, step 7, 32×32, half_pixel sampling"
    assert repr(opened) == f"<OpenedCheckpoint {opened}>"
    assert len(repr(opened.checkpoint)) < 300
    assert opened.resized(None).checkpoint is opened.checkpoint
    exported = mmnet.export_tflite(opened, "float32", size=48)
    assert exported.recipe["model"]["size"] == 48
    assert exported.recipe["checkpoint"] == opened.resized(48).identity() | {"provenance": {}}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"checkpoint": "absent"}, CheckpointNotFoundError, "absent"),
        ({"size": 33}, ConfigError, "multiple of 16"),
        ({"precision": "int4"}, PrecisionError, "int8, float16"),
        ({"precision": "float16", "recipe": ExportRecipe("int8")}, RecipeError, "leave one out"),
        ({"recipe": ExportRecipe("float16", None, ("init_block",))}, PrecisionError, "quantizes no activations"),
    ],
)
def test_wrong_arguments_are_typed_errors(folder, options, error, message):
    with pytest.raises(error, match=message):
        mmnet.export_tflite(**{"checkpoint": "mine", "checkpoint_dir": folder} | options)
