"""A run of a small network on drawn images, and a listener that records it."""

from __future__ import annotations

from dataclasses import replace

from mmnet.network.checkpoint import load_checkpoint
from mmnet.training.data.dataset import load_data
from mmnet.training.listener import TrainingListener
from mmnet.training.loop import train
from mmnet.training.recipes import find_recipe
from mmnet.training.run import TrainingRun

SIZE = 32


class Notes(TrainingListener):
    """A listener that records stages, losses and checkpoints."""

    def __init__(self):
        self.stages, self.losses, self.folders = [], {}, []

    def on_stage(self, stage, first, done, total):
        self.stages.append((first, done, total))

    def on_step(self, step, losses, learning_rate, images_per_second):
        assert images_per_second > 0
        self.losses[step] = losses | {"learning_rate": learning_rate}

    def on_checkpoint(self, checkpoint, folder, images):
        assert images.shape[1:] == (3 * SIZE, 3)
        self.folders.append(folder.name)


def small_run(folder, images, start, steps=4, recipe="fine-tune", **changes):
    chosen = find_recipe(recipe).scaled(steps, 2)
    if "learning_rate" in changes:
        rate = changes.pop("learning_rate")
        chosen = replace(chosen, stages=tuple(replace(s, learning_rate=rate, warmup=0) for s in chosen.stages))
    chosen = replace(chosen, stages=tuple(replace(stage, size=SIZE) for stage in chosen.stages))

    def data(size):
        return load_data(
            [str(images / "portraits")], size, augmentation=chosen.augmentation, validation=0.3,
            backgrounds=images / "scenes", workers=1,
        )  # fmt: skip

    return TrainingRun(chosen, folder, data, {"data": ["drawn"]}, start=start, **{"save_every": 2} | changes)


def losses_of_a_few_steps(keras, folder, images, start, mixed=False):
    """Return the losses of a few steps of four images, by step."""
    notes = Notes()
    run = small_run(folder, images, load_checkpoint(start), steps=3, save_every=3)
    stages = tuple(replace(stage, batch=4) for stage in run.recipe.stages)
    train(replace(run, recipe=replace(run.recipe, stages=stages, mixed_precision=mixed)), keras, notes)
    return notes.losses
