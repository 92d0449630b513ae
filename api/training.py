"""Training of a network, as one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mmnet.arguments import check_fields, checked_arguments
from mmnet.network.checkpoint import Checkpoint, load_checkpoint, read_document
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint, open_checkpoint, resolve
from mmnet.training.backend import load_engine
from mmnet.training.checkpoints import best_step_folder, check_new, note_new, recorded_recipe, step_folders
from mmnet.training.data.dataset import find_sources
from mmnet.training.data.usable import check_images
from mmnet.training.events import EventFiles
from mmnet.training.listener import ListenerGroup, TrainingListener
from mmnet.training.loop import train as train_run
from mmnet.training.recipes import Recipe, find_recipe
from mmnet.training.resuming import extended
from mmnet.training.run import TrainingRun, data_reader, describe_data

__all__ = ["SavedCheckpoint", "TrainedRun", "TrainingListener", "TrainingOptions", "train"]


def data_list(data: str | Path | Sequence[str | Path]) -> list[str]:
    """Return data sets as a list; a single one may be given by itself."""
    return [str(data)] if isinstance(data, str | Path) else [str(one) for one in data]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The options of a training: data, recipe, checkpoints and backend.

    Attributes:
        data: data sets, each a folder or a pack file, with an optional weight: `portraits/`, `wide/=0.5`. A folder has
            one of the layouts of `mmnet.training.data.layouts`.
        recipe: the name of a recipe of `mmnet.training.recipes.RECIPES`, or a recipe.
        start: the checkpoint to go on from: `latest`, `best`, a path, a name, or an opened checkpoint; None for a new
            network. Recipes that continue require it.
        teacher: the checkpoint whose alphas are mixed with the labels (distillation), named like `start`; or None.
        run: name of the run; None: the recipe's name.
        resume: whether to go on with the run at its newest checkpoint, with the same options as at first; without a
            checkpoint a new run begins, which is noted in the log.
        extend: whether to go on with the run to more `steps` than at first, in its last stage, whose learning rate then
            falls over the longer stage; implies `resume`.
        steps: number of steps in all stages; None: the recipe's.
        batch: images per step; None: the recipe's.
        backgrounds: folder of photos without people, to composite people over; or None.
        validation: fraction of the images, 0-1, that validate, chosen by name; 0 for none.
        width: width multiplier of a new network; 1.0 is the paper's.
        checkpoint_dir: the folder that holds the checkpoints; the run is written to `checkpoint_dir/run`.
        save_every: steps between checkpoints.
        keep: how many of the newest checkpoints to keep, in addition to the best.
        seed: of the initial weights, the order of the data and the augmentation.
        backend: what computes the steps: Keras with "tensorflow" or "jax", or "compiled", the compiled step for recipes
            with frozen batch norms, which is faster on processors. TensorFlow
            can go on with a run of the compiled step, not the other way round.
        mixed_precision: whether to compute in bfloat16, with float32 weights.
        workers: threads that prepare images; None: one per core.
    """

    data: str | Path | Sequence[str | Path]
    recipe: str | Recipe = "fine-tune"
    start: str | Path | OpenedCheckpoint | None = None
    teacher: str | Path | OpenedCheckpoint | None = None
    run: str | None = None
    resume: bool = False
    extend: bool = False
    steps: int | None = None
    batch: int | None = None
    backgrounds: str | Path | None = None
    validation: float = 0.05
    width: float = 1.0
    checkpoint_dir: str | Path = DEFAULT_FOLDER
    save_every: int = 1000
    keep: int = 3
    seed: int = 0
    backend: str = "tensorflow"
    mixed_precision: bool = False
    workers: int | None = None

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class SavedCheckpoint:
    """A checkpoint on disk.

    Attributes:
        folder: its folder, which `export_tflite` and the other calls accept as a checkpoint.
        step: its step count.
        metrics: name -> value; "mad" is the one that checkpoints are compared by.
    """

    folder: Path
    step: int
    metrics: Mapping[str, float]

    @classmethod
    def read(cls, folder: Path) -> SavedCheckpoint:
        """Read the description of a checkpoint, without its weights."""
        document = read_document(folder)
        return cls(folder, document["step"], document["metrics"])

    def load(self) -> Checkpoint:
        """Read the checkpoint with its weights."""
        return load_checkpoint(self.folder)

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value:.5f}" for name, value in self.metrics.items() if name != "mad")
        return f"step {self.step}, {self.folder}: {figures}"


@dataclass(frozen=True)
class TrainedRun:
    """The result of a training.

    Attributes:
        folder: the run's folder; it holds the checkpoints, and the curves that `mmnet curves` draws.
        last: the last checkpoint.
        best: the checkpoint with the lowest MAD; it may be the last.
    """

    folder: Path
    last: SavedCheckpoint
    best: SavedCheckpoint

    def __repr__(self) -> str:
        return f"<TrainedRun {self.folder}: step {self.last.step}, best step {self.best.step}>"

    def __str__(self) -> str:
        return f"run  {self.folder}\nlast {self.last}\nbest {self.best}"


@checked_arguments
def train(
    options: TrainingOptions | None = None, *, listener: TrainingListener | None = None, **changes: Any
) -> TrainedRun:
    """Train a network, or go on training it.

    Checkpoints go into the run's folder; the newest are kept, and the best by validation MAD. A run that was
    interrupted goes on with `resume=True` to the same weights, bit for bit, on the same kind of device.

        run = mmnet.train(data=["portraits/"], start="latest", steps=2000, backgrounds="scenes/")
        print(run)
        mmnet.export_tflite(run.best.folder, calibration="photos/").save()

    Args:
        options: what to train, and how.
        listener: receives every step and checkpoint; subclass `mmnet.TrainingListener`.
        changes: fields of `TrainingOptions`, in place of `options` or to change some of its fields.

    Raises:
        RecipeError: the recipe is unknown, or does not fit the other options.
        CheckpointError: `start` or `teacher` does not exist or cannot be read.
        DataError: the data cannot be used; the message names every file, before anything is written.
        OutputExistsError: the run exists, and `resume` is false.
        ResumeError: an option differs from those that the run began with; or there is no run to extend.
        DivergedError: the loss is no longer finite; the last good checkpoint is kept.
        BackendError: the backend is unknown, or Keras is already loaded with another.
        NotCompiledError: the compiled step was not built.
        MissingExtraError: a package for training is not installed.
        OutputError: a checkpoint could not be written.
    """
    options = TrainingOptions(**changes) if options is None else replace(options, **changes)
    listener = listener or TrainingListener()
    run = _describe(options, listener)
    engine = load_engine(options.backend, run)
    run.folder.mkdir(parents=True, exist_ok=True)
    with EventFiles(run.folder) as events:
        last = train_run(run, engine, ListenerGroup(events, listener))
    return TrainedRun(
        run.folder, SavedCheckpoint.read(last), SavedCheckpoint.read(best_step_folder(step_folders(run.folder)))
    )


def _describe(options: TrainingOptions, listener: TrainingListener) -> TrainingRun:
    """Turn options into the description of a run, after reading all images once; nothing is written yet."""
    recipe = find_recipe(options.recipe) if isinstance(options.recipe, str) else options.recipe
    folder = Path(options.checkpoint_dir) / (options.run or recipe.name)
    recipe = replace(recipe.scaled(options.steps, options.batch), mixed_precision=options.mixed_precision)
    if options.extend:
        recipe = extended(recipe, recorded_recipe(folder), options.steps)
    else:
        (note_new if options.resume else check_new)(folder)
    # What is wrong with the arguments shows before TensorFlow is loaded.
    for which in (options.start, options.teacher):
        if isinstance(which, str | Path):
            resolve(str(which), Path(options.checkpoint_dir), folder)
    if options.start is not None or not recipe.continues:
        backgrounds = None if options.backgrounds is None else Path(options.backgrounds)
        sources = find_sources(data_list(options.data), backgrounds, options.validation)
        check_images(*sources, workers=options.workers, progress=partial(listener.on_progress, "checking images"))
    opened = {
        role: which
        if isinstance(which, OpenedCheckpoint)
        else open_checkpoint(which, options.checkpoint_dir, apart_from=folder)
        for role, which in (("from", options.start), ("teacher", options.teacher))
        if which is not None
    }
    for role, checkpoint in opened.items():
        listener.on_opened(role, checkpoint)
    return TrainingRun(
        recipe=recipe,
        folder=folder,
        data=data_reader(
            data_list(options.data), recipe, options.validation, options.backgrounds, options.workers, listener
        ),
        description=describe_data(data_list(options.data), options.validation),
        seed=options.seed,
        start=opened["from"].checkpoint if "from" in opened else None,
        teacher=opened["teacher"].checkpoint if "teacher" in opened else None,
        width=options.width,
        save_every=options.save_every,
        keep=options.keep,
        workers=options.workers,
        extends=options.extend,
    )
