"""TensorFlow, JAX, several devices and mixed precision have the same losses."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from support import ROOT, error_line, random_checkpoint, run
from training_runs import SIZE, losses_of_a_few_steps

from mmnet.network.checkpoint import load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.training.backend import BackendError, load_keras
from mmnet.training.recipes import RECIPES

pytestmark = pytest.mark.slow

pytest.importorskip("jax", reason="JAX is not installed (pip install 'mmnet[jax]')")

_SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from training_runs import losses_of_a_few_steps
from mmnet.training.backend import load_keras
from mmnet.training.recipes import RECIPES
folder, images, start = map(Path, json.loads(sys.argv[1]))
print(json.dumps(losses_of_a_few_steps(load_keras("jax", RECIPES["fine-tune"]), folder, images, start)))
"""


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start") / "checkpoint"
    save_checkpoint(random_checkpoint(ModelConfig(0.35, SIZE, "half_pixel"), seed=1), folder)
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory, images, start):
    """The losses on TensorFlow, in this process."""
    return losses_of_a_few_steps(keras, tmp_path_factory.mktemp("tensorflow") / "run", images, start)


def on_jax(folder, images, start, *, devices):
    """Return the losses on JAX, from another process, since a process has one backend of Keras."""
    arguments = [str(folder), str(images), str(start)]
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT, json.dumps(arguments), str(ROOT / "tests")],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": "/usr/bin:/bin",
            "JAX_PLATFORMS": "cpu",
            # Little optimization, because the compiled steps run only a few times.
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices} --xla_backend_optimization_level=0 "
            "--xla_llvm_disable_expensive_passes=true",
        },
    )
    assert result.returncode == 0, result.stderr
    return {int(step): losses for step, losses in json.loads(result.stdout.splitlines()[-1]).items()}


def assert_equal(found, expected, tolerance):
    assert list(found) == list(expected)
    for step, losses in expected.items():
        for name, loss in losses.items():
            assert found[step][name] == pytest.approx(loss, rel=tolerance, abs=1e-6), (step, name)


@pytest.mark.slow
def test_jax_on_two_devices_has_the_losses_of_tensorflow_on_one(expected, images, start, tmp_path):
    """Later steps have a larger tolerance: Adam enlarges differences in the last bits of small gradients."""
    found = on_jax(tmp_path / "run", images, start, devices=2)
    assert_equal({10**6: found[min(found)]}, {10**6: expected[min(expected)]}, 2e-5)
    assert_equal(found, expected, 2e-3)
    saved = load_checkpoint(next((tmp_path / "run").iterdir()))
    assert saved.step == max(expected)
    assert all(np.isfinite(weight).all() for weight in saved.weights.values())


@pytest.mark.slow
def test_mixed_precision_trains_almost_the_same(expected, images, start, tmp_path):
    found = losses_of_a_few_steps(keras, tmp_path / "run", images, start, mixed=True)
    assert_equal(found, expected, 0.1)
    assert found[min(found)]["alpha"] != expected[min(expected)]["alpha"]
    weights = load_checkpoint(next((tmp_path / "run").iterdir())).weights
    assert {weight.dtype for weight in weights.values()} == {np.dtype(np.float32)}


def test_another_backend_in_the_same_process_is_refused():
    before = os.environ.get("KERAS_BACKEND")
    with pytest.raises(BackendError, match="new process"):
        load_keras("jax", RECIPES["fine-tune"])
    assert os.environ.get("KERAS_BACKEND") == before, "processes started from here would compute with another"


def test_the_command_names_the_backends(images, tmp_path, start):
    data = ["--data", images / "portraits", "--validation", "0.3"]
    result = run("mmnet", "train", *data, "--from", start, "--backend", "torch", cwd=tmp_path)
    assert "tensorflow, jax, compiled" in error_line(result)
