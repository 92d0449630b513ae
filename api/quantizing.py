"""Quantization-aware training of a checkpoint, and measurement of its ranges, as one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from mmnet.api.training import SavedCheckpoint, data_list
from mmnet.arguments import checked_arguments
from mmnet.errors import MissingExtraError, MMNetError
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.resolve import DEFAULT_FOLDER, OpenedCheckpoint, open_checkpoint
from mmnet.quantize.calibration import Calibration, find_calibration_photos, load_calibration
from mmnet.training.backend import load_keras
from mmnet.training.checkpoints import best_step_folder, check_new, note_new, recorded_recipe, step_folders
from mmnet.training.data.dataset import DataSet, find_sources
from mmnet.training.data.layouts import Source
from mmnet.training.data.usable import check_images
from mmnet.training.events import EventFiles
from mmnet.training.listener import ListenerGroup, TrainingListener
from mmnet.training.qat.loop import train_quantized
from mmnet.training.qat.ranges import RangeImages, measure_ranges, save_with_ranges, training_images
from mmnet.training.qat.recipe import DEFAULT_SIMULATION, DEFAULT_STEPS, recipe_for
from mmnet.training.resuming import extended
from mmnet.training.run import TrainingRun, data_reader, describe_data

__all__ = ["QuantizedCheckpoint", "quantize_checkpoint"]


class QuantizeError(MMNetError):
    """The arguments do not say what to measure ranges on, or what to train on."""


@dataclass(frozen=True)
class QuantizedCheckpoint:
    """A checkpoint with the ranges of its 8-bit activations.

    Attributes:
        run: the folder of the run.
        saved: the last checkpoint; `saved.folder` can be exported without calibration photos.
        best: the checkpoint with the lowest MAD, which can be exported likewise; it may be the last.
        ranges: name of an activation -> lowest and highest value, with their origin.
    """

    run: Path
    saved: SavedCheckpoint
    best: SavedCheckpoint
    ranges: Ranges

    def load(self) -> Checkpoint:
        """Read the checkpoint with its weights."""
        return self.saved.load()

    def __repr__(self) -> str:
        steps = self.ranges.source.get("trained_steps", 0)
        return f"<QuantizedCheckpoint {self.saved.folder}: {len(self.ranges.limits)} ranges, {steps} steps trained>"

    def __str__(self) -> str:
        source = ", ".join(f"{name} {value}" for name, value in self.ranges.source.items())
        return f"run    {self.run}\nsaved  {self.saved}\nranges {len(self.ranges.limits)} ({source})"


@checked_arguments
def quantize_checkpoint(
    checkpoint: str | Path | OpenedCheckpoint = "latest",
    data: str | Path | Sequence[str | Path] = (),
    *,
    checkpoint_dir: str | Path = DEFAULT_FOLDER,
    steps: int = DEFAULT_STEPS,
    calibration: str | Path | Calibration | None = None,
    calibration_photos: int = 100,
    run: str = "quantized",
    resume: bool = False,
    extend: bool = False,
    batch: int | None = None,
    size: int | None = None,
    backgrounds: str | Path | None = None,
    validation: float = 0.05,
    save_every: int = 100,
    keep: int = 3,
    seed: int = 0,
    workers: int | None = None,
    simulation: str = DEFAULT_SIMULATION,
    listener: TrainingListener | None = None,
) -> QuantizedCheckpoint:
    """Measure the ranges of a checkpoint's 8-bit activations, and train it in simulated 8 bits.

    The exported network (rewritten, norms folded) learns from the labels and from its own float version. The new
    checkpoint carries its ranges, so that it is exported without calibration photos.

        quantized = mmnet.quantize_checkpoint("latest", ["portraits/"], backgrounds="scenes/")
        mmnet.export_tflite(quantized.saved.folder).save()

    Args:
        checkpoint: `latest`, `best`, a path or a name (see `mmnet.network.resolve.resolve`), or an opened checkpoint.
        data: data sets to train on, as for `mmnet.train`; not needed if `steps` is 0 and there is a calibration.
        checkpoint_dir: the folder that holds the checkpoints; the run is written to `checkpoint_dir/run`.
        steps: number of steps to train; 0 only measures the ranges.
        calibration: photos, or their folder, to measure the first ranges on; None: images of `data`.
        calibration_photos: the largest number of images to measure on, spread evenly.
        run: name of the run.
        resume, extend: whether to go on with the run at its newest checkpoint; `extend` goes on to more `steps`.
        batch: images per step; None: 8.
        size: input size in pixels, a multiple of 16; the checkpoint's if None.
        backgrounds, validation, save_every, keep, seed, workers: as in `mmnet.TrainingOptions`.
        simulation: what simulates 8 bits: `tfmot`, which needs the extra `qat`, or `keras`, layers of this project in
            Keras 3, which need the extra `train` alone. Both round to the same values.
        listener: receives every step and checkpoint; subclass `mmnet.TrainingListener`.

    Raises:
        QuantizeError: there is nothing to train on, or nothing to measure ranges on.
        CheckpointError, ConfigError: the checkpoint cannot be read, or MMNet cannot have this input size.
        CalibrationError, DataError: the photos or the data cannot be used; the message names every file.
        OutputExistsError: the run exists, and `resume` is false.
        ResumeError: an option differs from those that the run began with; or there is no run to extend.
        DivergedError: the loss is no longer finite; the last good checkpoint is kept.
        MissingExtraError: a package for training or for 8 bits is not installed.
        OutputError: a checkpoint could not be written.
    """
    listener, folder, data_sets = listener or TrainingListener(), Path(checkpoint_dir) / run, data_list(data)
    sources = _check(steps, data_sets, calibration, backgrounds, validation)
    if not extend:
        (note_new if resume else check_new)(folder)
    if not isinstance(checkpoint, OpenedCheckpoint):
        checkpoint = open_checkpoint(checkpoint, checkpoint_dir, apart_from=folder)
    checkpoint = checkpoint.resized(size)
    listener.on_opened("from", checkpoint)
    check_images(*sources, workers=workers, progress=partial(listener.on_progress, "checking images"))
    start = checkpoint.checkpoint
    recipe = recipe_for(start.config.size, steps, batch, backgrounds=backgrounds is not None, simulation=simulation)
    recipe = extended(recipe, recorded_recipe(folder), steps) if extend else recipe
    read = cache(data_reader(data_sets, recipe, validation, backgrounds, workers, listener))  # once for both uses
    measure = _range_measurement(start, calibration, calibration_photos, read, listener)
    if steps == 0:
        return _result(folder, save_with_ranges(start, measure(), folder))
    described = describe_data(data_sets, validation)
    training = TrainingRun(
        recipe, folder, read, described, seed, start, save_every=save_every, keep=keep, workers=workers, extends=extend
    )
    return _result(folder, _train(training, measure, listener, simulation))


def _check(
    steps: int,
    data: Sequence[str],
    calibration: str | Path | Calibration | None,
    backgrounds: str | Path | None,
    validation: float,
) -> tuple[list[Source], list[Path]]:
    """Raise if arguments are missing or name nothing.

    Returns:
        The data sets that are folders, and the backgrounds.
    """
    if steps and not data:
        raise QuantizeError("training needs images with mattes: add data=DIR, or only measure ranges with steps=0")
    if not data and calibration is None:
        raise QuantizeError("there is nothing to measure ranges on: add calibration=PHOTOS, or data=DIR")
    sources = find_sources(data, None if backgrounds is None else Path(backgrounds), validation if steps else 0.0)
    if calibration is not None and not isinstance(calibration, Calibration):
        find_calibration_photos(Path(calibration))
    return sources


def _train(run: TrainingRun, measure: Callable[[], Ranges], listener: TrainingListener, simulation: str) -> Path:
    if simulation == DEFAULT_SIMULATION and find_spec("tensorflow_model_optimization") is None:
        raise MissingExtraError("qat", "tensorflow-model-optimization")
    keras = load_keras("tensorflow", run.recipe)
    run.folder.mkdir(parents=True, exist_ok=True)
    with EventFiles(run.folder) as events:
        return train_quantized(run, keras, ListenerGroup(events, listener), measure, simulation)


def _range_measurement(
    start: Checkpoint,
    calibration: str | Path | Calibration | None,
    limit: int,
    read: Callable[[int], DataSet],
    listener: TrainingListener,
) -> Callable[[], Ranges]:
    """Return a function that measures the ranges of `start` on calibration photos, or else on training images."""
    size = start.config.size

    def photos(calibration: str | Path | Calibration) -> RangeImages:
        if not isinstance(calibration, Calibration):
            calibration = load_calibration(
                Path(calibration),
                size,
                limit=limit,
                progress=lambda done, total: listener.on_progress("reading photos", done, total),
            )
        for reason in calibration.unreadable.values():
            listener.on_skipped(reason)
        return RangeImages(calibration.images, {"photos": len(calibration.images), "sha256": calibration.fingerprint()})

    def measure() -> Ranges:
        images = training_images(read(size), size, limit) if calibration is None else photos(calibration)
        total = len(images.images)
        ranges = measure_ranges(
            start, images, progress=lambda done: listener.on_progress("measuring ranges", done, total)
        )
        listener.on_ranges(ranges, total)
        return ranges

    return measure


def _result(run: Path, folder: Path) -> QuantizedCheckpoint:
    saved = SavedCheckpoint.read(folder)
    ranges = saved.load().ranges
    assert ranges is not None
    best = SavedCheckpoint.read(best_step_folder(step_folders(run)))
    return QuantizedCheckpoint(run, saved, best, ranges)
