"""Adam, the moving average of the weights, and the learning rate.

The formulas take arrays of `keras.ops` or of NumPy, so that every engine computes the same. Adam (Kingma and Ba, 2015,
section 2, last paragraph) has Keras' values: β₁ 0.9, β₂ 0.999, ε 1e-7.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from types import ModuleType
from typing import Any

from mmnet.training.recipes import Stage


def learning_rate(ops: Any, stage: Stage, step: Any) -> Any:
    """Return the learning rate of a step: a linear warm-up, then a cosine to the final learning rate.

    Args:
        ops: `keras.ops` or NumPy.
        stage: gives the learning rates and the number of steps.
        step: of the stage, from 0, float32.
    """
    progress = ops.clip((step - stage.warmup) / max(1, stage.steps - stage.warmup), 0.0, 1.0)
    high, low = stage.learning_rate, stage.final_learning_rate
    rate = low + (high - low) * (1 + ops.cos(math.pi * progress)) / 2
    return rate * ops.clip((step + 1) / max(1, stage.warmup), 0.0, 1.0)


def adam_moments(ops: Any, gradient: Any, mean: Any, square: Any) -> tuple[Any, Any]:
    """Return Adam's moving averages of the gradient and of its square, after one more gradient."""
    return mean + (gradient - mean) * (1 - 0.9), square + (ops.square(gradient) - square) * (1 - 0.999)


def adam_change(ops: Any, mean: Any, square: Any, count: Any, rate: Any) -> Any:
    """Return what a step subtracts from the weights.

    Args:
        ops: `keras.ops` or NumPy.
        mean, square: from `adam_moments`.
        count: steps, this one included, float32.
        rate: the learning rate.
    """
    rate = rate * ops.sqrt(1 - ops.power(0.999, count)) / (1 - ops.power(0.9, count))
    return mean * rate / (ops.sqrt(square) + 1e-7)


def moved_average(average: Any, weights: Any, kept: Any) -> Any:
    """Return the exponential moving average of the weights after one more step; `kept` is its momentum, 0-1."""
    return kept * average + (1 - kept) * weights


def learning_rate_schedule(keras: ModuleType, stage: Stage, first: int) -> Any:
    """Return `learning_rate` as Keras' schedule of a stage.

    Args:
        keras: Keras 3.
        stage: its learning rates and steps.
        first: steps of the run before the stage.
    """
    ops = keras.ops

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc, name-defined]
        def __call__(self, iteration: Any) -> Any:
            return learning_rate(ops, stage, ops.cast(iteration, "float32") - first)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Schedule()


def build_adam(keras: ModuleType, learning_rate: Any, average: float = 0.0) -> Any:
    """Return Adam as a Keras optimizer.

    Keras' own Adam updates variable by variable. MMNet has 300 variables of some hundred numbers each, for which an
    operation costs more to call than to compute, and far more to trace. Here mean, square and average are one vector
    each.

    Args:
        keras: Keras 3, on any backend.
        learning_rate: a number or a schedule.
        average: momentum of the exponential moving average of the weights, 0–1; 0 keeps no average. After the first
            step the average equals the weights.

    Returns:
        A Keras optimizer. Its additional method `write_averages()` overwrites the weights with their averages.
    """
    ops = keras.ops

    def flat(tensors: Sequence[Any]) -> Any:
        return ops.concatenate([ops.reshape(ops.convert_to_tensor(tensor), (-1,)) for tensor in tensors])

    class Adam(keras.optimizers.Optimizer):  # type: ignore[misc, name-defined]
        def build(self, variables: Sequence[Any]) -> None:
            if self.built:
                return
            super().build(variables)
            sizes = [math.prod(variable.shape) for variable in variables]
            self.ends = list(accumulate(sizes[:-1]))
            names = ("mean", "square", "average") if average else ("mean", "square")
            self.vectors = {name: self.add_variable((sum(sizes),), name=name) for name in names}

        def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> Any:
            if trainable_variables is not None:
                self.build(trainable_variables)
                by_variable = {id(v): gradient for v, gradient in zip(trainable_variables, grads, strict=True)}
                grads = [by_variable[id(variable)] for variable in self._trainable_variables]
            mean, square = self.vectors["mean"], self.vectors["square"]
            gradient = flat(grads)
            for vector, moment in zip((mean, square), adam_moments(ops, gradient, mean, square), strict=True):
                vector.assign(moment)
            count = ops.cast(self.iterations + 1, "float32")
            weights = flat(self._trainable_variables) - adam_change(ops, mean, square, count, self.learning_rate)
            self.write(weights)
            if average:
                kept = ops.where(self.iterations > 0, average, 0.0)
                self.vectors["average"].assign(moved_average(self.vectors["average"], weights, kept))
            self.iterations.assign_add(1)
            return self.iterations

        def write(self, weights: Any) -> None:
            parts = ops.split(weights, self.ends)
            for variable, part in zip(self._trainable_variables, parts, strict=True):
                variable.assign(ops.reshape(part, variable.shape))

        def write_averages(self) -> None:
            self.write(self.vectors["average"])

    return Adam(learning_rate)
