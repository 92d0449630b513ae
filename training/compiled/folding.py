"""Batch norms folded into kernels and biases, and the gradients taken back to the weights.

With frozen statistics a norm is a factor and an offset per channel: kernel · factor and beta − mean · factor, with
factor = gamma / √(variance + ε). The gradients follow by the chain rule.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array
from mmnet.network.blocks import NORM_EPSILON
from mmnet.network.variables import ROOT, Weights
from mmnet.training.compiled.table import Operator, Table
from mmnet.training.engines.trained import TrainedWeights


class Folding:
    """The way from the vector of trained weights to the parameters of a table, and from their gradients back."""

    def __init__(self, table: Table, trained: TrainedWeights, weights: Weights) -> None:
        """Collect where everything lies.

        Args:
            table: the network.
            trained: gives the order of the weights.
            weights: the moving statistics are taken from these.
        """
        self._size, self._parameters = trained.size, table.parameters
        normed = [operator for operator in table.operators if operator.kind in ("pointwise", "depthwise")]
        self._heads = [_Head(operator, trained) for operator in table.operators if operator.kind == "head"]
        kernels, targets, channels, first = [], [], [], 0
        for operator in normed:
            place = trained.place(ROOT + operator.name + _kernel_name(operator))
            count, filters = place.stop - place.start, operator.target.channels
            kernels.append(np.arange(place.start, place.stop))
            targets.append(operator.kernel + np.arange(count))
            channels.append(first + np.arange(count) % filters)
            first += filters
        # Positions of each kernel's values in the vector of weights and in the parameters, and the number of the norm's
        # channel; then positions of the values of each norm.
        self._kernels, self._targets, self._channels = map(np.concatenate, (kernels, targets, channels))
        self._gammas = _positions(trained, normed, "gamma")
        self._betas = _positions(trained, normed, "beta")
        self._biases = np.concatenate([operator.bias + np.arange(operator.target.channels) for operator in normed])
        self._means = np.concatenate(list(_statistics(weights, normed, "moving_mean")))
        variances = np.concatenate(list(_statistics(weights, normed, "moving_variance")))
        self._scales = (1 / np.sqrt(variances + np.float32(NORM_EPSILON))).astype(np.float32)

    def parameters(self, vector: F32Array) -> F32Array:
        """Return the kernels and biases of the table."""
        parameters = np.zeros(self._parameters, np.float32)
        factors = vector[self._gammas] * self._scales
        parameters[self._targets] = vector[self._kernels] * factors[self._channels]
        parameters[self._biases] = vector[self._betas] - self._means * factors
        for head in self._heads:
            head.fold(vector, parameters)
        return parameters

    def gradients(self, vector: F32Array, by_parameters: F32Array) -> F32Array:
        """Return the gradients by the weights.

        Args:
            vector: the weights.
            by_parameters: the gradients by the parameters that `parameters` gave for these weights.
        """
        gradients = np.zeros(self._size, np.float32)
        factors = vector[self._gammas] * self._scales
        by_kernel, by_bias = by_parameters[self._targets], by_parameters[self._biases]
        gradients[self._kernels] = by_kernel * factors[self._channels]
        # Sums in float64.
        by_factor = np.bincount(self._channels, weights=by_kernel * vector[self._kernels])
        gradients[self._gammas] = (by_factor - by_bias * self._means) * self._scales
        gradients[self._betas] = by_bias
        for head in self._heads:
            head.take_back(by_parameters, gradients)
        return gradients


class _Head:
    """A head, whose two logits the table replaces by their difference."""

    def __init__(self, operator: Operator, trained: TrainedWeights) -> None:
        self._pairs = [trained.place(f"{ROOT}{operator.name}/{part}") for part in ("weights", "biases")]
        self._targets = [slice(operator.kernel, operator.bias), slice(operator.bias, operator.bias + 1)]

    def fold(self, vector: F32Array, parameters: F32Array) -> None:
        for pair, target in zip(self._pairs, self._targets, strict=True):
            background, foreground = vector[pair].reshape(-1, 2).T
            parameters[target] = foreground - background

    def take_back(self, by_parameters: F32Array, gradients: F32Array) -> None:
        for pair, target in zip(self._pairs, self._targets, strict=True):
            gradients[pair] = np.stack([-by_parameters[target], by_parameters[target]], axis=1).ravel()


def _kernel_name(operator: Operator) -> str:
    return "/depthwise_weights" if operator.kind == "depthwise" else "/weights"


def _positions(trained: TrainedWeights, operators: list[Operator], part: str) -> NDArray[np.int64]:
    return trained.positions([f"{ROOT}{operator.name}/BatchNorm/{part}" for operator in operators])


def _statistics(weights: Weights, operators: list[Operator], part: str) -> Iterator[F32Array]:
    for operator in operators:
        yield weights[f"{ROOT}{operator.name}/BatchNorm/{part}"]
