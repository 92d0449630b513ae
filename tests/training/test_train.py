"""The training loop: checkpoints, resuming bit for bit, refusals, and `mmnet train`."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from support import EAGERLY, eagerly, error_line, random_checkpoint, run
from training_runs import SIZE, Notes, small_run

from mmnet.network.checkpoint import CheckpointCorruptError, load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import resolve
from mmnet.training.checkpoints import STATE_FILE, recorded_recipe
from mmnet.training.engines.keras_engine import KerasEngine
from mmnet.training.loop import train
from mmnet.training.recipes import RecipeError
from mmnet.training.resuming import extended
from mmnet.training.run import DivergedError, ResumeError

ENGINE = partial(KerasEngine, keras)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(EAGERLY)]


@pytest.fixture(scope="module", autouse=True)
def untraced():
    with eagerly():
        yield


@pytest.fixture(scope="module")
def start():
    return random_checkpoint(ModelConfig(0.35, SIZE), seed=1, step=100)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, images, start):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    notes = Notes()
    last = train(small_run(folder, images, start, keep=1), ENGINE, notes)
    return last, notes


def weights_and_state(folder):
    from safetensors.numpy import load_file

    return load_checkpoint(folder), load_file(folder / STATE_FILE)


def test_steps_go_on_from_the_start_and_checkpoints_say_what_they_are(uninterrupted):
    last, notes = uninterrupted
    checkpoint = load_checkpoint(last)
    assert list(notes.losses) == [101, 102, 103, 104]
    assert notes.folders == ["step-0000102", "step-0000104"]
    assert checkpoint.step == 104
    assert checkpoint.provenance["recipe"]["name"] == "fine-tune"
    assert {"mad", "validation_mad", "validation_gauss_grad", "train_mad"} <= set(checkpoint.metrics)
    assert checkpoint.metrics["mad"] == checkpoint.metrics["validation_mad"]
    rates = [losses["learning_rate"] for losses in notes.losses.values()]
    assert rates == sorted(rates, reverse=True)


def test_training_goes_on_from_the_weights_and_saves_their_average(uninterrupted):
    """Keras' `fit` writes the average over the weights when it ends, which is not when training ends."""
    saved, state = weights_and_state(uninterrupted[0])
    kernels = [name for name in saved.weights if name.endswith("/weights")]
    assert all(not np.array_equal(saved.weights[name], state[name]) for name in kernels)


def test_old_checkpoints_go_and_the_best_stays(uninterrupted):
    last, _ = uninterrupted
    folders = sorted(path.name for path in last.parent.iterdir())
    mads = {name: load_checkpoint(last.parent / name).metrics["mad"] for name in folders}
    assert last.name in folders
    assert len(folders) == 1 or (len(folders) == 2 and mads[folders[0]] <= mads[folders[1]])


def test_killed_and_resumed_it_ends_at_the_same_weights_bit_for_bit(uninterrupted, images, start, tmp_path):
    """The process is killed without warning in the third step, after the checkpoint of the second."""
    whole, _ = uninterrupted
    save_checkpoint(start, tmp_path / "start")
    script = f"""
import os, signal, sys
from functools import partial
sys.path[:0] = [{str(Path(__file__).parents[1])!r}]
from pathlib import Path
import keras
from mmnet.network.checkpoint import load_checkpoint
from mmnet.training.engines.keras_engine import KerasEngine
from mmnet.training.loop import train
from support import eagerly
from training_runs import Notes, small_run
class Killed(Notes):
    def on_step(self, step, *rest):
        if step == 103:
            os.kill(os.getpid(), signal.SIGKILL)
start = load_checkpoint(Path({str(tmp_path / "start")!r}))
with eagerly():
    run = small_run(Path({str(tmp_path / "run")!r}), Path({str(images)!r}), start)
    train(run, partial(KerasEngine, keras), Killed())
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["step-0000102"]

    notes = Notes()
    last = train(small_run(tmp_path / "run", images, start), ENGINE, notes)
    assert notes.stages == [(0, 2, 4)]
    assert list(notes.losses) == [103, 104]
    resumed, state = weights_and_state(last)
    expected, expected_state = weights_and_state(whole)
    assert resumed.fingerprint() == expected.fingerprint()
    assert set(state) == set(expected_state)
    assert all(np.array_equal(state[name], expected_state[name]) for name in state)
    assert resumed.metrics == expected.metrics


def test_a_finished_run_has_nothing_to_do(uninterrupted, images, start):
    last, _ = uninterrupted
    notes = Notes()
    assert train(small_run(last.parent, images, start, keep=1), ENGINE, notes) == last
    assert notes.losses == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": 1}, r"seed=…: 1, and 0 at first\)"),
        ({"steps": 6}, r"steps=…: 6, and 4 at first\).*lengthen the run with extend=True"),
        ({"learning_rate": 0.5}, r"the recipe's learning rate: 0.5, and 0.0002 at first"),
    ],
)
def test_other_options_cannot_resume_and_are_named(uninterrupted, images, start, changes, message):
    last, _ = uninterrupted
    with pytest.raises(ResumeError, match=message):
        train(small_run(last.parent, images, start, **changes), ENGINE, Notes())


def test_a_run_is_extended(uninterrupted, images, start, tmp_path):
    """The new steps follow the old ones, on the same batches as those of a run that was longer from the beginning."""
    last, _ = uninterrupted
    folder = tmp_path / "run"
    shutil.copytree(last.parent, folder)
    recipe = small_run(folder, images, start).recipe
    longer = extended(small_run(folder, images, start, 6).recipe, recorded_recipe(folder), 6)
    assert [stage.steps for stage in longer.stages] == [6]
    assert longer.weight_average == recipe.weight_average
    run = replace(small_run(folder, images, start), recipe=longer, extends=True)
    notes = Notes()
    end = train(run, ENGINE, notes)
    assert (end.name, list(notes.losses), notes.stages) == ("step-0000106", [105, 106], [(0, 4, 6)])
    # Crashed and called again, the same options go on.
    again = extended(small_run(folder, images, start, 6).recipe, recorded_recipe(folder), 6)
    assert train(replace(run, recipe=again), ENGINE, Notes()) == end
    for steps in (None, 5):
        with pytest.raises(RecipeError, match="the run has 6 steps"):
            extended(recipe, recorded_recipe(folder), steps)


def test_nothing_to_extend(tmp_path):
    with pytest.raises(ResumeError, match="holds no run that can be extended"):
        recorded_recipe(tmp_path / "none")


def test_damage_to_the_state_is_named(uninterrupted, images, start, tmp_path):
    last, _ = uninterrupted
    folder = tmp_path / "run" / last.name
    folder.parent.mkdir()
    shutil.copytree(last, folder)
    (folder / STATE_FILE).write_bytes((last / STATE_FILE).read_bytes()[:1000])
    with pytest.raises(CheckpointCorruptError, match=STATE_FILE):
        train(small_run(folder.parent, images, start), ENGINE, Notes())


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_checkpoint(images, start, tmp_path):
    weights = {name: value.copy() for name, value in start.weights.items()}
    weights["MMNet/final_block/pointwise_conv/weights"] *= np.float32(1e38)
    broken = replace(start, weights=weights)
    with pytest.raises(DivergedError, match="step 101"):
        train(small_run(tmp_path / "run", images, broken), ENGINE, Notes())
    assert not (tmp_path / "run").exists() or not list((tmp_path / "run").iterdir())


class TestCommand:
    def test_it_trains_resumes_and_exports(self, images, start, tmp_path):
        save_checkpoint(start, tmp_path / "checkpoints" / "start")
        arguments = [
            "mmnet", "train", "--data", images / "portraits", "--backgrounds", images / "scenes", "--from", "latest",
            "--validation", "0.3", "--steps", "1", "--batch", "2", "--run", "mine", "--workers", "1",
        ]  # fmt: skip
        result = run(*arguments, "--resume", "latest", cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        nothing_to_resume = "note: checkpoints/mine: holds no checkpoint to go on from; a new run begins"
        assert nothing_to_resume in result.stderr.splitlines()
        assert "step-0000101" in result.stdout
        assert list((tmp_path / "checkpoints" / "mine" / "events").iterdir())
        refused = run(*arguments, cwd=tmp_path)
        assert "--resume latest" in error_line(refused)
        again = run(*arguments, "--resume", "latest", cwd=tmp_path)
        assert again.returncode == 0, again.stderr
        assert nothing_to_resume not in again.stderr
        # A folder of that name, such as one of photos, does not hide the run.
        (tmp_path / "mine").mkdir()
        shutil.copy(next((images / "portraits" / "image").iterdir()), tmp_path / "mine")
        # The short run has its curves, without empty panels and warnings.
        drawn = run("mmnet", "curves", "mine", cwd=tmp_path)
        assert (drawn.returncode, drawn.stderr) == (0, "")
        assert "loss/loss" in (tmp_path / "checkpoints" / "mine" / "curves.csv").read_text()
        assert "compiling" in result.stdout
        assert "next        export-tflite --ckpt checkpoints/mine/step-0000101" in result.stdout
        found = run("mmnet", "export", "--ckpt", "latest", "--precision", "float32", "--size", "32", cwd=tmp_path)
        assert found.returncode == 0, found.stderr
        assert "checkpoints/mine/step-0000101" in found.stdout
        assert resolve("mine", tmp_path / "checkpoints").path.name == "step-0000101"

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["--recipe", "magic"], "magic"),
            (["--from", "absent"], "absent"),
            ([], "--from"),
        ],
    )
    def test_bad_arguments_are_one_line(self, images, tmp_path, arguments, expected):
        result = run("mmnet", "train", "--data", images / "portraits", *arguments, cwd=tmp_path)
        assert expected in error_line(result)
        assert list(tmp_path.iterdir()) == []


def test_frozen_norms_keep_their_statistics_while_everything_else_is_trained(images, start, tmp_path):
    run = small_run(tmp_path / "frozen", images, start)
    stages = tuple(replace(stage, frozen_norms=True) for stage in run.recipe.stages)
    run = replace(run, recipe=replace(run.recipe, stages=stages))
    trained = load_checkpoint(train(run, ENGINE, Notes()))
    for name, before in start.weights.items():
        assert np.array_equal(before, trained.weights[name]) == ("/moving_" in name), name
