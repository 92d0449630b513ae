"""A training of a small network on drawn images, and a listener that writes down how it goes."""

from __future__ import annotations

from dataclasses import replace

from mmnet.network.checkpoint import load_checkpoint
from mmnet.training.data.pipeline import load_data
from mmnet.training.loop import Job, train
from mmnet.training.recipes import find_recipe

SIZE = 32


class Notes:
    """A listener that writes everything down."""

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


def job(folder, images, start, steps=4, recipe="fine-tune", **changes):
    chosen = find_recipe(recipe).scaled(steps, 2)
    if "learning_rate" in changes:
        rate = changes.pop("learning_rate")
        chosen = replace(chosen, stages=tuple(replace(s, learning_rate=rate, warmup=0) for s in chosen.stages))
    chosen = replace(chosen, stages=tuple(replace(stage, size=SIZE) for stage in chosen.stages))

    def data(size):
        return load_data(
            [str(images / "portraits")], size, recipe=chosen.augmentation, validation=0.3,
            backgrounds=images / "scenes", workers=1,
        )  # fmt: skip

    return Job(chosen, folder, data, {"data": ["drawn"]}, start=start, **{"save_every": 2} | changes)


def losses_of_a_few_steps(keras, folder, images, start, mixed=False):
    """The losses of a few steps of four images, by step."""
    notes = Notes()
    task = job(folder, images, load_checkpoint(start), steps=3, save_every=3)
    stages = tuple(replace(stage, batch=4) for stage in task.recipe.stages)
    train(replace(task, recipe=replace(task.recipe, stages=stages, mixed_precision=mixed)), keras, notes)
    return notes.losses
