"""The loop of quantization-aware training."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.graph.inference import inference_graph
from mmnet.graph.invert import Kernel, Kernels, constraints, invert, kernels_of
from mmnet.graph.lower import lower
from mmnet.graph.operators import Graph
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.tensorflow import load_tensorflow
from mmnet.quantize.activations import Limits
from mmnet.training.checkpoints import SavedStep, newest_step, save_step
from mmnet.training.data.batches import Batches
from mmnet.training.evaluation import EVALUATION_BATCH, mean_errors, read_images, sheet_rows
from mmnet.training.listener import TrainingListener
from mmnet.training.losses import matting_losses
from mmnet.training.process import keep_freed_memory, one_opencv_thread
from mmnet.training.qat.recipe import DEFAULT_SIMULATION
from mmnet.training.run import TrainingRun

# Weight of the comparison with the float network in the loss; the rest is that of the comparison with the labels.
_DISTILLATION = 0.75
_MOST_EVALUATED = 64  # images


def train_quantized(
    run: TrainingRun,
    keras: ModuleType,
    listener: TrainingListener,
    measure: Callable[[], Ranges],
    simulation: str = DEFAULT_SIMULATION,
) -> Path:
    """Train in simulated 8 bits to the end of the recipe's one stage, from its beginning or from the newest checkpoint.

    Args:
        run: what to train; it goes on from `run.start`.
        keras: Keras 3 on TensorFlow, for the losses and for the simulation `keras`.
        listener: receives every step and checkpoint.
        measure: returns the ranges to begin with; not called if the run is resumed.
        simulation: one of `mmnet.training.qat.recipe.SIMULATIONS`, what simulates 8 bits.

    Returns:
        The folder of the last checkpoint.

    Raises:
        DivergedError: the loss is not finite; the last good checkpoint is kept.
        ResumeError: the checkpoints in the folder belong to another recipe, seed or start.
        OutputError: a checkpoint could not be written.
    """
    (stage,) = run.recipe.stages
    resumed = newest_step(run, listener.on_skipped)
    ranges = resumed.checkpoint.ranges if resumed is not None else measure()
    assert ranges is not None
    training = _QuantizedTraining(run, keras, ranges, simulation)
    done = 0
    if resumed is not None:
        training.restore(resumed)
        done = resumed.checkpoint.step - run.first_step
    listener.on_stage(stage, 0, done, stage.steps)
    folder = resumed.folder if resumed is not None else run.folder
    with one_opencv_thread():
        means, counted, begun = dict[str, float](), 0, perf_counter()
        for images, mattes in training.batches.stream(done, stage.steps):
            losses = training.step(done, images, mattes)
            done += 1
            run.check_finite(run.first_step + done, losses)
            if counted == 0:
                keep_freed_memory()
            counted += 1
            means = {
                name: means.get(name, 0.0) + (value - means.get(name, 0.0)) / counted for name, value in losses.items()
            }
            now = perf_counter()
            rate = training.learning_rate(done - 1)
            listener.on_step(run.first_step + done, means, rate, stage.batch / (now - begun))
            begun = now
            if done % run.save_every == 0 or done == stage.steps:
                folder = training.save(done, listener)
                means, counted, begun = {}, 0, perf_counter()
    return folder


def _simulated(graph: Graph, limits: Limits, keras: ModuleType, simulation: str) -> tuple[Any, Any]:
    """Return the simulation of 8 bits, and an optimizer of the same Keras."""
    if simulation == "keras":
        from mmnet.training.qat.keras_simulation import KerasSimulation

        return KerasSimulation(graph, limits, keras), keras.optimizers.Adam(0.0)
    import tf_keras

    from mmnet.training.qat.simulation import Simulation

    return Simulation(graph, limits), tf_keras.optimizers.Adam(0.0, jit_compile=False)


class _QuantizedTraining:
    """The simulation, the float network that it learns from, the optimizer and the data."""

    def __init__(self, run: TrainingRun, keras: ModuleType, ranges: Ranges, simulation: str) -> None:
        assert run.start is not None
        tf = load_tensorflow()
        (stage,) = run.recipe.stages
        self._run, self._keras, self._stage, self._start, self._ranges = run, keras, stage, run.start, ranges
        self._graph = inference_graph(run.start)
        self._kernels = kernels_of(self._graph)
        self._simulation, self._optimizer = _simulated(self._graph, ranges.limits, keras, simulation)
        self._model = self._simulation.model
        self._optimizer.build(self._model.trainable_variables)
        self._train = tf.function(self._train_step, autograph=False)
        self._infer = tf.function(self._infer_both, autograph=False)
        self._data = run.data(stage.size)
        self.batches = Batches(
            self._data.training,
            stage.batch,
            stage.size,
            seed=run.seed,
            augmentation=run.recipe.augmentation,
            backgrounds=self._data.backgrounds,
            workers=run.workers,
        )

    def restore(self, saved: SavedStep) -> None:
        """Assign the state of a checkpoint of this run."""
        for name, variable in self._state().items():
            saved.restore(name, variable)

    def learning_rate(self, done: int) -> float:
        """Return the learning rate after `done` steps: a linear warm-up, then a cosine to the final learning rate."""
        stage = self._stage
        progress = min(1.0, max(0.0, (done - stage.warmup) / max(1, stage.steps - stage.warmup)))
        high, low = stage.learning_rate, stage.final_learning_rate
        return (low + (high - low) * (1 + math.cos(math.pi * progress)) / 2) * min(
            1.0, (done + 1) / max(1, stage.warmup)
        )

    def step(self, done: int, images: F32Array, mattes: F32Array) -> dict[str, float]:
        """Train on one batch, step `done` of the run (from 0), and return the losses by name."""
        self._optimizer.learning_rate = self.learning_rate(done)
        return {name: float(value) for name, value in self._train(images, mattes).items()}

    def save(self, done: int, listener: TrainingListener) -> Path:
        """Write the checkpoint of step `done` with the state of the training, and return its folder."""
        run, start = self._run, self._start
        weights = invert(start.config, start.weights, self._trained())
        metrics, images = self._evaluate()
        step = run.first_step + done
        source = {**self._ranges.source, "trained_steps": done}
        ranges = Ranges(self._simulation.limits(), start.config.size, source)
        checkpoint = Checkpoint(start.config, weights, step, run.description, metrics, run.provenance, ranges=ranges)
        folder = save_step(run, checkpoint, {name: np.asarray(v.numpy()) for name, v in self._state().items()})
        listener.on_checkpoint(checkpoint, folder, images)
        return folder

    def _state(self) -> dict[str, Any]:
        variables = {"model": self._model.variables, "optimizer": self._optimizer.variables}
        return {f"{part}/{i:04}": variable for part, values in variables.items() for i, variable in enumerate(values)}

    def _trained(self) -> Kernels:
        simulation = self._simulation
        return {name: Kernel(simulation.kernel(name).numpy(), simulation.bias(name).numpy()) for name in self._kernels}

    def _train_step(self, images: Any, mattes: Any) -> dict[str, Any]:
        tf = load_tensorflow()
        weights = self._run.recipe.weights
        teacher = lower(self._graph, images)
        with tf.GradientTape() as tape:
            logit, _ = self._model(images, training=True)
            # The softmax over (0, x) is the sigmoid of x.
            logits = tf.concat([tf.zeros_like(logit), logit], -1)
            terms = {
                kind: matting_losses(self._keras, images, truth, logits)
                for kind, truth in (("labels", mattes), ("float", teacher))
            }
            sums = {kind: sum(weights[name] * loss for name, loss in losses.items()) for kind, losses in terms.items()}
            loss = (1 - _DISTILLATION) * sums["labels"] + _DISTILLATION * sums["float"]
        variables = self._model.trainable_variables
        self._optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        for (name, part), constrain in constraints(self._graph).items():
            variable = getattr(self._simulation, part)(name)
            variable.assign(constrain(tf.convert_to_tensor(variable)))
        return {"loss": loss} | {
            f"{kind}_{name}": value for kind, losses in terms.items() for name, value in losses.items()
        }

    def _infer_both(self, images: Any) -> tuple[Any, Any]:
        return self._model(images, training=False)[1], lower(self._graph, images)

    def _evaluate(self) -> tuple[dict[str, float], U8Array]:
        """Measure the simulation on validation images, or on training images if there are none.

        Returns:
            The metrics, among them the mean difference from the float network, and a contact sheet.
        """
        data = self._data
        pack, name = (data.training[0].pack, "train") if data.validation is None else (data.validation, "validation")
        images, mattes = read_images(pack, np.arange(min(len(pack), _MOST_EVALUATED)), self._stage.size)
        starts = range(0, len(images), EVALUATION_BATCH)
        batches = [images[at : at + EVALUATION_BATCH].astype(np.float32) / np.float32(255) for at in starts]
        both = [[value.numpy()[..., 0] for value in self._infer(batch)] for batch in batches]
        simulated, exact = (np.concatenate(values) for values in zip(*both, strict=True))
        metrics = mean_errors(name, simulated, mattes)
        metrics[f"{name}_mad_from_float"] = float(np.abs(simulated - exact).mean())
        return {"mad": metrics[f"{name}_mad"], **metrics}, np.concatenate(sheet_rows(images, mattes, simulated))
