"""Training with the compiled step: no TensorFlow, no Keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.network.variables import Weights
from mmnet.training.checkpoints import SavedStep
from mmnet.training.compiled.library import load_library
from mmnet.training.compiled.step import CompiledStep
from mmnet.training.data.batches import Batch
from mmnet.training.engines.engine import StepReport
from mmnet.training.engines.trained import AVERAGE, KERAS_STATE, MEAN, SQUARE, STEPS
from mmnet.training.evaluation import EVALUATION_BATCH
from mmnet.training.losses import decay_of
from mmnet.training.optimizer import adam_change, adam_moments, learning_rate, moved_average
from mmnet.training.recipes import RecipeError, Stage
from mmnet.training.run import ResumeError, TrainingRun


def check_run(run: TrainingRun, stages: Sequence[Stage]) -> None:
    """Raise if the compiled step cannot train some stages of a run.

    Raises:
        NotCompiledError: the library is missing.
        RecipeError: a stage trains its norms, or the run has a teacher, mixed precision, or no start.
    """
    load_library()
    other = "or train with backend='tensorflow'"
    if not all(stage.frozen_norms for stage in stages):
        raise RecipeError(
            f"recipe {run.recipe.name} trains its batch norms, which the compiled step cannot; choose "
            f"recipe='whole-people-finish', {other}"
        )
    if run.start is None:
        raise RecipeError(f"the compiled step goes on from a checkpoint; name it with start=…, {other}")
    if run.teacher is not None:
        raise RecipeError(f"the compiled step has no teacher; leave out teacher=…, {other}")
    if run.recipe.mixed_precision:
        raise RecipeError(f"the compiled step computes in float32; leave out mixed_precision=True, {other}")


class CompiledEngine:
    """The network of one stage as a vector of weights, with Adam in NumPy."""

    def __init__(self, run: TrainingRun, stage: Stage, first: int, *, threads: int | None = None) -> None:
        """Open the compiled step.

        Args:
            run: the run; see `check_run`.
            stage: the stage.
            first: steps of the run before the stage.
            threads: as for `CompiledStep`; the results do not depend on it.

        Raises:
            NotCompiledError: the library is missing.
            RecipeError: the compiled step cannot train this.
        """
        check_run(run, [stage])
        assert run.start is not None
        self._recipe, self._stage, self._first = run.recipe, stage, first
        self._start = run.start.weights
        self._step = CompiledStep(run.config(stage), stage.batch, self._start, run.recipe.weights, threads=threads)
        trained = self._step.trained
        self._vector = trained.vector(self._start)
        self._steps = 0
        self._mean, self._square, self._average = (np.zeros(trained.size, np.float32) for _ in range(3))
        kernels = [name for name in self._start if name.endswith("/weights")]
        self._kernels = np.zeros(trained.size, np.bool_)
        self._kernels[trained.positions(kernels)] = True

    def fit(self, batches: Iterator[Batch], steps: int, report: StepReport) -> None:
        sums: dict[str, float] = {}
        for number in range(steps):
            images, mattes = next(batches)
            losses, gradient = self._step.losses_and_gradients(self._vector, images, mattes)
            total = sum(self._recipe.weights[name] * loss for name, loss in losses.items())
            decay = float(decay_of(np, [self._vector[self._kernels]], self._recipe.weight_decay))
            for name, loss in ({"loss": total + decay} | losses).items():
                sums[name] = sums.get(name, 0.0) + loss
            gradient[self._kernels] += self._recipe.weight_decay * self._vector[self._kernels]
            self._update(gradient)
            report(number, {name: value / (number + 1) for name, value in sums.items()})

    def _update(self, gradient: F32Array) -> None:
        rate = learning_rate(np, self._stage, np.float32(self._steps - self._first))
        count = np.float32(self._steps + 1)
        self._mean, self._square = adam_moments(np, gradient, self._mean, self._square)
        self._vector = self._vector - adam_change(np, self._mean, self._square, count, rate)
        if self._recipe.weight_average:
            kept = self._recipe.weight_average if self._steps else 0.0
            self._average = moved_average(self._average, self._vector, kept)
        self._steps += 1

    def weights(self) -> Weights:
        return {**self._start, **self._step.trained.weights(self._vector)}

    @contextmanager
    def averaged(self) -> Iterator[None]:
        raw = self._vector
        if self._recipe.weight_average:
            self._vector = self._average
        try:
            yield
        finally:
            self._vector = raw

    def alphas(self, images: U8Array) -> F32Array:
        chunks = (images[start : start + EVALUATION_BATCH] for start in range(0, len(images), EVALUATION_BATCH))
        scaled = (chunk.astype(np.float32) / np.float32(255) for chunk in chunks)
        return np.concatenate([self._step.alphas(self._vector, chunk) for chunk in scaled])

    def state(self) -> dict[str, AnyArray]:
        state: dict[str, AnyArray] = {STEPS: np.array(self._steps, np.int64), MEAN: self._mean, SQUARE: self._square}
        return state | ({AVERAGE: self._average} if self._recipe.weight_average else {})

    def restore(self, saved: SavedStep) -> None:
        if f"{KERAS_STATE}0000" in saved.state:
            raise ResumeError(
                f"{saved.folder}: the run began with Keras, whose optimizer's state the compiled step cannot read; "
                "go on with backend='tensorflow'"
            )
        trained = self._step.trained
        shape = (trained.size,)
        weights = {name: saved.array(name, value.shape) for name, value in self._start.items()}
        self._vector = trained.vector(weights)
        self._steps = int(saved.array(STEPS, ()))
        self._mean, self._square = saved.array(MEAN, shape), saved.array(SQUARE, shape)
        if self._recipe.weight_average:
            self._average = saved.array(AVERAGE, shape)
