"""Checkpoints: saving and loading, reporting damage, executing nothing, and the choice by `--ckpt`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import random_checkpoint

from mmnet.api.models import convert_checkpoints, open_models
from mmnet.errors import MMNetError, OutputError
from mmnet.network.checkpoint import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    CheckpointCorruptError,
    CheckpointKindError,
    CheckpointNotFoundError,
    load_checkpoint,
    save_checkpoint,
)
from mmnet.network.config import ConfigError, ModelConfig
from mmnet.network.resolve import resolve, shipped
from mmnet.network.variables import VariableError

CONFIG = ModelConfig(0.35, 32)
CHECKPOINT = replace(
    random_checkpoint(CONFIG), data={"roots": ["a", "b"]}, metrics={"mad": 0.02}, provenance={"by": "a test"}
)


@pytest.fixture
def saved(tmp_path):
    folder = tmp_path / "checkpoint"
    save_checkpoint(CHECKPOINT, folder)
    return folder


@settings(max_examples=20, deadline=None)
@given(
    width=st.sampled_from([0.35, 0.5]),
    size=st.integers(2, 128).map(lambda n: 16 * n),
    sampling=st.sampled_from(["legacy", "half_pixel"]),
    step=st.integers(0, 10**9),
    metrics=st.dictionaries(st.text(max_size=8), st.floats(allow_nan=False), max_size=3),
)
def test_what_is_saved_comes_back(tmp_path_factory, width, size, sampling, step, metrics):
    folder = tmp_path_factory.mktemp("round") / "trip"
    checkpoint = replace(random_checkpoint(ModelConfig(width, size, sampling), step), step=step, metrics=metrics)
    save_checkpoint(checkpoint, folder)
    loaded = load_checkpoint(folder)
    assert (loaded.config, loaded.step, loaded.metrics) == (checkpoint.config, step, metrics)
    assert loaded.fingerprint() == checkpoint.fingerprint()
    assert all(np.array_equal(loaded.weights[name], value) for name, value in checkpoint.weights.items())


def test_saving_again_replaces_the_whole(saved):
    other = replace(CHECKPOINT, step=8)
    save_checkpoint(other, saved)
    assert load_checkpoint(saved).step == 8
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_the_fingerprint_tells_networks_apart():
    changed = dict(CHECKPOINT.weights)
    name = next(iter(changed))
    changed[name] = changed[name] + np.float32(1e-6)
    prints = {
        CHECKPOINT.fingerprint(),
        replace(CHECKPOINT, weights=changed).fingerprint(),
        replace(CHECKPOINT, config=replace(CONFIG, sampling="legacy")).fingerprint(),
    }
    assert len(prints) == 3
    assert replace(CHECKPOINT, step=99).fingerprint() == CHECKPOINT.fingerprint()


@pytest.mark.parametrize("fraction", [0, 0.001, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("name", [WEIGHTS_FILE, CONFIG_FILE])
def test_truncation_is_named(saved, name, fraction):
    path = saved / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)])
    with pytest.raises(CheckpointCorruptError, match=name):
        load_checkpoint(saved)


def test_one_flipped_bit_in_the_weights_is_noticed(saved):
    path = saved / WEIGHTS_FILE
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointCorruptError, match="altered"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other/2"}, "format"),
        ({"step": "seven"}, "'step'"),
        ({"metrics": None}, "'metrics'"),
        ({"step": True}, "'step' is true"),
        ({"step": -1}, "0 or more"),
        ({"step": 10**400}, "too large"),
        ({"metrics": {"mad": "low"}}, "the metric 'mad'"),
        ({"data": {"name": "\ud800"}}, "surrogate"),
        ({"model": {"width": 1.0}}, "keys"),
        ({"model": {"width": 1.0, "size": 32, "sampling": "half_pixel"}}, "MMNet-1.0 needs"),
    ],
)
def test_a_description_that_does_not_fit_is_named(saved, change, message):
    path = saved / CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(MMNetError, match=message) as raised:
        load_checkpoint(saved)
    assert str(saved) in str(raised.value)


@pytest.mark.parametrize("model", [None, [], {"width": "1", "size": 32, "sampling": "half_pixel"}, {"width": 1.0}])
def test_a_configuration_that_cannot_be_names_its_file_before_the_weights_are_read(saved, model):
    path = saved / CONFIG_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": model}))
    (saved / WEIGHTS_FILE).unlink()
    with pytest.raises(ConfigError, match="model configuration") as raised:
        resolve(str(saved), saved.parent).size()
    assert str(path) in str(raised.value)


def test_a_description_that_is_nested_deep_is_one_error(saved):
    (saved / CONFIG_FILE).write_text("[" * 20_000)
    with pytest.raises(CheckpointCorruptError, match="nested deeper"):
        load_checkpoint(saved)


@pytest.mark.parametrize("name", [WEIGHTS_FILE, CONFIG_FILE])
def test_a_missing_file_is_named(saved, name):
    (saved / name).unlink()
    with pytest.raises(CheckpointCorruptError, match=name):
        load_checkpoint(saved)


@pytest.mark.parametrize(("value", "message"), [(np.nan, "not finite"), (-1.0, "below zero")])
def test_weights_that_cannot_be_are_refused_before_saving(tmp_path, value, message):
    weights = {name: array.copy() for name, array in CHECKPOINT.weights.items()}
    weights["MMNet/init_block/conv/BatchNorm/moving_variance"][0] = value
    with pytest.raises(VariableError, match=message):
        save_checkpoint(replace(CHECKPOINT, weights=weights), tmp_path / "bad")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_checkpoint(saved):
    """A limit on the size of files fails like a full disk."""
    script = f"""
import resource, signal, sys
from dataclasses import replace
from pathlib import Path
from mmnet.errors import OutputError
from mmnet.network.checkpoint import load_checkpoint, save_checkpoint
folder = Path({str(saved)!r})
checkpoint = replace(load_checkpoint(folder), step=99)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    save_checkpoint(checkpoint, folder)
except OutputError as error:
    print(error)
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.startswith(f"{saved}: cannot be written")
    assert load_checkpoint(saved).step == CHECKPOINT.step
    assert [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_a_folder_with_other_things_is_never_replaced(tmp_path):
    (tmp_path / "photo.jpg").write_text("irreplaceable")
    with pytest.raises(OutputError, match="would be lost"):
        save_checkpoint(CHECKPOINT, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["photo.jpg"]


def test_an_unwritable_place_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        save_checkpoint(CHECKPOINT, tmp_path / "file" / "checkpoint")


def put(folder, **changes):
    save_checkpoint(replace(CHECKPOINT, **changes), folder)


class TestResolve:
    def test_latest_is_the_newest_of_all_runs(self, tmp_path):
        put(tmp_path / "a" / "step-100", step=100, created="2026-01-01T00:00:00+00:00")
        put(tmp_path / "b" / "step-50", step=50, created="2026-03-01T00:00:00+00:00")
        put(tmp_path / "c", step=70, created="2026-02-01T00:00:00+00:00")
        found = resolve("latest", tmp_path)
        assert found.path == tmp_path / "b" / "step-50"
        assert "newest" in found.reason

    def test_best_has_the_lowest_mad(self, tmp_path):
        put(tmp_path / "a" / "step-1", metrics={"mad": 0.03})
        put(tmp_path / "a" / "step-2", metrics={"mad": 0.01})
        put(tmp_path / "b", metrics={})
        put(tmp_path / "c", metrics={"mad": float("nan")})
        found = resolve("best", tmp_path)
        assert found.path == tmp_path / "a" / "step-2"
        assert "0.0100" in found.reason

    def test_a_run_is_its_highest_step(self, tmp_path):
        for step in (9, 10, 100):
            put(tmp_path / "run" / f"step-{step}", step=step)
        by_path, by_name = resolve(str(tmp_path / "run"), tmp_path), resolve("run", tmp_path)
        assert by_path.path == by_name.path == tmp_path / "run" / "step-100"
        assert "100" in by_path.reason

    def test_a_checkpoint_folder(self, saved):
        assert resolve(str(saved), saved.parent).load().step == CHECKPOINT.step

    @pytest.mark.parametrize("wanted", ["latest", "best", "mine"])
    def test_nothing_there_says_how_to_name_one(self, tmp_path, wanted, monkeypatch):
        monkeypatch.setattr("mmnet.network.resolve.SHIPPED", ())
        with pytest.raises(CheckpointNotFoundError, match="checkpoint=PATH"):
            resolve(wanted, tmp_path / "checkpoints")

    def test_an_interrupted_save_is_not_found(self, tmp_path, monkeypatch):
        monkeypatch.setattr("mmnet.network.resolve.SHIPPED", ())
        put(tmp_path / ".run.partial")
        with pytest.raises(CheckpointNotFoundError):
            resolve("latest", tmp_path)

    @pytest.mark.parametrize("wanted", ["latest", "best", "mmnet-1.0"])
    def test_the_one_that_ships_where_there_is_no_own(self, tmp_path, wanted):
        found = resolve(wanted, tmp_path / "checkpoints")
        assert found.path == shipped()[0]
        assert found.load().config.name == "MMNet-1.0"

    def test_own_checkpoints_come_first_even_older_ones_beside_a_clones_shipped_one(self, tmp_path):
        shutil.copytree(shipped()[0], tmp_path / "mmnet-1.0")
        assert f"ships with mmnet, since {tmp_path} holds none of yours" in resolve("latest", tmp_path).reason
        put(tmp_path / "mine" / "step-1", created="2001-01-01T00:00:00+00:00", metrics={"mad": 0.9})
        for wanted in ("latest", "best"):
            assert resolve(wanted, tmp_path).path == tmp_path / "mine" / "step-1"
            assert "; mmnet-1.0 names the one that ships" in resolve(wanted, tmp_path).reason

    def test_what_latest_and_best_mean_is_noted(self, tmp_path, caplog):
        for wanted, noted in (("latest", 1), ("best", 1), ("mmnet-1.0", 0)):
            caplog.clear()
            convert_checkpoints(open_models([wanted], tmp_path))
            assert len(caplog.messages) == noted
            assert all(message.startswith(f"{wanted} is {shipped()[0]} (the one") for message in caplog.messages)

    def test_best_of_checkpoints_without_figures_is_refused(self, tmp_path):
        put(tmp_path / "mine", metrics={})
        with pytest.raises(CheckpointNotFoundError, match="records a MAD"):
            resolve("best", tmp_path)

    @pytest.mark.parametrize("name", ["a.tflite", "a.h5", "a.keras", "a.pth", "a.onnx", "a.txt", "model.safetensors"])
    def test_other_kinds_of_files_are_told_apart(self, tmp_path, name):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(CheckpointKindError, match="checkpoint=PATH"):
            resolve(str(tmp_path / name), tmp_path)

    def test_a_folder_without_checkpoints(self, tmp_path):
        (tmp_path / "photos").mkdir()
        with pytest.raises(CheckpointKindError, match="without a checkpoint"):
            resolve("photos", tmp_path)

    @pytest.mark.parametrize("hides", ["folder", "file"])
    def test_what_only_has_the_name_of_a_run_does_not_hide_it(self, tmp_path, monkeypatch, hides):
        """Here lies a folder of photos, or a file, of that name; the run is in the folder of checkpoints."""
        monkeypatch.chdir(tmp_path)
        put(tmp_path / "checkpoints" / "mine" / "step-1", step=1)
        if hides == "folder":
            (tmp_path / "mine").mkdir()
            (tmp_path / "mine" / "photo.jpg").write_bytes(b"x")
        else:
            (tmp_path / "mine").write_bytes(b"x")
        assert resolve("mine", tmp_path / "checkpoints").path == tmp_path / "checkpoints" / "mine" / "step-1"


def test_what_cannot_be_read_is_named(saved):
    (saved / WEIGHTS_FILE).unlink()
    (saved / WEIGHTS_FILE).mkdir()
    with pytest.raises(CheckpointCorruptError, match="cannot be read"):
        load_checkpoint(saved)
