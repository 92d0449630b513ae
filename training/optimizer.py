"""Adam and the moving average of the weights, computed over all weights at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from types import ModuleType
from typing import Any


def build_adam(keras: ModuleType, learning_rate: Any, average: float = 0.0) -> Any:
    """Return Adam (Kingma and Ba, 2015, section 2, last paragraph) with Keras' values: β₁ 0.9, β₂ 0.999, ε 1e-7.

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
            sizes = [prod(variable.shape) for variable in variables]
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
            mean.assign(mean + (gradient - mean) * (1 - 0.9))
            square.assign(square + (ops.square(gradient) - square) * (1 - 0.999))
            step = ops.cast(self.iterations + 1, "float32")
            rate = self.learning_rate * ops.sqrt(1 - ops.power(0.999, step)) / (1 - ops.power(0.9, step))
            weights = flat(self._trainable_variables) - mean * rate / (ops.sqrt(square) + 1e-7)
            self.write(weights)
            if average:
                kept = ops.where(self.iterations > 0, average, 0.0)
                self.vectors["average"].assign(kept * self.vectors["average"] + (1 - kept) * weights)
            self.iterations.assign_add(1)
            return self.iterations

        def write(self, weights: Any) -> None:
            parts = ops.split(weights, self.ends)
            for variable, part in zip(self._trainable_variables, parts, strict=True):
                variable.assign(ops.reshape(part, variable.shape))

        def write_averages(self) -> None:
            self.write(self.vectors["average"])

    return Adam(learning_rate)
