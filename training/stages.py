"""One stage of a training: an engine and the data for one input size."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mmnet.arrays import U8Array
from mmnet.network.checkpoint import Checkpoint
from mmnet.training.checkpoints import SavedStep, save_step
from mmnet.training.data.batches import Batches
from mmnet.training.engines.engine import Engine, StepReport
from mmnet.training.evaluation import mean_errors, read_images, sheet_rows
from mmnet.training.listener import TrainingListener
from mmnet.training.optimizer import learning_rate
from mmnet.training.recipes import Stage
from mmnet.training.run import TrainingRun

_TRAINING_SAMPLES = 64  # training images that a checkpoint is evaluated on


class StageTraining:
    """The training of one stage of a run."""

    def __init__(self, run: TrainingRun, stage: Stage, first: int, engine: Engine) -> None:
        """Read the data.

        Args:
            run: the run.
            stage: the stage.
            first: steps of the run before the stage.
            engine: of this stage.
        """
        self._run, self._stage, self._first, self._engine = run, stage, first, engine
        self._config = run.config(stage)
        self._data = run.data(stage.size)

    def restore(self, saved: SavedStep | None) -> None:
        """Assign the weights and the optimizer's state of a checkpoint of this run."""
        if saved is not None:
            self._engine.restore(saved)

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
            # Batches are numbered over all stages, so that no stage repeats the batches of another.
            self._engine.fit(batches.stream(done, target), target - done, self._report(done, listener))
            done = target
            yield self._save(done, listener)

    def _report(self, done: int, listener: TrainingListener) -> StepReport:
        run, stage, begun = self._run, self._stage, time.perf_counter()

        def report(number: int, losses: Mapping[str, float]) -> None:
            nonlocal begun
            step = run.first_step + done + number + 1
            run.check_finite(step, losses)
            # From the end of one step to the end of the next, so that waiting for data counts.
            now = time.perf_counter()
            images_per_second, begun = stage.batch / (now - begun), now
            rate = learning_rate(np, stage, np.float32(done + number - self._first))
            listener.on_step(step, losses, float(rate), images_per_second)

        return report

    def _save(self, done: int, listener: TrainingListener) -> Path:
        run, raw = self._run, self._engine.weights()
        with self._engine.averaged():
            weights = self._engine.weights()
            metrics, images = self._evaluate()
        step = run.first_step + done
        checkpoint = Checkpoint(self._config, weights, step, run.description, metrics, run.provenance)
        folder = save_step(run, checkpoint, dict(raw) | self._engine.state())
        listener.on_checkpoint(checkpoint, folder, images)
        return folder

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
            alphas = self._engine.alphas(images)
            metrics |= mean_errors(name, alphas, mattes)
            rows += sheet_rows(images, mattes, alphas)
        chosen = "validation" if "validation_mad" in metrics else "train"
        # `--ckpt best` compares "mad".
        return {"mad": metrics[f"{chosen}_mad"], **metrics}, np.concatenate(rows)
