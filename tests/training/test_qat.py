"""Quantization-aware training: its loop, its simulation, resuming bit for bit, and `mmnet quantize`."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from support import EAGERLY, eagerly, error_line, random_checkpoint, run

from mmnet.export.convert import to_float, to_int8_from_ranges
from mmnet.export.verify import check_against_keras, probe_images
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.quantize.calibration import load_calibration
from mmnet.runtime import MattingModel
from mmnet.training.checkpoints import STATE_FILE
from mmnet.training.data.dataset import load_data
from mmnet.training.listener import TrainingListener
from mmnet.training.qat.loop import train_quantized
from mmnet.training.qat.ranges import RangeImages, measure_ranges
from mmnet.training.qat.recipe import recipe_for
from mmnet.training.qat.simulation import Simulation
from mmnet.training.recipes import RecipeError
from mmnet.training.run import ResumeError, TrainingRun

SIZE = 32
START = random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=1, step=100)


class Notes(TrainingListener):
    """A listener that records stages, losses and checkpoints."""

    def __init__(self):
        self.stages, self.losses, self.folders = [], {}, []

    def on_stage(self, stage, first, done, total):
        self.stages.append((first, done, total))

    def on_step(self, step, losses, learning_rate, images_per_second):
        assert images_per_second > 0
        self.losses[step] = losses

    def on_checkpoint(self, checkpoint, folder, images):
        assert images.shape[1:] == (3 * SIZE, 3)
        self.folders.append(folder.name)


pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings(EAGERLY)]


@pytest.fixture(scope="module", autouse=True)
def untraced():
    with eagerly():
        yield


@pytest.fixture(scope="module")
def portraits(tmp_path_factory):
    """Eight drawn portraits with their mattes."""
    folder = tmp_path_factory.mktemp("data")
    for name in ("image", "mask"):
        (folder / name).mkdir()
    rows, columns = np.mgrid[0:64, 0:64] / 64
    matte = (rows - 0.6) ** 2 + (columns - 0.5) ** 2 < 0.08
    for index, image in enumerate(probe_images(64, 8)):
        assert cv2.imwrite(str(folder / f"image/{index}.png"), image)
        assert cv2.imwrite(str(folder / f"mask/{index}.png"), matte.astype(np.uint8) * 255)
    return folder


def measure():
    return measure_ranges(START, RangeImages(probe_images(SIZE, 8), {"photos": 8}))


def quantized_run(folder, portraits, steps=2, **changes):
    # A rate at which two steps are seen.
    recipe = recipe_for(SIZE, steps, 2)
    recipe = replace(recipe, stages=(replace(recipe.stages[0], learning_rate=1e-3),))

    def data(size):
        return load_data([str(portraits)], size, augmentation=recipe.augmentation, validation=0.3, workers=1)

    return TrainingRun(recipe, folder, data, {"data": ["drawn"]}, start=START, **{"save_every": 1} | changes)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, portraits):
    folder = tmp_path_factory.mktemp("runs") / "whole"
    notes = Notes()
    return train_quantized(quantized_run(folder, portraits), keras, notes, measure), notes


def test_it_trains_and_its_checkpoints_say_what_they_are(uninterrupted):
    last, notes = uninterrupted
    checkpoint = load_checkpoint(last)
    assert notes.folders == ["step-0000101", "step-0000102"]
    assert {"loss", "labels_alpha", "float_alpha", "float_gradient"} <= set(notes.losses[101])
    assert checkpoint.step == 102
    assert checkpoint.provenance["recipe"]["name"] == "quantization-aware"
    assert checkpoint.ranges.source == {"photos": 8, "trained_steps": 2}
    assert {"mad", "validation_mad", "validation_gauss_grad", "validation_mad_from_float"} <= set(checkpoint.metrics)
    assert checkpoint.fingerprint() != START.fingerprint()
    moved = [name for name, value in START.weights.items() if not np.array_equal(checkpoint.weights[name], value)]
    assert any(name.endswith("depthwise_weights") for name in moved)
    assert not [name for name in moved if "moving_" in name or "aux_block" in name]


def test_keras_alone_learns_nearly_the_same(uninterrupted, portraits, tmp_path):
    """Both simulations round to the same values; the gradients are summed in another order."""
    last, notes = uninterrupted
    ours = Notes()
    folder = train_quantized(quantized_run(tmp_path / "keras", portraits), keras, ours, measure, "keras")
    assert ours.losses[101]["loss"] == pytest.approx(notes.losses[101]["loss"], rel=1e-4)
    found, expected = load_checkpoint(folder), load_checkpoint(last)
    assert set(found.ranges.limits) == set(expected.ranges.limits)
    for name, value in expected.weights.items():
        np.testing.assert_allclose(found.weights[name], value, atol=5e-3, err_msg=name)
    again = train_quantized(quantized_run(tmp_path / "keras", portraits), keras, Notes(), measure, "keras")
    assert again == folder


def test_float_export_reproduces_what_was_trained(uninterrupted):
    """The inverted variables, through Keras with its norms, are the network that the rewriting makes of them."""
    checkpoint = load_checkpoint(uninterrupted[0])
    graph = inference_graph(checkpoint)
    assert check_against_keras(to_float(graph), checkpoint, probe_images(SIZE, 2)).passed


def test_the_simulation_is_what_the_phone_computes(uninterrupted, photos):
    checkpoint = load_checkpoint(uninterrupted[0])
    graph = inference_graph(checkpoint)
    images = load_calibration(photos, SIZE).images
    _, simulated = Simulation(graph, checkpoint.ranges.limits).model(images / np.float32(255), training=False)
    with MattingModel(to_int8_from_ranges(graph, checkpoint.ranges.limits)) as model:
        computed = np.stack([model.run_float(image) for image in images])
    with MattingModel(to_float(graph)) as model:
        exact = np.stack([model.run_float(image) for image in images])
    difference = float(np.abs(simulated.numpy()[..., 0] - computed).mean())
    assert exact.std() > 0.01
    assert difference < 0.003
    # Rounding is what it simulates: the float network is farther away.
    assert difference < float(np.abs(exact - computed).mean())


def test_ranges_follow_the_activations(uninterrupted):
    before, after = measure().limits, load_checkpoint(uninterrupted[0]).ranges.limits
    assert set(after) == set(before)
    assert after != before
    # Two steps of a moving average with decay 0.999.
    for name, (low, high) in after.items():
        assert high == pytest.approx(before[name][1], rel=0.02)
        assert low == pytest.approx(before[name][0], rel=0.02, abs=0.02)


def test_killed_and_resumed_it_ends_at_the_same_weights_bit_for_bit(uninterrupted, portraits, tmp_path):
    """The process is killed without warning in the second step, after the checkpoint of the first."""
    script = f"""
import os, signal, sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[1])!r}]
from pathlib import Path
import keras
from mmnet.training.qat.loop import train_quantized
from support import eagerly
from test_qat import Notes, measure, quantized_run
class Killed(Notes):
    def on_step(self, step, *rest):
        if step == 102:
            os.kill(os.getpid(), signal.SIGKILL)
with eagerly():
    train_quantized(quantized_run(Path({str(tmp_path / "run")!r}), Path({str(portraits)!r})), keras, Killed(), measure)
"""
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["step-0000101"]

    notes = Notes()
    last = train_quantized(
        quantized_run(tmp_path / "run", portraits), keras, notes, lambda: pytest.fail("measured again")
    )
    assert notes.stages == [(0, 1, 2)]
    assert list(notes.losses) == [102]
    resumed, expected = load_checkpoint(last), load_checkpoint(uninterrupted[0])
    assert resumed.fingerprint() == expected.fingerprint()
    assert resumed.metrics == expected.metrics
    assert (last / STATE_FILE).read_bytes() == (uninterrupted[0] / STATE_FILE).read_bytes()


@pytest.mark.parametrize(
    ("changes", "message"), [({"seed": 1}, "seed=…: 1, and 0 at first"), ({"steps": 3}, "steps=…: 3, and 2 at first")]
)
def test_other_options_cannot_resume_and_are_named(uninterrupted, portraits, changes, message):
    with pytest.raises(ResumeError, match=message):
        train_quantized(quantized_run(uninterrupted[0].parent, portraits, **changes), keras, Notes(), measure)


def test_fewer_steps_than_none_are_refused():
    with pytest.raises(RecipeError, match="-1"):
        recipe_for(SIZE, -1, None)


def test_the_command_trains_resumes_and_exports_without_photos(portraits, tmp_path):
    save_checkpoint(START, tmp_path / "checkpoints" / "start")
    arguments = [
        "mmnet", "quantize", "--ckpt", "start", "--data", portraits, "--validation", "0.3", "--steps", "1",
        "--batch", "2", "--run", "mine", "--workers", "1",
    ]  # fmt: skip
    result = run(*arguments, "--resume", "latest", cwd=tmp_path, timeout=900)
    assert result.returncode == 0, result.stderr
    assert "note: checkpoints/mine: holds no checkpoint to go on from; a new run begins" in result.stderr
    assert "step-0000101" in result.stdout
    assert list((tmp_path / "checkpoints" / "mine" / "events").iterdir())
    assert "--resume latest" in error_line(run(*arguments, cwd=tmp_path))
    exported = run("export-tflite", "--ckpt", "mine", cwd=tmp_path)
    assert exported.returncode == 0, exported.stderr
    assert "quantization-aware training of 1 steps" in exported.stdout
    assert (tmp_path / f"mine-step-0000101-{SIZE}-int8.tflite").is_file()
