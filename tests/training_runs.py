"""A run of a small network on drawn images, and a listener that records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from mmnet.arrays import U8Array
from mmnet.network.checkpoint import Checkpoint, load_checkpoint
from mmnet.training.data.dataset import DataSet, load_data
from mmnet.training.engines.keras_engine import KerasEngine
from mmnet.training.listener import TrainingListener
from mmnet.training.loop import train
from mmnet.training.recipes import Stage, find_recipe
from mmnet.training.run import TrainingRun

SIZE = 32


class Notes(TrainingListener):
    """A listener that records stages, losses and checkpoints."""

    def __init__(self) -> None:
        self.stages: list[tuple[int, int, int]] = []
        self.losses: dict[int, dict[str, float]] = {}
        self.folders: list[str] = []

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        self.stages.append((first, done, total))

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        assert images_per_second > 0
        self.losses[step] = dict(losses) | {"learning_rate": learning_rate}

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        assert images.shape[1:] == (3 * SIZE, 3)
        self.folders.append(folder.name)


def small_run(
    folder: Path, images: Path, start: Checkpoint | None, steps: int = 4, recipe: str = "fine-tune", **changes: Any
) -> TrainingRun:
    """Return a run of a few steps on the drawn images in a folder."""
    chosen = find_recipe(recipe).scaled(steps, 2)
    if "learning_rate" in changes:
        rate = changes.pop("learning_rate")
        chosen = replace(chosen, stages=tuple(replace(s, learning_rate=rate, warmup=0) for s in chosen.stages))
    chosen = replace(chosen, stages=tuple(replace(stage, size=SIZE) for stage in chosen.stages))

    def data(size: int) -> DataSet:
        return load_data(
            [str(images / "portraits")], size, augmentation=chosen.augmentation, validation=0.3,
            backgrounds=images / "scenes", workers=1,
        )  # fmt: skip

    options: dict[str, Any] = {"save_every": 2, **changes}
    return TrainingRun(chosen, folder, data, {"data": ["drawn"]}, start=start, **options)


def losses_of_a_few_steps(
    keras: ModuleType, folder: Path, images: Path, start: Path, mixed: bool = False
) -> dict[int, dict[str, float]]:
    """Return the losses of a few steps of four images, by step."""
    notes = Notes()
    run = small_run(folder, images, load_checkpoint(start), steps=3, save_every=3)
    stages = tuple(replace(stage, batch=4) for stage in run.recipe.stages)
    train(
        replace(run, recipe=replace(run.recipe, stages=stages, mixed_precision=mixed)),
        partial(KerasEngine, keras),
        notes,
    )
    return notes.losses
