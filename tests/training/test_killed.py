"""Runs whose process was killed while it saved or removed a checkpoint, and damage to older checkpoints."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import random_checkpoint

from mmnet.files import is_temporary
from mmnet.network.checkpoint import CONFIG_FILE, WEIGHTS_FILE, CheckpointCorruptError, load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import resolve
from mmnet.training.checkpoints import STATE_FILE, check_new, newest_step, save_step, step_folder, step_folders
from mmnet.training.recipes import find_recipe
from mmnet.training.run import TrainingRun

CHECKPOINT = random_checkpoint(ModelConfig(0.35, 32), step=0)
STATE = {"optimizer/0000": np.zeros(3, np.float32)}


def a_run(folder: Path, keep: int = 2) -> TrainingRun:
    return TrainingRun(find_recipe("portrait"), folder, lambda size: None, {}, keep=keep)  # type: ignore[arg-type,return-value]


def save(run: TrainingRun, step: int, mad: float = 0.5) -> None:
    save_step(run, replace(CHECKPOINT, step=step, metrics={"mad": mad}, provenance=run.provenance), STATE)


# Saves steps 1, 2 … until the process kills itself: before the third file of a kind is written, or the n-th is removed.
KILLED = """
import os, pathlib, signal, sys
sys.path[:0] = [sys.argv[1]]
from pathlib import Path
from test_killed_parts import a_run, save
which, count = sys.argv[3], 0
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def counted(original, matches, limit):
    def call(self, *arguments, **options):
        global count
        if matches(self):
            count += 1
            if count == limit:
                die()
        return original(self, *arguments, **options)
    return call
for name in ("write_text", "write_bytes"):
    setattr(Path, name, counted(getattr(Path, name), lambda path: path.name == which, 3))
if which.isdigit():
    unlink, done = os.unlink, 0
    def removing(*arguments, **options):
        global done
        done += 1
        if done > int(which):
            die()
        return unlink(*arguments, **options)
    os.unlink = removing
run = a_run(Path(sys.argv[2]))
for step in range(1, 9):
    save(run, step, 1 / step)
"""


def killed(folder: Path, which: str) -> None:
    parts = folder.parent / "parts"
    parts.mkdir()
    shutil.copy(__file__, parts / "test_killed_parts.py")
    shutil.copy(Path(__file__).parents[1] / "support.py", parts)
    done = subprocess.run([sys.executable, "-c", KILLED, parts, folder, which], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("which", [WEIGHTS_FILE, CONFIG_FILE, STATE_FILE])
def test_killed_while_it_saves(tmp_path: Path, which: str) -> None:
    folder = tmp_path / "run"
    killed(folder, which)
    assert [path.name for path in folder.glob(".*") if is_temporary(path.name)]
    saved = newest_step(a_run(folder))
    assert saved is not None
    assert saved.folder == step_folder(folder, 2)
    assert resolve(str(folder), tmp_path).path == resolve("latest", tmp_path).path == step_folder(folder, 2)
    save(a_run(folder), 3)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("removed", ["0", "1", "2"])
def test_killed_while_it_removes_old_checkpoints(tmp_path: Path, removed: str) -> None:
    folder = tmp_path / "run"
    killed(folder, removed)
    saved = newest_step(a_run(folder))
    assert saved is not None
    for step in step_folders(folder):
        assert load_checkpoint(step).step
    assert resolve("best", tmp_path).load().step == saved.checkpoint.step
    save(a_run(folder), 9, 0.01)
    assert not list(folder.glob(".*"))


def damage(run: Path, step: int, what: str) -> None:
    if what == "no weights":
        (step_folder(run, step) / WEIGHTS_FILE).unlink()
    else:
        (step_folder(run, step) / CONFIG_FILE).write_text(what)


@pytest.mark.parametrize("what", ["no weights", "", "{", '{"format": "mmnet-checkpoint/1", "step": true}'])
def test_an_older_checkpoint_that_cannot_be_read_is_passed_over_with_a_line(tmp_path: Path, what: str) -> None:
    run = a_run(tmp_path / "run", keep=9)
    for step in (1, 2, 3):
        save(run, step)
    damage(run.folder, 1, what)
    skipped: list[str] = []
    saved = newest_step(run, skipped.append)
    assert saved is not None
    assert saved.checkpoint.step == 3
    assert len(skipped) == 1
    assert str(step_folder(run.folder, 1)) in skipped[0]
    for wanted in (str(run.folder), "latest", "best"):
        found = resolve(wanted, tmp_path)
        assert found.load().step in (2, 3)
        assert f"passed over: {step_folder(run.folder, 1)}" in found.reason
    save(run, 4)


def test_the_newest_that_cannot_be_read_is_an_error_with_the_way_out(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run", keep=9)
    for step in (1, 2):
        save(run, step)
    damage(run.folder, 2, "{")
    for read in (lambda: newest_step(run), lambda: resolve(str(run.folder), tmp_path)):
        with pytest.raises(CheckpointCorruptError, match=r"remove .*step-0000002 to go on from step 1"):
            read()


def test_nothing_but_damage_is_an_error(tmp_path: Path) -> None:
    save_checkpoint(CHECKPOINT, tmp_path / "mine")
    (tmp_path / "mine" / CONFIG_FILE).write_text("[")
    for wanted in ("latest", "best", "mine"):
        with pytest.raises(CheckpointCorruptError, match="not valid JSON"):
            resolve(wanted, tmp_path).load()


def test_a_run_that_was_killed_in_its_first_save_can_begin_again(tmp_path: Path) -> None:
    (tmp_path / "run" / ".step-0000001.x").mkdir(parents=True)
    check_new(tmp_path / "run")
