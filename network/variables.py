"""The variables of the network: names as in a TF-Slim checkpoint, shapes by the width multiplier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mmnet.arrays import F32Array
from mmnet.errors import MMNetError
from mmnet.network.blocks import INIT_CHANNELS, walk
from mmnet.network.config import ModelConfig

Weights = Mapping[str, F32Array]
Shape = tuple[int, ...]

ROOT = "MMNet/"
NORM_PARTS = ("beta", "gamma", "moving_mean", "moving_variance")
_PAPER_WIDTHS = (1.0, 0.75, 0.5, 0.35, 1.4)


class VariableError(MMNetError):
    """Weights that do not belong to the network."""


class _Shapes:
    """A builder whose tensors are channel counts; it records the variables of every layer."""

    def __init__(self) -> None:
        self.variables: dict[str, Shape] = {}

    def conv(
        self, x: int, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True
    ) -> int:
        self._add(name, "weights", (kernel, kernel, x, filters))
        return self._norm(name, filters)

    def depthwise(self, x: int, name: str, *, stride: int = 1, rate: int = 1) -> int:
        self._add(name, "depthwise_weights", (3, 3, x, 1))
        return self._norm(name, x)

    def concat(self, parts: Sequence[int]) -> int:
        return sum(parts)

    def upsample(self, x: int, name: str) -> int:
        return x

    def head(self, x: int, name: str) -> int:
        self._add(name, "weights", (1, 1, x, 2))
        self._add(name, "biases", (2,))
        return 2

    def _norm(self, name: str, channels: int) -> int:
        for part in NORM_PARTS:
            self._add(name, f"BatchNorm/{part}", (channels,))
        return channels

    def _add(self, name: str, part: str, shape: Shape) -> None:
        self.variables[f"{ROOT}{name}/{part}"] = shape


def variable_shapes(config: ModelConfig) -> dict[str, Shape]:
    """Return name -> shape of every variable of the network, with the auxiliary head and the moving statistics."""
    shapes = _Shapes()
    walk(config, shapes, 3)
    return shapes.variables


def infer_width(shapes: Mapping[str, Shape]) -> float:
    """Return the width multiplier of a network with these variable shapes.

    Several multipliers can give the same network, since channel counts are rounded to multiples of 8; those of the
    paper are preferred.

    Raises:
        VariableError: no width multiplier fits; names the first variable that is missing or has another shape than
            in the nearest network.
    """
    first = shapes.get(f"{ROOT}init_block/conv/weights")
    if first is None or len(first) != 4:
        raise VariableError(f"no variable {ROOT}init_block/conv/weights: these are not the weights of an MMNet")
    others = [step / 100 for step in range(5, 401, 5)]
    fitting = [width for width in (*_PAPER_WIDTHS, *others) if ModelConfig(width).channels(INIT_CHANNELS) == first[3]]
    if not fitting:
        raise VariableError(f"{ROOT}init_block/conv/weights has the shape {list(first)}: no width multiplier gives it")
    for width in fitting:
        expected = variable_shapes(ModelConfig(width))
        if all(shapes.get(name) == shape for name, shape in expected.items()):
            break
    else:
        width = fitting[0]
    check_shapes(shapes, ModelConfig(width))
    return width


def check_shapes(shapes: Mapping[str, Shape], config: ModelConfig) -> None:
    """Check that `shapes` has exactly the variables of the network, each with its shape.

    Raises:
        VariableError: names the first variable that is missing, unexpected or of another shape.
    """
    expected = variable_shapes(config)
    network = config.name
    for name, shape in expected.items():
        if name not in shapes:
            raise VariableError(f"variable {name} is missing; {network} needs it with shape {list(shape)}")
        if tuple(shapes[name]) != shape:
            raise VariableError(f"variable {name} has the shape {list(shapes[name])}; {network} needs {list(shape)}")
    unexpected = sorted(set(shapes) - set(expected))
    if unexpected:
        raise VariableError(f"variable {unexpected[0]} is not part of {network} ({len(unexpected)} such variables)")


def check_weights(weights: Weights, config: ModelConfig) -> None:
    """Check names, shapes and values of all weights of a network.

    Raises:
        VariableError: a variable is missing, unexpected, of another shape, not float32 or not finite, or it is a moving
            variance below zero.
    """
    check_shapes({name: value.shape for name, value in weights.items()}, config)
    for name, value in weights.items():
        if value.dtype != np.float32:
            raise VariableError(f"variable {name} is {value.dtype}; MMNet's weights are float32")
        if not np.isfinite(value).all():
            raise VariableError(f"variable {name} holds values that are not finite; the training diverged")
        if name.endswith("moving_variance") and (value < 0).any():
            raise VariableError(f"variable {name} holds a variance below zero")
