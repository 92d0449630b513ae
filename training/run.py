"""The description of a training run, and the errors that end one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmnet.errors import MMNetError
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import ModelConfig
from mmnet.training.data.dataset import DataSet, load_data
from mmnet.training.listener import TrainingListener
from mmnet.training.recipes import Recipe, RecipeError, Stage
from mmnet.training.resuming import differences


class DivergedError(MMNetError):
    """The loss is no longer finite."""


class ResumeError(MMNetError):
    """A run cannot be resumed with these settings."""


@dataclass(frozen=True)
class TrainingRun:
    """One training run.

    Attributes:
        recipe: how to train.
        folder: the run's folder, in which each checkpoint is a folder `step-0000123`.
        data: returns the data for a stage's input size; see `data_reader`.
        description: of the data, for the checkpoints.
        seed: of the initial weights, the order of the data and the augmentation.
        start: the checkpoint to go on from, or None for a new network.
        teacher: a checkpoint whose alphas are mixed with the labels (`Recipe.teacher_share`), or None.
        width: width multiplier of a new network.
        save_every: steps between checkpoints.
        keep: how many of the newest checkpoints to keep, in addition to the best.
        workers: threads of the input pipeline; None: one per core.
        extends: whether the run goes on with more steps in its last stage than its newest checkpoint records.

    Raises:
        RecipeError: the recipe goes on from a checkpoint and `start` is None, or `save_every` is less than 1.
    """

    recipe: Recipe
    folder: Path
    data: Callable[[int], DataSet]
    description: Mapping[str, Any]
    seed: int = 0
    start: Checkpoint | None = None
    teacher: Checkpoint | None = None
    width: float = 1.0
    save_every: int = 1000
    keep: int = 3
    workers: int | None = None
    extends: bool = False

    def __post_init__(self) -> None:
        if self.recipe.continues and self.start is None:
            raise RecipeError(f"recipe {self.recipe.name} goes on from a checkpoint; name it with start=…")
        if self.save_every < 1:
            raise RecipeError(f"{self.save_every} steps between checkpoints are too few; choose at least 1")

    @property
    def first_step(self) -> int:
        """The step count at which this run begins."""
        return self.start.step if self.start is not None else 0

    def config(self, stage: Stage) -> ModelConfig:
        """Return the configuration of the network in a stage."""
        start = self.start.config if self.start else ModelConfig(self.width, stage.size, self.recipe.sampling)
        return replace(start, size=stage.size)

    @property
    def identity(self) -> dict[str, Any]:
        """The values that a resumed run must share with its beginning; the provenance of checkpoints records them."""
        teacher = {} if self.teacher is None else {"teacher_step": self.teacher.step}
        return {"recipe": self.recipe.to_json(), "seed": self.seed, "first_step": self.first_step, **teacher}

    @property
    def provenance(self) -> dict[str, Any]:
        """The provenance of this run's checkpoints: that of `start`, and the identity of this run."""
        return (dict(self.start.provenance) if self.start is not None else {}) | self.identity

    def check_resumes(self, saved: Path, recorded: Mapping[str, Any]) -> None:
        """Raise if a checkpoint does not belong to this run.

        Args:
            saved: its folder, for the message.
            recorded: its provenance.

        Raises:
            ResumeError: an option differs from those that the run began with; the message names each.
        """
        found = differences(recorded, self.identity, extends=self.extends)
        if not found:
            return
        told = "; ".join(f"{option}: {how}" for option, how in found.items())
        extend = ", lengthen the run with extend=True" if list(found) == ["steps=…"] else ""
        raise ResumeError(
            f"{saved}: the run cannot go on with other options ({told}). Give those of its beginning{extend}, or train "
            "into another folder with run=NAME"
        )

    def check_finite(self, step: int, losses: Mapping[str, float]) -> None:
        """Raise if a loss is not a finite number.

        Args:
            step: the step count, for the message.
            losses: name -> loss.

        Raises:
            DivergedError: a loss is infinite or not a number.
        """
        if not all(map(math.isfinite, losses.values())):
            raise DivergedError(
                f"{self.folder}: the loss is not finite at step {step}; earlier checkpoints are kept. Lower the "
                "learning rate, or check the data with `mmnet data check`"
            )


def data_reader(
    data: Sequence[str | Path],
    recipe: Recipe,
    validation: float,
    backgrounds: str | Path | None,
    workers: int | None,
    listener: TrainingListener,
) -> Callable[[int], DataSet]:
    """Return a function that reads the data for an input size and tells the listener about it.

    Args:
        data: data sets, each with an optional weight: `portraits/`, `wide/=0.5`.
        validation, backgrounds, workers: as for `mmnet.training.data.load_data`.
        recipe: its augmentation decides what is read.
        listener: receives the progress, and the data when they are read.
    """

    def read(size: int) -> DataSet:
        loaded = load_data(
            [str(name) for name in data],
            size,
            augmentation=recipe.augmentation,
            validation=validation,
            backgrounds=None if backgrounds is None else Path(backgrounds),
            workers=workers,
            progress=lambda done, total: listener.on_progress("reading images", done, total),
        )
        listener.on_data(loaded, size)
        return loaded

    return read


def describe_data(data: Sequence[str | Path], validation: float) -> dict[str, Any]:
    """Return the description of the data that checkpoints record: the names of the data sets, without their folders."""
    return {"data": [Path(name).name for name in data], "validation": validation}
