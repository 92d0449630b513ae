"""Training with Keras 3, on any backend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.network.keras_network import assign_weights, build_keras, read_weights, trained_names
from mmnet.network.variables import Weights
from mmnet.training.checkpoints import SavedStep
from mmnet.training.data.batches import Batch
from mmnet.training.engines.engine import StepReport
from mmnet.training.engines.trained import AVERAGE, KERAS_STATE, MEAN, SQUARE, STEPS, TrainedWeights
from mmnet.training.evaluation import EVALUATION_BATCH
from mmnet.training.losses import alphas_of
from mmnet.training.models import frozen_network, precision, training_model
from mmnet.training.optimizer import build_adam, learning_rate_schedule
from mmnet.training.process import keep_freed_memory
from mmnet.training.recipes import Stage
from mmnet.training.run import TrainingRun

_VECTORS = {"mean": MEAN, "square": SQUARE, "average": AVERAGE}


class KerasEngine:
    """The network of one stage as a Keras model, with a Keras optimizer."""

    def __init__(self, keras: ModuleType, run: TrainingRun, stage: Stage, first: int) -> None:
        """Build the network and the optimizer.

        Args:
            keras: Keras 3, on any backend.
            run: the run.
            stage: the stage.
            first: steps of the run before the stage.
        """
        self._keras = keras
        self._config = run.config(stage)
        keras.utils.set_random_seed(run.seed)
        with precision(keras, run.recipe):
            self._network = build_keras(self._config, keras, norm_decay=run.recipe.norm_decay)
            teacher = frozen_network(keras, run.teacher, stage.size) if run.teacher is not None else None
            self._model = training_model(keras, self._network, run.recipe, teacher, frozen_norms=stage.frozen_norms)
        # A model of its own for the evaluation: the other one would return the maps of all blocks.
        self._logits = keras.Model(self._network.input, self._network.output["final_block"])
        if run.start is not None:
            assign_weights(self._network, run.start.weights, self._config)
        self._average = bool(run.recipe.weight_average)
        self._optimizer = build_adam(keras, learning_rate_schedule(keras, stage, first), run.recipe.weight_average)
        self._model.compile(optimizer=self._optimizer)
        self._optimizer.build(self._network.trainable_variables)

    def fit(self, batches: Iterator[Batch], steps: int, report: StepReport) -> None:
        class Report(self._keras.callbacks.Callback):  # type: ignore[misc, name-defined]
            def on_train_batch_end(self, batch: int, logs: Mapping[str, float] | None = None) -> None:
                if batch == 0:
                    keep_freed_memory()
                report(batch, {name: float(value) for name, value in (logs or {}).items()})

        self._model.fit(
            batches, steps_per_epoch=steps, epochs=1, verbose=0, shuffle=False, callbacks=[Report()]
        )  # fmt: skip

    def weights(self) -> Weights:
        return read_weights(self._network)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        raw = self.weights()
        if self._average:
            self._optimizer.write_averages()
        try:
            yield
        finally:
            assign_weights(self._network, raw, self._config)

    def alphas(self, images: U8Array) -> F32Array:
        alphas = []
        for start in range(0, len(images), EVALUATION_BATCH):
            values = images[start : start + EVALUATION_BATCH].astype(np.float32) / np.float32(255)
            # The last batch is filled up, because the network would be compiled anew for another size.
            batch = np.resize(values, (EVALUATION_BATCH, *values.shape[1:]))
            logits = self._logits.predict_on_batch(batch)[: len(values)]
            alphas.append(self._keras.ops.convert_to_numpy(alphas_of(self._keras, logits)[..., 0]))
        return np.concatenate(alphas)

    def state(self) -> dict[str, AnyArray]:
        return {name: np.asarray(variable.numpy()) for name, variable in self._variables().items()}

    def restore(self, saved: SavedStep) -> None:
        weights = {name: value for name, value in saved.state.items() if not name.startswith("optimizer/")}
        assign_weights(self._network, weights, self._config)
        if STEPS not in saved.state:
            # This includes the learning rate, which the schedule then sets anew.
            for name, variable in self._variables().items():
                saved.restore(name, variable)
            return
        # The compiled step wrote it. Keras orders the weights otherwise.
        trained = TrainedWeights(self._config)
        order = trained.positions(trained_names(self._network))
        self._optimizer.iterations.assign(saved.array(STEPS, ()))
        for name, variable in self._optimizer.vectors.items():
            variable.assign(saved.array(_VECTORS[name], (trained.size,))[order])

    def _variables(self) -> dict[str, Any]:
        return {f"{KERAS_STATE}{index:04}": variable for index, variable in enumerate(self._optimizer.variables)}
