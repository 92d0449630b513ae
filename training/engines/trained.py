"""The trained weights of a network as one vector, in an order that does not depend on Keras."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import F32Array
from mmnet.network.config import ModelConfig
from mmnet.network.variables import Weights, variable_shapes

# Names of the optimizer's state in a checkpoint. The compiled step saves the number of steps, int64 [], and vectors,
# float32 [size]; Keras saves its own variables under a number.
KERAS_STATE = "optimizer/"
STEPS, MEAN, SQUARE, AVERAGE = (f"optimizer/{name}" for name in ("steps", "mean", "square", "average"))


class TrainedWeights:
    """The order of the weights: that of `variable_shapes`, without the moving statistics of the norms.

    Attributes:
        size: number of trained weights.
    """

    def __init__(self, config: ModelConfig) -> None:
        shapes = variable_shapes(config)
        self._shapes = {name: shape for name, shape in shapes.items() if "/moving_" not in name}
        ends = np.cumsum([prod(shape) for shape in self._shapes.values()]).tolist()
        self._places = dict(zip(self._shapes, map(slice, [0, *ends[:-1]], ends), strict=True))
        self.size: int = ends[-1]

    def vector(self, weights: Weights) -> F32Array:
        """Return the trained weights as a vector."""
        return np.concatenate([weights[name].ravel() for name in self._shapes])

    def weights(self, vector: F32Array) -> dict[str, F32Array]:
        """Return the trained weights of a vector by name."""
        return {name: vector[self._places[name]].reshape(shape).copy() for name, shape in self._shapes.items()}

    def place(self, name: str) -> slice:
        """Return where a variable lies in the vector."""
        return self._places[name]

    def positions(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return where the values of variables lie in the vector, one variable after the other."""
        return np.concatenate([np.arange(self._places[name].start, self._places[name].stop) for name in names])
