"""Quantization-aware training: the 8-bit simulation learns from the labels and from the float network it came from.

The norms are frozen from the first step, since they are folded into the kernels that are trained: the moving
statistics of a network that was trained to its end are settled, and in 8 bits there is no norm left to have others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.arrays import F32Array, U8Array
from mmnet.evaluation.metrics import gauss_grad, mad
from mmnet.graph.inference import inference_graph
from mmnet.graph.invert import Kernel, Kernels, constraints, invert, kernels_of
from mmnet.graph.lower import lower
from mmnet.network.checkpoint import Checkpoint, CheckpointCorruptError, load_safetensors, save_checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.tensorflow import load_tensorflow
from mmnet.quantize.activations import measure_limits
from mmnet.selection import spread_evenly
from mmnet.training.augment import Augmentation
from mmnet.training.data.pipeline import Batches, DataSet
from mmnet.training.loop import (
    STATE_FILE,
    DivergedError,
    Job,
    Saved,
    TrainingListener,
    image_row,
    images_of,
    newest,
    prune,
)
from mmnet.training.losses import matting_losses
from mmnet.training.memory import keep_freed_memory
from mmnet.training.recipes import Recipe, RecipeError, Stage

DEFAULT_STEPS = 300
_EVALUATION_BATCH = 8
_MOST_EVALUATED = 64
# How much of the loss compares with the float network, the rest with the labels.
_DISTILLATION = 0.75

RECIPE = Recipe(
    "quantization-aware",
    "Go on from a checkpoint in simulated 8 bits, learning from its float network and from the labels.",
    (Stage(DEFAULT_STEPS, 256, 8, 2e-5, 0.0, warmup=20),),
    Augmentation(),
    continues=True,
    weight_decay=0.0,
    # As for fine-tuning; the auxiliary head is no part of the inference graph.
    weights={"alpha": 3.0, "compositional": 3.0, "gradient": 30.0, "cross_entropy": 1.0},
)


def recipe_for(size: int, steps: int, batch: int | None, *, backgrounds: bool = False) -> Recipe:
    """The recipe for one input size; `steps` may be 0, which only measures ranges.

    Without backgrounds to lay behind people it augments as the paper does, which spares the estimation of foreground
    colours: longer, on a thousand images, than these few steps.

    Raises:
        RecipeError: fewer steps than none.
    """
    if steps < 0:
        raise RecipeError(f"{steps} steps are too few; 0 measures ranges without training")
    stage = RECIPE.stages[0]
    warmup = round(stage.warmup * min(1.0, steps / stage.steps))
    stage = replace(stage, steps=steps, size=size, batch=batch or stage.batch, warmup=warmup)
    return replace(RECIPE, stages=(stage,), augmentation=Augmentation() if backgrounds else "published")


@dataclass(frozen=True)
class Photos:
    """What ranges are measured on before the first step.

    Attributes:
        images: uint8 [N, size, size, 3], RGB.
        source: what they are, for the checkpoint.
    """

    images: U8Array
    source: Mapping[str, Any]


def measure_ranges(
    checkpoint: Checkpoint, photos: Photos, *, progress: Callable[[int], None] = lambda done: None
) -> Ranges:
    """The ranges of a checkpoint's activations over some photos, at its input size."""
    graph = inference_graph(checkpoint)
    limits = measure_limits(graph, photos.images, progress=progress)
    return Ranges(limits, checkpoint.config.size, {**photos.source, "trained_steps": 0})


def calibrate(checkpoint: Checkpoint, ranges: Ranges, folder: Path) -> Path:
    """Save the checkpoint, its weights as they are, with `ranges`, into the run `folder`.

    Returns:
        The folder of the new checkpoint.

    Raises:
        OutputError: it could not be written.
    """
    target = folder / f"step-{checkpoint.step:07}"
    save_checkpoint(replace(checkpoint, ranges=ranges, created=""), target)
    return target


def train_quantized(job: Job, keras: ModuleType, listener: TrainingListener, measure: Callable[[], Ranges]) -> Path:
    """Train in 8 bits to the end of the recipe's one stage, from its beginning or from the newest checkpoint.

    Args:
        job: what to train; goes on from `job.start`.
        keras: Keras 3 on TensorFlow, for the losses.
        listener: is told of every step and checkpoint.
        measure: gives the ranges to start from; not called when the run goes on.

    Returns:
        The folder of the last checkpoint.

    Raises:
        DivergedError: the loss is not finite; the last good checkpoint is kept.
        ResumeError: the checkpoints in the folder belong to another recipe, seed or start.
        OutputError: a checkpoint could not be written.
    """
    assert job.start is not None
    (stage,) = job.recipe.stages
    resumed = newest(job)
    ranges = resumed.checkpoint.ranges if resumed is not None else measure()
    assert ranges is not None
    run = _Run(job, keras, ranges)
    done = 0
    if resumed is not None:
        run.restore(resumed)
        done = resumed.checkpoint.step - job.first_step
    listener.on_stage(stage, 0, done, stage.steps)
    folder = resumed.folder if resumed is not None else job.folder
    means: dict[str, float] = {}
    begun, counted = perf_counter(), 0
    for images, mattes in run.batches.stream(done, stage.steps):
        losses = run.step(done, images, mattes)
        done += 1
        if not all(map(math.isfinite, losses.values())):
            raise DivergedError(
                f"{job.folder}: the loss is not finite at step {job.first_step + done}; the checkpoints before it are "
                "kept: look at the data with `mmnet data check`"
            )
        if counted == 0:
            keep_freed_memory()
        counted += 1
        means = {
            name: means.get(name, 0.0) + (value - means.get(name, 0.0)) / counted for name, value in losses.items()
        }
        now = perf_counter()
        listener.on_step(job.first_step + done, means, run.learning_rate(done - 1), stage.batch / (now - begun))
        begun = now
        if done % job.save_every == 0 or done == stage.steps:
            folder = run.save(done, listener)
            means, counted, begun = {}, 0, perf_counter()
    return folder


class _Run:
    """The simulation, its teacher, its optimizer and its data."""

    def __init__(self, job: Job, keras: ModuleType, ranges: Ranges) -> None:
        assert job.start is not None
        tf = load_tensorflow()
        import tf_keras

        from mmnet.training.qat.simulation import Simulation

        (stage,) = job.recipe.stages
        self._job, self._keras, self._stage, self._start, self._ranges = job, keras, stage, job.start, ranges
        self._graph = inference_graph(job.start)
        self._kernels = kernels_of(self._graph)
        self._simulation = Simulation(self._graph, ranges.limits)
        self._model = self._simulation.model
        self._optimizer = tf_keras.optimizers.Adam(0.0, jit_compile=False)
        self._optimizer.build(self._model.trainable_variables)
        self._train = tf.function(self._train_step, autograph=False)
        self._infer = tf.function(self._infer_both, autograph=False)
        self._data: DataSet = job.data(stage.size)
        self.batches = Batches(
            self._data.training,
            stage.batch,
            stage.size,
            seed=job.seed,
            recipe=job.recipe.augmentation,
            backgrounds=self._data.backgrounds,
            workers=job.workers,
        )

    def restore(self, saved: Saved) -> None:
        """Take over everything that a checkpoint of this run holds."""
        for name, variable in self._state().items():
            value = saved.state.get(name)
            if value is None or value.shape != tuple(variable.shape):
                raise CheckpointCorruptError(f"{saved.folder / STATE_FILE}: does not hold the state of this training")
            variable.assign(value)

    def learning_rate(self, done: int) -> float:
        """Linear warm-up, then a cosine from the stage's learning rate to its final one."""
        stage = self._stage
        share = min(1.0, max(0.0, (done - stage.warmup) / max(1, stage.steps - stage.warmup)))
        high, low = stage.learning_rate, stage.final_learning_rate
        return (low + (high - low) * (1 + math.cos(math.pi * share)) / 2) * min(1.0, (done + 1) / max(1, stage.warmup))

    def step(self, done: int, images: F32Array, mattes: F32Array) -> dict[str, float]:
        """Train on a batch; step `done` of the run, from 0."""
        self._optimizer.learning_rate = self.learning_rate(done)
        return {name: float(value) for name, value in self._train(images, mattes).items()}

    def save(self, done: int, listener: TrainingListener) -> Path:
        """Write the checkpoint of step `done` and all that going on from it needs."""
        job, start = self._job, self._start
        weights = invert(start.config, start.weights, self._trained())
        metrics, images = self._evaluate()
        step = job.first_step + done
        provenance = dict(start.provenance) | {
            "recipe": job.recipe.to_json(),
            "seed": job.seed,
            "first_step": job.first_step,
        }
        source = {**self._ranges.source, "trained_steps": done}
        ranges = Ranges(self._simulation.limits(), start.config.size, source)
        checkpoint = Checkpoint(start.config, weights, step, job.description, metrics, provenance, ranges=ranges)
        folder = job.folder / f"step-{step:07}"
        state = {name: np.asarray(variable.numpy()) for name, variable in self._state().items()}
        save_checkpoint(checkpoint, folder, beside={STATE_FILE: load_safetensors().numpy.save(state)})
        prune(job)
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
        weights = self._job.recipe.weights
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
            variable.assign(constrain(variable))
        return {"loss": loss} | {
            f"{kind}_{name}": value for kind, losses in terms.items() for name, value in losses.items()
        }

    def _infer_both(self, images: Any) -> tuple[Any, Any]:
        return self._model(images, training=False)[1], lower(self._graph, images)

    def _evaluate(self) -> tuple[dict[str, float], U8Array]:
        """Of the simulation on validation images (or else training ones): its errors, its distance from float."""
        data = self._data
        pack, name = (data.training[0].pack, "train") if data.validation is None else (data.validation, "validation")
        images, mattes = images_of(pack, np.arange(min(len(pack), _MOST_EVALUATED)), self._stage.size)
        starts = range(0, len(images), _EVALUATION_BATCH)
        batches = [images[at : at + _EVALUATION_BATCH].astype(np.float32) / np.float32(255) for at in starts]
        both = [[value.numpy()[..., 0] for value in self._infer(batch)] for batch in batches]
        simulated, exact = (np.concatenate(values) for values in zip(*both, strict=True))
        metrics = {
            f"{name}_mad": float(np.mean([mad(*pair) for pair in zip(simulated, mattes, strict=True)])),
            f"{name}_gauss_grad": float(np.mean([gauss_grad(*pair) for pair in zip(simulated, mattes, strict=True)])),
            f"{name}_mad_from_float": float(np.abs(simulated - exact).mean()),
        }
        rows = [image_row(images[i], mattes[i], simulated[i]) for i in range(min(4, len(images)))]
        return {"mad": metrics[f"{name}_mad"], **metrics}, np.concatenate(rows)


def training_photos(data: DataSet, size: int, limit: int) -> Photos:
    """At most `limit` of the images to train on, spread evenly, as the runtime sees them: to measure ranges on."""
    pairs = [(part.pack, int(index)) for part in data.training for index in part.indices]
    chosen = spread_evenly(pairs, limit)
    images = np.concatenate([images_of(pack, np.array([index]), size)[0] for pack, index in chosen])
    return Photos(images, {"photos": len(images)})
