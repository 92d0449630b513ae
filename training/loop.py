"""The training loop: Keras' `fit` in segments, and after each a checkpoint from which it goes on bit for bit."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.errors import MMNetError
from mmnet.evaluation.metrics import gauss_grad, mad
from mmnet.network.checkpoint import (
    Checkpoint,
    CheckpointCorruptError,
    is_checkpoint,
    load_checkpoint,
    load_safetensors,
    read_document,
    save_checkpoint,
)
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras, read_weights
from mmnet.training.augment import resize
from mmnet.training.data.packs import Pack
from mmnet.training.data.pipeline import Batches, DataSet
from mmnet.training.losses import alphas_of, matting_losses, weight_decay
from mmnet.training.memory import keep_freed_memory
from mmnet.training.optimizer import build_adam
from mmnet.training.recipes import Recipe, RecipeError, Stage

STATE_FILE = "training.safetensors"
_EVALUATION_BATCH = 8
_TRAINING_SAMPLES = 64


class DivergedError(MMNetError):
    """The loss is no longer finite."""


class ResumeError(MMNetError):
    """A run cannot go on as asked."""


@dataclass(frozen=True)
class Job:
    """One training run.

    Attributes:
        recipe: how to train.
        folder: of the run; its checkpoints lie in it as `step-000123`.
        data: read by `mmnet.training.data.pipeline.load_data` for a stage's input size.
        description: of the data, for the checkpoints: what was typed, how many images.
        seed: of the initial weights, the order of the data and the augmentation.
        start: the checkpoint to go on from, or None for a new network.
        teacher: a checkpoint whose alphas the labels are mixed with (`Recipe.teacher_share`), or None.
        width: width multiplier of a new network.
        save_every: steps between checkpoints.
        keep: how many of the newest checkpoints to keep, beside the best.
        workers: threads of the input pipeline; None: one a core.
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

    def __post_init__(self) -> None:
        if self.recipe.continues and self.start is None:
            raise RecipeError(f"recipe {self.recipe.name} goes on from a checkpoint; name it with --from")
        if self.save_every < 1:
            raise RecipeError(f"{self.save_every} steps between checkpoints are too few; take at least 1")

    @property
    def first_step(self) -> int:
        """The step count that this run begins with."""
        return self.start.step if self.start is not None else 0


class TrainingListener(Protocol):
    """Is told how a training goes."""

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        """A stage begins or goes on, `first` steps after the run's beginning; of all `total` steps, `done` are done."""

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        """A step is done; `losses` are means since the last checkpoint, the throughput is that of this step."""

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        """A checkpoint was written. `images` is a contact sheet, uint8 [H, W, 3]: photos, mattes, alphas."""


def train(job: Job, keras: ModuleType, listener: TrainingListener) -> Path:
    """Run the recipe to its end, from its beginning or from the newest checkpoint in the run's folder.

    Args:
        job: what to train.
        keras: Keras 3, on any backend.
        listener: is told of every step and checkpoint.

    Returns:
        The folder of the last checkpoint.

    Raises:
        DivergedError: the loss is not finite; the last good checkpoint is kept.
        ResumeError: the checkpoints in the folder belong to another recipe, seed or start.
        OutputError: a checkpoint could not be written.
    """
    resumed = newest(job)
    done = resumed.checkpoint.step - job.first_step if resumed else 0
    folder = resumed.folder if resumed else job.folder
    first = 0
    for stage in job.recipe.stages:
        if done < first + stage.steps:
            run = _StageRun(job, stage, first, keras)
            run.restore(resumed)
            listener.on_stage(stage, first, done, job.recipe.steps)
            *_, folder = run.train(done, listener)
            resumed = _load(folder)
            done = first + stage.steps
        first += stage.steps
    return folder


@dataclass(frozen=True)
class Saved:
    """A checkpoint of this run and what training needs beside it."""

    folder: Path
    checkpoint: Checkpoint
    state: Mapping[str, AnyArray]


class _StageRun:
    """One stage: network, optimizer and data for its input size."""

    def __init__(self, job: Job, stage: Stage, first: int, keras: ModuleType) -> None:
        self._job, self._stage, self._first, self._keras = job, stage, first, keras
        start = job.start
        config = start.config if start is not None else ModelConfig(job.width, stage.size, job.recipe.sampling)
        self._config = replace(config, size=stage.size)
        keras.utils.set_random_seed(job.seed)
        with _precision(keras, job.recipe):
            self._network = build_keras(self._config, keras, norm_decay=job.recipe.norm_decay)
            teacher = frozen_network(keras, job.teacher, stage.size) if job.teacher is not None else None
            self._model = training_model(keras, self._network, job.recipe, teacher)
        # Evaluated alone: the other blocks' maps would all be fetched, too.
        self._logits = keras.Model(self._network.input, self._network.output["final_block"])
        if start is not None:
            assign_weights(self._network, start.weights, self._config)
        self._schedule = _schedule(keras, stage, first)
        self._optimizer = build_adam(keras, self._schedule, job.recipe.weight_average)
        self._model.compile(optimizer=self._optimizer)
        self._optimizer.build(self._network.trainable_variables)
        self._data = job.data(stage.size)

    def restore(self, saved: Saved | None) -> None:
        """Take over weights and optimizer of a checkpoint of this run."""
        if saved is None:
            return
        weights = {name: value for name, value in saved.state.items() if not name.startswith("optimizer/")}
        assign_weights(self._network, weights, self._config)
        for index, variable in enumerate(self._optimizer.variables):
            value = saved.state.get(f"optimizer/{index:04}")
            if value is None or value.shape != tuple(variable.shape):
                raise CheckpointCorruptError(f"{saved.folder / STATE_FILE}: does not hold the optimizer's state")
            # The learning rate follows from the schedule.
            variable.assign(value)

    def train(self, done: int, listener: TrainingListener) -> Iterator[Path]:
        """Train from step `done` of the run to the end of the stage; yields every checkpoint's folder."""
        job, stage = self._job, self._stage
        batches = Batches(
            self._data.training,
            stage.batch,
            stage.size,
            seed=job.seed,
            recipe=job.recipe.augmentation,
            backgrounds=self._data.backgrounds,
            workers=job.workers,
        )
        end = self._first + stage.steps
        while done < end:
            target = min(end, (done // job.save_every + 1) * job.save_every)
            self._fit(batches, done, target, listener)
            done = target
            yield self._save(done, listener)

    def _fit(self, batches: Batches, done: int, target: int, listener: TrainingListener) -> None:
        self._model.fit(
            # Batches are numbered over all stages, so that no stage sees another's again.
            batches.stream(done, target),
            steps_per_epoch=target - done,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=[self._report(done, listener)],
        )

    def _report(self, done: int, listener: TrainingListener) -> Any:
        keras, job, schedule, batch_size = self._keras, self._job, self._schedule, self._stage.batch

        class Report(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
            begun = 0.0

            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                self.begun = self.begun or time.perf_counter()

            def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
                if batch == 0:
                    keep_freed_memory()
                losses = {name: float(value) for name, value in (logs or {}).items()}
                step = job.first_step + done + batch + 1
                if not all(map(math.isfinite, losses.values())):
                    raise DivergedError(
                        f"{job.folder}: the loss is not finite at step {step}; the checkpoints before it are kept: "
                        "lower the learning rate, or look at the data with `mmnet data check`"
                    )
                # From the end of one step to the end of the next: waiting for data counts.
                now = time.perf_counter()
                speed, self.begun = batch_size / (now - self.begun), now
                # Not asked of the optimizer: on JAX its count of steps is brought up to date at the end of `fit` only.
                listener.on_step(step, losses, float(schedule(done + batch)), speed)

        return Report()

    def _save(self, done: int, listener: TrainingListener) -> Path:
        job = self._job
        raw = read_weights(self._network)
        optimizer = {f"optimizer/{i:04}": np.asarray(v.numpy()) for i, v in enumerate(self._optimizer.variables)}
        if job.recipe.weight_average:
            self._optimizer.write_averages()
        weights = read_weights(self._network)
        metrics, images = self._evaluate()
        assign_weights(self._network, raw, self._config)

        step = job.first_step + done
        provenance = dict(job.start.provenance) if job.start is not None else {}
        provenance |= _identity(job)
        checkpoint = Checkpoint(self._config, weights, step, job.description, metrics, provenance)
        folder = job.folder / f"step-{step:07}"
        state = load_safetensors().numpy.save(dict(raw) | optimizer)
        save_checkpoint(checkpoint, folder, beside={STATE_FILE: state})
        prune(job)
        listener.on_checkpoint(checkpoint, folder, images)
        return folder

    def _evaluate(self) -> tuple[dict[str, float], U8Array]:
        """MAD and GAUSS_GRAD at the network's size, on validation images and as many training ones."""
        training = self._data.training[0]
        packs = {"train": (training.pack, training.indices[:_TRAINING_SAMPLES])}
        if self._data.validation is not None:
            packs["validation"] = (self._data.validation, np.arange(len(self._data.validation)))
        metrics: dict[str, float] = {}
        sheet: list[U8Array] = []
        for name, (pack, indices) in packs.items():
            images, mattes = images_of(pack, indices, self._config.size)
            alphas = self._alphas(images)
            pairs = list(zip(alphas, mattes, strict=True))
            metrics[f"{name}_mad"] = float(np.mean([mad(alpha, truth) for alpha, truth in pairs]))
            metrics[f"{name}_gauss_grad"] = float(np.mean([gauss_grad(alpha, truth) for alpha, truth in pairs]))
            sheet += [image_row(images[i], mattes[i], alphas[i]) for i in range(min(4, len(images)))]
        chosen = "validation" if "validation_mad" in metrics else "train"
        # What `--ckpt best` goes by.
        return {"mad": metrics[f"{chosen}_mad"], **metrics}, np.concatenate(sheet)

    def _alphas(self, images: U8Array) -> F32Array:
        alphas = []
        for start in range(0, len(images), _EVALUATION_BATCH):
            values = images[start : start + _EVALUATION_BATCH].astype(np.float32) / np.float32(255)
            # The last batch is filled up: for another size the network would be compiled anew.
            batch = np.resize(values, (_EVALUATION_BATCH, *values.shape[1:]))
            logits = self._logits.predict_on_batch(batch)[: len(values)]
            alphas.append(self._keras.ops.convert_to_numpy(alphas_of(self._keras, logits)[..., 0]))
        return np.concatenate(alphas)


def frozen_network(keras: ModuleType, checkpoint: Checkpoint, size: int) -> Any:
    """The network of a checkpoint for images of `size` pixels, which no training changes."""
    config = replace(checkpoint.config, size=size)
    network = build_keras(config, keras)
    assign_weights(network, checkpoint.weights, config)
    network.trainable = False
    return network


def training_model(keras: ModuleType, network: Any, recipe: Recipe, teacher: Any = None) -> Any:
    """The network of `build_keras` with the recipe's loss, to be compiled and fitted; every term is a metric too.

    With a teacher, a network of `frozen_network`, the losses compare with the labels mixed with its alphas
    (distillation; Hinton et al., 2015, with soft mattes for the classes' soft targets).
    """

    class Training(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.network, self.teacher = network, teacher
            self.loss_means = {name: keras.metrics.Mean(name) for name in recipe.weights}

        def call(self, images: Any, training: bool = False) -> Any:
            return self.network(images, training=training)

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:
            if self.teacher is not None:
                taught = alphas_of(keras, self.teacher(x, training=False)["final_block"])
                y = (1 - recipe.teacher_share) * y + recipe.teacher_share * taught
            losses = matting_losses(keras, x, y, y_pred["final_block"], y_pred["aux_block"])
            for name, loss in losses.items():
                self.loss_means[name].update_state(loss)
            total = sum(recipe.weights[name] * loss for name, loss in losses.items())
            return total + weight_decay(keras, self.network, recipe.weight_decay)

    return Training()


@contextmanager
def _precision(keras: ModuleType, recipe: Recipe) -> Iterator[None]:
    """Layers that are built within compute in the recipe's precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if recipe.mixed_precision else "float32")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _schedule(keras: ModuleType, stage: Stage, first: int) -> Any:
    """Linear warm-up, then a cosine from the stage's learning rate to its final one."""
    ops = keras.ops

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        def __call__(self, iteration: Any) -> Any:
            step = ops.cast(iteration, "float32") - first
            share = ops.clip((step - stage.warmup) / max(1, stage.steps - stage.warmup), 0.0, 1.0)
            high, low = stage.learning_rate, stage.final_learning_rate
            rate = low + (high - low) * (1 + ops.cos(math.pi * share)) / 2
            return rate * ops.clip((step + 1) / max(1, stage.warmup), 0.0, 1.0)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Schedule()


def images_of(pack: Pack, indices: NDArray[np.int64], size: int) -> tuple[U8Array, F32Array]:
    samples = [pack.sample(int(index)) for index in indices]
    images = np.stack([resize(sample.photo, size) for sample in samples])
    mattes = np.stack([resize(sample.matte, size) for sample in samples])
    return images, mattes.astype(np.float32) / np.float32(255)


def image_row(image: U8Array, matte: F32Array, alpha: F32Array) -> U8Array:
    grey = [np.rint(np.repeat(value[..., None], 3, -1) * 255).astype(np.uint8) for value in (matte, alpha)]
    return np.concatenate([image, *grey], axis=1)


def _checkpoints(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    return sorted((read_document(child)["step"], child) for child in folder.iterdir() if is_checkpoint(child))


def _load(folder: Path) -> Saved:
    path = folder / STATE_FILE
    safetensors = load_safetensors()
    try:
        state = safetensors.numpy.load_file(path)
    except OSError as error:
        raise ResumeError(f"{path}: cannot be read: training cannot go on from here; use --from {folder}") from error
    except safetensors.SafetensorError as error:
        raise CheckpointCorruptError(f"{path}: truncated or altered ({error})") from error
    return Saved(folder, load_checkpoint(folder), state)


def newest(job: Job) -> Saved | None:
    """The newest checkpoint in the run's folder, None if there is none.

    Raises:
        ResumeError: it belongs to another recipe, seed or start, or has no training state.
        CheckpointCorruptError: it is damaged.
    """
    found = _checkpoints(job.folder)
    if not found:
        return None
    saved = _load(found[-1][1])
    recorded = saved.checkpoint.provenance
    for key, value in _identity(job).items():
        # Both through JSON, where tuples are lists.
        if _plain(recorded.get(key)) != _plain(value):
            raise ResumeError(
                f"{saved.folder}: was trained with another {key.replace('_', ' ')}; resume with that one, or train "
                "into another folder with --run"
            )
    return saved


def _identity(job: Job) -> dict[str, Any]:
    """What makes two runs the same; it is recorded with every checkpoint."""
    teacher = {} if job.teacher is None else {"teacher_step": job.teacher.step}
    return {"recipe": job.recipe.to_json(), "seed": job.seed, "first_step": job.first_step, **teacher}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def prune(job: Job) -> None:
    """Keep the newest checkpoints and the best one."""
    found = _checkpoints(job.folder)
    best = min(found, key=lambda entry: read_document(entry[1])["metrics"].get("mad", math.inf))
    for entry in found[: -job.keep]:
        if entry != best:
            shutil.rmtree(entry[1])
