"""The average of checkpoints."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from support import error_line, random_checkpoint, run

from mmnet.network.average import AverageError, average, parse_factor
from mmnet.network.checkpoint import load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig

CONFIG = ModelConfig(0.35, 32)
ONE, OTHER = random_checkpoint(CONFIG, seed=1, step=10), random_checkpoint(CONFIG, seed=2, step=20)


def test_every_variable_is_the_weighted_mean():
    found = average([(ONE, 3), (OTHER, 1)])
    assert found.step == 20
    assert set(found.weights) == set(ONE.weights)
    for name, value in found.weights.items():
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, 0.75 * ONE.weights[name] + 0.25 * OTHER.weights[name], atol=1e-6)


def test_of_one_and_the_same_it_is_that():
    assert average([(ONE, 0.2), (ONE, 0.6)]).fingerprint() == ONE.fingerprint()


@pytest.mark.parametrize("parts", [[(ONE, 1)], [(ONE, 1), (random_checkpoint(ModelConfig(0.5, 32)), 1)]])
def test_what_makes_no_average_is_refused(parts):
    with pytest.raises(AverageError, match="average"):
        average(parts)


def test_checkpoints_of_two_input_sizes_are_averaged_at_one(tmp_path):
    save_checkpoint(ONE, tmp_path / "small")
    save_checkpoint(OTHER.resized(48), tmp_path / "large")
    command = ["mmnet", "average", "small=1", "large=1", "-o", "out"]
    assert "--size" in error_line(run(*command, cwd=tmp_path))
    assert run(*command, "--size", "48", cwd=tmp_path).returncode == 0
    written = load_checkpoint(tmp_path / "out")
    assert written.config.size == 48
    assert written.fingerprint() == average([(ONE.resized(48), 1), (OTHER.resized(48), 1)]).fingerprint()


@pytest.mark.parametrize("text", ["mine", "mine=", "=0.5", "mine=0", "mine=-1", "mine=nan", "mine=inf", "mine=x"])
def test_a_bad_factor_is_named(text):
    with pytest.raises(AverageError, match="factor above 0"):
        parse_factor(text)


def test_the_command_writes_a_checkpoint_that_says_what_it_is(tmp_path):
    for name, checkpoint in {"a": ONE, "b=c": OTHER}.items():
        save_checkpoint(checkpoint, tmp_path / name)
    done = run("mmnet", "average", "a=0.65", "b=c=0.35", "-o", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = load_checkpoint(tmp_path / "out")
    assert written.fingerprint() == average([(ONE, 0.65), (OTHER, 0.35)]).fingerprint()
    assert [part["step"] for part in written.provenance["average of"]] == [10, 20]
    again = run("mmnet", "average", "a=1", "b=c=1", "-o", "out", cwd=tmp_path)
    assert "out" in error_line(again)


def test_averages_of_averages_tell_each_origin_once():
    """Every further average would double what the .tflite and the checkpoint carry."""
    parts = [replace(ONE, provenance={"recipe": "first"}), replace(OTHER, provenance={"recipe": "second"})]
    inner = average([(part, 0.5) for part in parts])
    further = replace(random_checkpoint(CONFIG, seed=3, step=30), provenance={**inner.provenance, "recipe": "third"})
    outer = average([(inner, 0.5), (further, 0.5)])
    told = json.dumps(outer.provenance)
    assert [told.count(name) for name in ("first", "second", "third")] == [1, 1, 1]
    again = outer.provenance["average of"][1]["provenance"]["average of"]
    assert [set(part) for part in again] == [{"step", "share", "sha256"}] * 2
    assert [part["sha256"] for part in again] == [part.fingerprint() for part in parts]
