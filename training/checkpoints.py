"""The checkpoints of a run: writing them with the state of the training, reading them again, keeping the best."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.arrays import AnyArray
from mmnet.errors import OutputExistsError
from mmnet.failures import note
from mmnet.json_reader import is_of
from mmnet.network.checkpoint import (
    Checkpoint,
    CheckpointCorruptError,
    load_checkpoint,
    load_safetensors,
    read_document,
    save_checkpoint,
)
from mmnet.network.steps import read_steps
from mmnet.training.events import EVENTS_FOLDER
from mmnet.training.run import ResumeError, TrainingRun

STATE_FILE = "training.safetensors"


@dataclass(frozen=True)
class SavedStep:
    """A checkpoint of a run with the state that training goes on from.

    Attributes:
        folder: of the checkpoint.
        checkpoint: the network.
        state: name -> array, for example the weights before averaging and the optimizer's variables.
    """

    folder: Path
    checkpoint: Checkpoint
    state: Mapping[str, AnyArray]

    def restore(self, name: str, variable: Any) -> None:
        """Assign an array of the state to a variable.

        Args:
            name: of the array.
            variable: of Keras or tf-keras.

        Raises:
            CheckpointCorruptError: the array is missing or has another shape.
        """
        variable.assign(self.array(name, tuple(variable.shape)))

    def array(self, name: str, shape: tuple[int, ...]) -> AnyArray:
        """Return an array of the state.

        Raises:
            CheckpointCorruptError: it is missing or has another shape.
        """
        value = self.state.get(name)
        if value is None or value.shape != shape:
            raise CheckpointCorruptError(f"{self.folder / STATE_FILE}: does not hold the state of this training")
        return value


def check_new(folder: Path) -> None:
    """Raise if a run's folder holds more than the record of a run that ended before its first checkpoint.

    Raises:
        OutputExistsError: it holds checkpoints or other files.
    """
    entries = list(folder.iterdir()) if folder.exists() else []
    if any(entry.name != EVENTS_FOLDER and not entry.name.startswith(".") for entry in entries):
        raise OutputExistsError(f"{folder}: holds a run already; go on with resume=True, or name another with run=NAME")


def note_new(folder: Path) -> None:
    """Log that a run which is to go on begins anew, if its folder holds no checkpoint."""
    steps = read_steps(folder)
    if not steps.folders and not steps.unreadable:
        note(f"{folder}: holds no checkpoint to go on from; a new run begins")


def save_step(run: TrainingRun, checkpoint: Checkpoint, state: Mapping[str, AnyArray]) -> Path:
    """Write a checkpoint with the state of the training, and remove old checkpoints.

    Args:
        run: the run.
        checkpoint: the network, its step and its metrics.
        state: name -> array.

    Returns:
        The checkpoint's folder.

    Raises:
        OutputError: the checkpoint could not be written.
    """
    folder = step_folder(run.folder, checkpoint.step)
    save_checkpoint(checkpoint, folder, beside={STATE_FILE: load_safetensors().numpy.save(dict(state))})
    _prune(run)
    return folder


def step_folder(run: Path, step: int) -> Path:
    """Return the folder of a checkpoint in the folder of its run."""
    return run / f"step-{step:07}"


def load_step(folder: Path) -> SavedStep:
    """Read a checkpoint of a run with the state of the training.

    Raises:
        ResumeError: there is no state beside the checkpoint, or it cannot be read.
        CheckpointCorruptError: a file is damaged.
    """
    path = folder / STATE_FILE
    safetensors = load_safetensors()
    try:
        state = safetensors.numpy.load_file(path)
    except OSError as error:
        raise ResumeError(
            f"{path}: cannot be read, so the run cannot be resumed; begin a new one with start={str(folder)!r}"
        ) from error
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError) as error:
        raise CheckpointCorruptError(f"{path}: truncated or altered ({error})") from error
    return SavedStep(folder, load_checkpoint(folder), state)


def newest_step(run: TrainingRun, skipped: Callable[[str], None] = lambda reason: None) -> SavedStep | None:
    """Read the newest checkpoint in a run's folder; None if there is none.

    Args:
        run: the run.
        skipped: called with the reason for every older checkpoint that cannot be read.

    Raises:
        ResumeError: it belongs to another recipe, seed or start, or has no training state.
        CheckpointCorruptError: it is damaged.
    """
    steps = read_steps(run.folder)
    newest = steps.newest()
    for reason in steps.unreadable.values():
        skipped(reason)
    if newest is None:
        return None
    saved = load_step(newest)
    run.check_resumes(saved.folder, saved.checkpoint.provenance)
    return saved


def recorded_recipe(run: Path) -> Mapping[str, Any]:
    """Return the recipe that the newest checkpoint in a run's folder records, as JSON values.

    Raises:
        ResumeError: there is no checkpoint, or it records none.
    """
    folders = step_folders(run)
    recipe = read_document(folders[-1])["provenance"].get("recipe") if folders else None
    if not isinstance(recipe, dict):
        raise ResumeError(
            f"{run}: holds no run that can be extended; leave out extend=True, or name another with run=NAME"
        )
    return recipe


def step_folders(run: Path) -> list[Path]:
    """List the folders of the checkpoints in a run's folder by step, without those that cannot be read."""
    return list(read_steps(run).folders)


def best_step_folder(folders: list[Path]) -> Path:
    """Return the checkpoint folder whose recorded MAD is lowest."""

    def mad(folder: Path) -> float:
        value = read_document(folder)["metrics"].get("mad", math.inf)
        return float(value) if is_of(value, float) else math.inf

    return min(folders, key=mad)


def _prune(run: TrainingRun) -> None:
    """Remove all checkpoints but the newest and the best, and what killed processes left behind.

    A folder gets a hidden name first. A process that is killed while it removes files leaves no half checkpoint.
    """
    folders = step_folders(run.folder)
    best = best_step_folder(folders)
    for folder in folders[: -run.keep]:
        if folder != best:
            removed = folder.with_name(f".{folder.name}.old")
            shutil.rmtree(removed, ignore_errors=True)
            folder.rename(removed)
    for left in run.folder.glob(".step-*"):
        shutil.rmtree(left, ignore_errors=True)
