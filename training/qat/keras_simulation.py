"""The inference graph as a trainable Keras 3 model that rounds as 8-bit arithmetic does.

It computes what `mmnet.training.qat.simulation` computes with tensorflow-model-optimization, and needs neither that
package nor tf-keras, which pin TensorFlow.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, reduce
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.graph.operators import (
    Concat,
    Conv,
    DepthToSpace,
    Depthwise,
    Graph,
    Image,
    Node,
    PadEdge,
    Relu6,
    Resize,
    Sigmoid,
    Split,
)
from mmnet.network.keras_network import upsample_layer
from mmnet.quantize.activations import ALPHA_LIMITS, Limits, activations
from mmnet.training.qat.fake_quantization import fake_quantizer, quantize_kernel

# Decay of the moving average of a range, as in tensorflow-model-optimization.
_DECAY = 0.999


class KerasSimulation:
    """The inference graph as a trainable model that simulates 8 bits, in Keras 3.

    Attributes:
        model: from float32 [N, size, size, 3], RGB in 0-1, multiples of 1/255, to a pair of float32 [N, size, size, 1]:
            the logit, and its sigmoid, the alpha. With `training=True` it updates the ranges.
    """

    def __init__(self, graph: Graph, limits: Limits, keras: ModuleType) -> None:
        """Build the model.

        Args:
            graph: the inference graph.
            limits: the ranges to begin with.
            keras: Keras 3, on any backend.
        """
        self._graph, self._keras, self._ops = graph, keras, keras.ops
        self._fake_quantize = fake_quantizer(keras)
        self._names = activations(graph)
        self._constants: dict[str, tuple[Any, Any]] = {}  # convolution -> the variables of its kernel and bias
        self._own: dict[str, tuple[Any, Any]] = {}  # node -> the variables of its lowest and highest value
        self._members: dict[str, list[tuple[Any, Any]]] = {name: [] for name in limits}
        self._resizes: dict[str, Any] = {}
        self.model: Any = _model_class(keras)(self._walk)
        for node in graph.nodes:
            self._add_variables(node, limits)
        self.model.built = True

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return the current ranges, name -> lowest and highest value."""
        found: dict[str, tuple[float, float]] = {}
        for name, members in self._members.items():
            lows, highs = ([float(member[end].numpy()) for member in members] for end in (0, 1))
            found[name] = (min(lows), max(highs))
        return found

    def kernel(self, name: str) -> Any:
        """Return the variable that holds the kernel of a convolution before rounding."""
        return self._constants[name][0]

    def bias(self, name: str) -> Any:
        """Return the variable that holds the bias of a convolution."""
        return self._constants[name][1]

    def _add_variables(self, node: Node, limits: Limits) -> None:
        if isinstance(node.op, Conv | Depthwise):
            self._constants[node.name] = self._variable(node.op.kernel), self._variable(node.op.bias)
        if isinstance(node.op, Resize):
            assert node.op.factor == 2
            name = node.name.replace("/", ".")  # Keras forbids the slash
            self._resizes[node.name] = upsample_layer(self._keras)(node.op.sampling, name=name)
        if isinstance(node.op, Conv | Depthwise | Relu6 | Resize) and node.name in self._names:
            shared = self._names[node.name]
            low, high = limits[shared]
            self._own[node.name] = self._variable(low, trainable=False), self._variable(high, trainable=False)
            self._members[shared].append(self._own[node.name])

    def _variable(self, value: Any, *, trainable: bool = True) -> Any:
        variable = self.model.add_weight(shape=np.shape(value), initializer="zeros", trainable=trainable)
        variable.assign(value)
        return variable

    def _walk(self, image: Any, training: bool) -> tuple[Any, Any]:
        values: dict[str, Any] = {}
        for node in self._graph.nodes:
            inputs = [values[name] for name in node.inputs]
            value = image if isinstance(node.op, Image) else self._compute(node, inputs)
            values[node.name] = self._rounded(node, value, training)
        last = self._graph.nodes[-1]
        # The runtime divides an alpha byte by 255, although the scale of a sigmoid's output is 1/256.
        return values[last.inputs[0]], values[last.name] * (1 / ALPHA_LIMITS[1])

    def _compute(self, node: Node, inputs: list[Any]) -> Any:
        ops, x = self._ops, inputs[0]
        match node.op:
            case Conv(_, _, strides, padding):
                kernel = quantize_kernel(self._keras, ops.copy(self.kernel(node.name)), 3)
                return ops.conv(x, kernel, strides, padding.lower()) + self.bias(node.name)
            case Depthwise(_, _, stride, dilations):
                kernel = quantize_kernel(self._keras, ops.copy(self.kernel(node.name)), 2)
                return ops.depthwise_conv(x, kernel, stride, "same", dilation_rate=dilations) + self.bias(node.name)
            case Relu6():
                return ops.relu6(x)
            case Concat():
                return ops.concatenate(inputs, -1)
            case Split(index, parts):
                return ops.split(x, parts, -1)[index]
            case Resize():
                return self._resizes[node.name](x)
            case PadEdge(before, after):
                x = ops.concatenate([x[:, :1]] * before + [x] + [x[:, -1:]] * after, 1)
                return ops.concatenate([x[:, :, :1]] * before + [x] + [x[:, :, -1:]] * after, 2)
            case DepthToSpace(block):
                _, height, width, channels = x.shape
                squares = ops.reshape(x, (-1, height, width, block, block, channels // block**2))
                squares = ops.transpose(squares, (0, 1, 3, 2, 4, 5))
                return ops.reshape(squares, (-1, height * block, width * block, channels // block**2))
            case Sigmoid():
                return ops.sigmoid(x)
            case _:
                raise TypeError(f"{node.name}: {type(node.op).__name__} is not part of an inference graph")

    def _rounded(self, node: Node, value: Any, training: bool) -> Any:
        """Return the output of a node as 8-bit arithmetic stores it."""
        ops = self._ops
        if isinstance(node.op, Sigmoid):
            low, high = (ops.convert_to_tensor(end, "float32") for end in ALPHA_LIMITS)
            return self._fake_quantize(value, low, high)
        if node.name not in self._own:
            return value
        low, high = self._own[node.name]
        if training:
            detached = ops.stop_gradient(value)
            _follow(low, ops.minimum(ops.min(detached), 0.0))
            _follow(high, ops.maximum(ops.max(detached), 0.0))
        lows, highs = zip(*self._members[self._names[node.name]], strict=True)
        return self._fake_quantize(
            value, reduce(ops.minimum, map(ops.copy, lows)), reduce(ops.maximum, map(ops.copy, highs))
        )


@cache
def _model_class(keras: ModuleType) -> Any:
    """Return the class of a Keras model that computes what a function computes."""

    class SimulationModel(keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self, function: Callable[[Any, bool], tuple[Any, Any]]) -> None:
            super().__init__(name="simulation")
            self._function = function

        def call(self, image: Any, training: bool = False) -> tuple[Any, Any]:
            return self._function(image, training)

    return SimulationModel


def _follow(average: Any, value: Any) -> None:
    average.assign(average + (1 - _DECAY) * (value - average))
