"""The compiled training step: gradients of TensorFlow, the same run as Keras', refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from safetensors.numpy import load_file
from support import EAGERLY, PATIENCE, ROOT, eagerly, error_line, random_checkpoint, run
from training_runs import SIZE, Notes, small_run

from mmnet.network.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras, trained_names
from mmnet.network.variables import variable_shapes
from mmnet.training.backend import load_engine
from mmnet.training.checkpoints import STATE_FILE, load_step
from mmnet.training.compiled.library import NotCompiledError, instruction_sets, load_library
from mmnet.training.compiled.step import CompiledStep
from mmnet.training.engines.compiled_engine import CompiledEngine, check_run
from mmnet.training.engines.keras_engine import KerasEngine
from mmnet.training.engines.muon import muon_matrices, muon_step
from mmnet.training.loop import train
from mmnet.training.losses import matting_losses
from mmnet.training.recipes import LOSSES, RecipeError
from mmnet.training.run import ResumeError

try:
    SETS = instruction_sets(load_library())
except NotCompiledError:
    SETS = []

pytestmark = [
    pytest.mark.filterwarnings(EAGERLY),
    pytest.mark.skipif(
        not SETS, reason="NO C COMPILER WAS THERE WHEN MMNET WAS INSTALLED: the compiled training step was not tested"
    ),
]

LOSS_WEIGHTS = dict(zip(LOSSES, (3.0, 3.0, 30.0, 1.0, 0.5), strict=True))
IMAGES = 3
FINISH, PEOPLE = "whole-people-finish", "people"


@dataclass
class Case:
    """A network, a batch, and what TensorFlow computes of them."""

    config: ModelConfig
    weights: Any
    images: Any
    mattes: Any
    losses: dict[str, float]
    gradients: dict[str, Any]
    alphas: Any

    def step(self, **options: Any) -> CompiledStep:
        return CompiledStep(self.config, IMAGES, self.weights, LOSS_WEIGHTS, **options)


# Sides that no vector of 8 or 16 pixels divides: 48 has maps of 6 and 3 pixels, 80 of 10 and 5.
@pytest.fixture(
    scope="module",
    params=[ModelConfig(0.35, 48, "legacy"), ModelConfig(0.5, 80, "half_pixel")],
    ids=lambda config: f"{config.width}-{config.size}-{config.sampling}",
)
def case(request: pytest.FixtureRequest) -> Case:
    import tensorflow as tf

    config = request.param
    random = np.random.default_rng(0)
    coarse = [(random.random((12, 12, 3), np.float32), random.random((6, 6), np.float32)) for _ in range(IMAGES)]
    images, mattes = (
        np.stack([cv2.resize(one, (config.size, config.size)) for one in ones]) for ones in zip(*coarse, strict=True)
    )
    mattes = (3 * mattes - 1).clip(0, 1)[..., None]
    weights = random_checkpoint(config, seed=1).weights
    model = build_keras(config, keras)
    assign_weights(model, weights, config)
    with tf.GradientTape() as tape:
        outputs = model(images, training=False)
        losses = matting_losses(keras, images, mattes, outputs["final_block"], outputs["aux_block"])
        total = sum(LOSS_WEIGHTS[name] * loss for name, loss in losses.items())
    found = tape.gradient(total, [variable.value for variable in model.trainable_variables])
    gradients = {name: gradient.numpy() for name, gradient in zip(trained_names(model), found, strict=True)}
    alphas = keras.ops.softmax(outputs["final_block"])[..., 1].numpy()
    return Case(
        config, weights, images, mattes, {name: float(loss) for name, loss in losses.items()}, gradients, alphas
    )


@pytest.mark.parametrize("instructions", SETS)
def test_losses_gradients_and_alphas_are_those_of_tensorflow(case: Case, instructions: str) -> None:
    """Gradients have a larger tolerance: ReLU6 and |x| have kinks, on which a last bit decides between two slopes."""
    step = case.step(instructions=instructions)
    vector = step.trained.vector(case.weights)
    losses, gradients = step.losses_and_gradients(vector, case.images, case.mattes)
    assert losses == pytest.approx(case.losses, rel=2e-6)
    found = step.trained.weights(gradients)
    assert set(found) == set(case.gradients)
    for name, expected in case.gradients.items():
        assert np.abs(found[name] - expected).max() <= 5e-3 * np.abs(expected).max() + 1e-9, name
    np.testing.assert_allclose(step.alphas(vector, case.images), case.alphas, atol=5e-6)


@pytest.mark.parametrize("instructions", SETS)
def test_results_do_not_depend_on_the_threads(case: Case, instructions: str) -> None:
    results = []
    for threads in (1, 2, 3):
        step = case.step(instructions=instructions, threads=threads)
        losses, gradients = step.losses_and_gradients(step.trained.vector(case.weights), case.images, case.mattes)
        results.append([*losses.values(), *gradients])
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])


def test_other_shapes_and_instruction_sets_are_refused(case: Case) -> None:
    step = case.step()
    vector = step.trained.vector(case.weights)
    with pytest.raises(ValueError, match="this step takes arrays of the shape"):
        step.losses_and_gradients(vector, case.images[:2], case.mattes)
    with pytest.raises(ValueError, match="this step takes arrays of the shape"):
        step.alphas(vector, case.images[:, 1:])
    with pytest.raises(NotCompiledError, match="this processor has no neon; choose one of"):
        case.step(instructions="neon")


@pytest.mark.parametrize(("rows", "columns"), [(16, 48), (48, 16), (8, 8)])
def test_muon_steps_along_an_orthogonal_matrix(rows: int, columns: int) -> None:
    gradient = np.random.default_rng(0).normal(size=(rows, columns)).astype(np.float32)
    momentum, change = muon_step(gradient, np.zeros_like(gradient), 0.5)
    np.testing.assert_allclose(momentum, 0.05 * gradient, rtol=1e-5)
    values = np.linalg.svd(change / (0.5 * 0.2 * np.sqrt(max(rows, columns))), compute_uv=False)
    assert 0.3 < values.min() <= values.max() < 1.3
    _, same = muon_step(1000 * gradient, np.zeros_like(gradient), 0.5)
    np.testing.assert_allclose(same, change, rtol=1e-3, atol=1e-4)


def test_muon_trains_no_head_and_no_spatial_kernel() -> None:
    matrices = muon_matrices(variable_shapes(ModelConfig()))
    assert "MMNet/enc_block9/merge/pointwise_conv/weights" in matrices
    assert not any(name.split("/")[1] in ("final_block", "aux_block", "init_block") for name in matrices)
    assert all(name.endswith("pointwise_conv/weights") for name in matrices)


@pytest.fixture(scope="module")
def start() -> Checkpoint:
    return random_checkpoint(ModelConfig(0.35, SIZE), seed=1, step=100)


def state_of(folder: Path) -> dict[str, Any]:
    return load_file(folder / STATE_FILE)


@pytest.mark.parametrize("recipe", [FINISH, PEOPLE])
def test_training_lowers_the_loss(images: Path, start: Checkpoint, tmp_path: Path, recipe: str) -> None:
    notes = Notes()
    run = small_run(tmp_path / "run", images, start, 60, recipe, learning_rate=3e-3, save_every=20)
    train(run, CompiledEngine, notes)
    mean_losses = [notes.losses[step]["loss"] for step in (120, 140, 160)]
    assert mean_losses[2] < mean_losses[1] < mean_losses[0]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, images: Path, start: Checkpoint) -> Any:
    """Runs of four steps by recipe: their last checkpoint, and what was noted."""
    runs = {}
    for recipe in (FINISH, PEOPLE):
        notes = Notes()
        folder = tmp_path_factory.mktemp("runs") / recipe
        runs[recipe] = (train(small_run(folder, images, start, recipe=recipe), CompiledEngine, notes), notes)
    return runs


class StoppedError(Exception):
    """A run is interrupted."""


class Stopping(Notes):
    """A listener that ends a run in its third step."""

    def on_step(self, step: int, *rest: Any) -> None:
        if step == 103:
            raise StoppedError


@pytest.mark.parametrize("recipe", [FINISH, PEOPLE])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(
    images: Path, start: Checkpoint, uninterrupted: Any, tmp_path: Path, recipe: str
) -> None:
    """The numbers of threads differ, too."""
    run = small_run(tmp_path / "run", images, start, recipe=recipe)
    with pytest.raises(StoppedError):
        train(run, partial(CompiledEngine, threads=1), Stopping())
    notes = Notes()
    last = train(run, partial(CompiledEngine, threads=2), notes)
    assert notes.stages == [(0, 2, 4)]
    whole, _ = uninterrupted[recipe]
    assert load_checkpoint(last).fingerprint() == load_checkpoint(whole).fingerprint()
    found, expected = state_of(last), state_of(whole)
    assert list(found) == list(expected)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_keras_goes_on_with_the_run_as_the_compiled_step_does(
    images: Path, start: Checkpoint, uninterrupted: Any, tmp_path: Path
) -> None:
    """Later steps have a larger tolerance: Adam enlarges differences in the last bits of small gradients."""
    whole, expected = uninterrupted[FINISH]
    run = small_run(tmp_path / "run", images, start, recipe=FINISH)
    with pytest.raises(StoppedError):
        train(run, CompiledEngine, Stopping())
    notes = Notes()
    with eagerly():
        last = train(run, partial(KerasEngine, keras), notes)
    assert list(notes.losses) == [103, 104]
    for step, losses in notes.losses.items():
        assert losses == pytest.approx(expected.losses[step], rel=1e-5 if step == 103 else 2e-3), step
    ours, keras_weights = (load_checkpoint(folder).weights for folder in (whole, last))
    moved = sum(np.square(ours[name] - start.weights[name]).sum() for name in ours)
    apart = sum(np.square(ours[name] - keras_weights[name]).sum() for name in ours)
    assert apart < 1e-3 * moved


@pytest.mark.slow
def test_the_compiled_step_does_not_go_on_with_a_run_of_keras(images: Path, start: Checkpoint, tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", images, start, steps=1, recipe=FINISH)
    with eagerly():
        last = train(run, partial(KerasEngine, keras), Notes())
    with pytest.raises(ResumeError, match="the run began with Keras"):
        CompiledEngine(run, run.recipe.stages[0], 0).restore(load_step(last))


def test_what_the_compiled_step_cannot_train_is_refused(images: Path, start: Checkpoint, tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", images, start, recipe=FINISH)
    mixed = replace(run, recipe=replace(run.recipe, mixed_precision=True))
    scratch = replace(run, recipe=replace(run.recipe, continues=False), start=None)
    norms = small_run(tmp_path / "run", images, start)
    for wrong, message in (
        (mixed, "leave out mixed_precision=True"),
        (scratch, "goes on from a checkpoint"),
        (norms, "trains its batch norms"),
        (replace(run, teacher=start), "has no teacher"),
    ):
        with pytest.raises(RecipeError, match=message):
            load_engine("compiled", wrong)
        with pytest.raises(RecipeError, match=message):
            check_run(wrong, wrong.recipe.stages)
    with pytest.raises(RecipeError, match="train with backend='compiled'"):
        load_engine("tensorflow", small_run(tmp_path / "run", images, start, recipe=PEOPLE))


def test_a_missing_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotCompiledError, match="install a C compiler and MMNet again"):
        load_library(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    (other / f"_train{EXTENSION_SUFFIXES[0]}").write_bytes(b"\x7fELF of something else")
    with pytest.raises(NotCompiledError, match="was not built"):
        load_library(other)


def test_the_command_refuses_in_the_words_of_the_command_line(images: Path, start: Checkpoint, tmp_path: Path) -> None:
    save_checkpoint(start, tmp_path / "start")
    common = ["train", "--data", str(images / "portraits"), "--from", str(tmp_path / "start")]
    common += ["--validation", "0.3", "--ckpt-dir", str(tmp_path), "--backend"]
    result = run("mmnet", *common, "compiled", "--recipe", "fine-tune")
    assert error_line(result).endswith(
        "choose --recipe people or --recipe whole-people-finish, or train with --backend tensorflow"
    )
    result = run("mmnet", *common, "tensorflow", "--recipe", "people")
    assert error_line(result).endswith("train with --backend compiled")


def test_training_imports_neither_keras_nor_tensorflow(images: Path, start: Checkpoint, tmp_path: Path) -> None:
    script = """
import json, sys
from dataclasses import replace
import mmnet
from mmnet.training.recipes import find_recipe
data, start, folder = json.loads(sys.argv[1])
recipe = find_recipe("people").scaled(2, 2)
recipe = replace(recipe, stages=tuple(replace(stage, size=32) for stage in recipe.stages))
mmnet.train(data=data, start=start, recipe=recipe, checkpoint_dir=folder, backend="compiled", validation=0.3)
print(sorted({"keras", "tensorflow", "jax"} & set(sys.modules)))
"""
    save_checkpoint(start, tmp_path / "start")
    arguments = json.dumps([str(images / "portraits"), str(tmp_path / "start"), str(tmp_path)])
    command = [sys.executable, "-W", "ignore", "-c", script, arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=ROOT)
    assert result.stdout == "[]\n", result.stderr
