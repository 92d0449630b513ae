"""One stage of a training: network, optimizer and data for one input size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras, read_weights
from mmnet.training.checkpoints import SavedStep, save_step
from mmnet.training.data.batches import Batches
from mmnet.training.evaluation import EVALUATION_BATCH, mean_errors, read_images, sheet_rows
from mmnet.training.listener import TrainingListener
from mmnet.training.losses import alphas_of
from mmnet.training.models import frozen_network, learning_rate_schedule, precision, training_model
from mmnet.training.optimizer import build_adam
from mmnet.training.process import keep_freed_memory
from mmnet.training.recipes import Stage
from mmnet.training.run import TrainingRun

_TRAINING_SAMPLES = 64  # training images that a checkpoint is evaluated on


class StageTraining:
    """The training of one stage of a run."""

    def __init__(self, run: TrainingRun, stage: Stage, first: int, keras: ModuleType) -> None:
        """Build the network and the optimizer, and read the data.

        Args:
            run: the run.
            stage: the stage.
            first: steps of the run before the stage.
            keras: Keras 3, on any backend.
        """
        self._run, self._stage, self._first, self._keras = run, stage, first, keras
        start = run.start
        config = start.config if start is not None else ModelConfig(run.width, stage.size, run.recipe.sampling)
        self._config = replace(config, size=stage.size)
        keras.utils.set_random_seed(run.seed)
        with precision(keras, run.recipe):
            self._network = build_keras(self._config, keras, norm_decay=run.recipe.norm_decay)
            teacher = frozen_network(keras, run.teacher, stage.size) if run.teacher is not None else None
            self._model = training_model(keras, self._network, run.recipe, teacher, frozen_norms=stage.frozen_norms)
        # A model of its own for the evaluation: the other one would return the maps of all blocks.
        self._logits = keras.Model(self._network.input, self._network.output["final_block"])
        if start is not None:
            assign_weights(self._network, start.weights, self._config)
        self._schedule = learning_rate_schedule(keras, stage, first)
        self._optimizer = build_adam(keras, self._schedule, run.recipe.weight_average)
        self._model.compile(optimizer=self._optimizer)
        self._optimizer.build(self._network.trainable_variables)
        self._data = run.data(stage.size)

    def restore(self, saved: SavedStep | None) -> None:
        """Assign the weights and the optimizer's state of a checkpoint of this run."""
        if saved is None:
            return
        weights = {name: value for name, value in saved.state.items() if not name.startswith("optimizer/")}
        assign_weights(self._network, weights, self._config)
        # This includes the learning rate, which the schedule then sets anew.
        for name, variable in self._optimizer_state().items():
            saved.restore(name, variable)

    def train(self, done: int, listener: TrainingListener) -> Iterator[Path]:
        """Train from step `done` of the run to the end of the stage, and yield the folder of every checkpoint."""
        run, stage = self._run, self._stage
        batches = Batches(
            self._data.training,
            stage.batch,
            stage.size,
            seed=run.seed,
            augmentation=run.recipe.augmentation,
            backgrounds=self._data.backgrounds,
            workers=run.workers,
        )
        end = self._first + stage.steps
        while done < end:
            target = min(end, (done // run.save_every + 1) * run.save_every)
            self._fit(batches, done, target, listener)
            done = target
            yield self._save(done, listener)

    def _fit(self, batches: Batches, done: int, target: int, listener: TrainingListener) -> None:
        self._model.fit(
            # Batches are numbered over all stages, so that no stage repeats the batches of another.
            batches.stream(done, target),
            steps_per_epoch=target - done,
            epochs=1,
            verbose=0,
            shuffle=False,
            callbacks=[self._report(done, listener)],
        )

    def _report(self, done: int, listener: TrainingListener) -> Any:
        keras, run, schedule, batch_size = self._keras, self._run, self._schedule, self._stage.batch

        class Report(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
            begun = 0.0

            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                self.begun = self.begun or time.perf_counter()

            def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
                if batch == 0:
                    keep_freed_memory()
                losses = {name: float(value) for name, value in (logs or {}).items()}
                step = run.first_step + done + batch + 1
                run.check_finite(step, losses)
                # From the end of one step to the end of the next, so that waiting for data counts.
                now = time.perf_counter()
                images_per_second, self.begun = batch_size / (now - self.begun), now
                # The optimizer's own learning rate is out of date: on JAX its count of steps changes at the end of
                # `fit` only.
                listener.on_step(step, losses, float(schedule(done + batch)), images_per_second)

        return Report()

    def _save(self, done: int, listener: TrainingListener) -> Path:
        run = self._run
        raw = read_weights(self._network)
        optimizer = {name: np.asarray(variable.numpy()) for name, variable in self._optimizer_state().items()}
        if run.recipe.weight_average:
            self._optimizer.write_averages()
        weights = read_weights(self._network)
        metrics, images = self._evaluate()
        assign_weights(self._network, raw, self._config)

        step = run.first_step + done
        checkpoint = Checkpoint(self._config, weights, step, run.description, metrics, run.provenance)
        folder = save_step(run, checkpoint, dict(raw) | optimizer)
        listener.on_checkpoint(checkpoint, folder, images)
        return folder

    def _optimizer_state(self) -> dict[str, Any]:
        return {f"optimizer/{index:04}": variable for index, variable in enumerate(self._optimizer.variables)}

    def _evaluate(self) -> tuple[dict[str, float], U8Array]:
        """Measure the network on validation images and on some training images.

        Returns:
            The metrics, and a contact sheet of photos, mattes and alphas.
        """
        training = self._data.training[0]
        packs = {"train": (training.pack, training.indices[:_TRAINING_SAMPLES])}
        if self._data.validation is not None:
            packs["validation"] = (self._data.validation, np.arange(len(self._data.validation)))
        metrics: dict[str, float] = {}
        rows: list[U8Array] = []
        for name, (pack, indices) in packs.items():
            images, mattes = read_images(pack, indices, self._config.size)
            alphas = self._alphas(images)
            metrics |= mean_errors(name, alphas, mattes)
            rows += sheet_rows(images, mattes, alphas)
        chosen = "validation" if "validation_mad" in metrics else "train"
        # `--ckpt best` compares "mad".
        return {"mad": metrics[f"{chosen}_mad"], **metrics}, np.concatenate(rows)

    def _alphas(self, images: U8Array) -> F32Array:
        alphas = []
        for start in range(0, len(images), EVALUATION_BATCH):
            values = images[start : start + EVALUATION_BATCH].astype(np.float32) / np.float32(255)
            # The last batch is filled up, because the network would be compiled anew for another size.
            batch = np.resize(values, (EVALUATION_BATCH, *values.shape[1:]))
            logits = self._logits.predict_on_batch(batch)[: len(values)]
            alphas.append(self._keras.ops.convert_to_numpy(alphas_of(self._keras, logits)[..., 0]))
        return np.concatenate(alphas)
