"""The inference graph as a trainable tf-keras model that rounds as 8-bit arithmetic does.

tensorflow-model-optimization wraps every layer with a `QuantizeConfig` of this module. The defaults of that library do
not fit: they know neither the operators of the rewritten graph nor the scales that these must share, they quantize
depthwise kernels per tensor where the converter quantizes per channel, and their ranges begin at ±6. The wrappers are
put around the layers as they are built, because `quantize_apply` would clone the model for the same result.

Biases stay float, since the 8-bit model stores them in 32 bits.
"""

from __future__ import annotations

import warnings
from typing import Any, cast

import tensorflow as tf
import tf_keras

from mmnet.graph.lower import lower
from mmnet.graph.operators import Concat, Conv, Depthwise, Graph, Image, Node, Relu6, Resize, Sigmoid
from mmnet.quantize.activations import ALPHA_LIMITS, Limits, activations

with warnings.catch_warnings():
    # The library compares versions with distutils, which is deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    import tensorflow_model_optimization as tfmot

_quantization = tfmot.quantization.keras
_BITS = 8
# Decay of the moving average of a range, as in tensorflow-model-optimization.
_DECAY = 0.999


class KernelQuantizer(_quantization.quantizers.LastValueQuantizer):  # type: ignore[misc, name-defined]
    """Quantizes a kernel symmetrically, with one scale per output channel, taken from the kernel's values."""

    def __init__(self) -> None:
        super().__init__(_BITS, per_axis=True, symmetric=True, narrow_range=True)

    def __call__(self, inputs: Any, training: bool, weights: Any, **settings: Any) -> Any:
        # `training` is true in evaluation too, so that the range is that of the weights after the last step.
        return super().__call__(inputs, True, weights, **settings)


class DepthwiseKernelQuantizer(KernelQuantizer):
    """Quantizes a depthwise kernel [3, 3, channels, 1], whose output channels are the third axis, likewise."""

    def build(self, tensor_shape: Any, name: str, layer: Any) -> Any:
        return super().build(_channels_last(tensor_shape), name, layer)

    def __call__(self, inputs: Any, training: bool, weights: Any, **settings: Any) -> Any:
        kernel = tf.reshape(inputs, _channels_last(inputs.shape))
        return tf.reshape(super().__call__(kernel, training, weights, **settings), inputs.shape)


def _channels_last(shape: Any) -> list[int]:
    rows, columns, channels, multiplier = shape
    return [rows, columns, multiplier, channels]


class SharedRange(_quantization.quantizers.Quantizer):  # type: ignore[misc, name-defined]
    """Quantizes one or several tensors that must share a scale.

    Each tensor has a moving average of its extremes in a batch, which begins at the measured range. The tensors are
    rounded with the range that spans all averages.
    """

    def __init__(self, name: str, low: float, high: float) -> None:
        self._name, self._low, self._high = name, low, high
        self._members: list[dict[str, Any]] = []

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Create the variables of one more tensor."""
        variables = {
            end: layer.add_weight(f"{name}_{end}", initializer=tf_keras.initializers.Constant(value), trainable=False)
            for end, value in (("low", self._low), ("high", self._high))
        }
        self._members.append(variables)
        return variables

    def __call__(self, inputs: Any, training: bool, weights: dict[str, Any], **_: Any) -> Any:
        if training:
            # A tensor without negative values needs no search for its lowest value.
            if self._low < 0:
                _follow(weights["low"], tf.minimum(tf.reduce_min(inputs), 0.0))
            _follow(weights["high"], tf.maximum(tf.reduce_max(inputs), 0.0))
        low = tf.reduce_min([member["low"] for member in self._members])
        high = tf.reduce_max([member["high"] for member in self._members])
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=_BITS)

    def limits(self) -> tuple[float, float]:
        """Return the current range, lowest and highest value."""
        lows, highs = ([float(member[end]) for member in self._members] for end in ("low", "high"))
        return min(lows), max(highs)

    def get_config(self) -> dict[str, Any]:
        return {"name": self._name, "low": self._low, "high": self._high}


def _follow(average: Any, value: Any) -> None:
    average.assign_add((1 - _DECAY) * (tf.stop_gradient(value) - average))


class _Config(_quantization.QuantizeConfig):  # type: ignore[misc, name-defined]
    """A configuration that quantizes nothing; subclasses override methods for what they quantize."""

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        return []

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None: ...

    def set_quantize_activations(self, layer: Any, quantize_activations: Any) -> None: ...

    def get_config(self) -> dict[str, Any]:
        return {}


class MovesValues(_Config):
    """The configuration of concatenation, split, padding and depth-to-space, which keep 8-bit values.

    tensorflow-model-optimization has no rule for the operators of the rewritten graph. For a concatenation it would
    quantize the output instead of the inputs, which would round the output of a resize twice.
    """


class Rounds(_Config):
    """The configuration of ReLU6 (with the convolution before it) and of the resize, which round their output.

    tensorflow-model-optimization cannot annotate the resize, because Keras has no layer with TensorFlow 1's sampling.
    In 8 bits the resize interpolates between 8-bit values and rounds to their scale.
    """

    def __init__(self, quantizer: Any) -> None:
        self._quantizer = quantizer

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [self._quantizer]


class Convolves(_Config):
    """The configuration of a convolution: its kernel is quantized, and its output unless a ReLU6 is fused with it."""

    def __init__(self, attribute: str, kernel_quantizer: Any, quantizer: Any | None) -> None:
        self._attribute, self._kernel_quantizer, self._quantizer = attribute, kernel_quantizer, quantizer

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        return [(getattr(layer, self._attribute), self._kernel_quantizer)]

    def set_quantize_weights(self, layer: Any, quantize_weights: Any) -> None:
        setattr(layer, self._attribute, quantize_weights[0])

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        return [] if self._quantizer is None else [self._quantizer]


class _Operator(tf_keras.layers.Layer):  # type: ignore[misc]
    """A layer for an operator without weights, computed by `lower`, as in the graph that an export converts."""

    def __init__(self, node: Node, **settings: Any) -> None:
        super().__init__(**settings)
        self._node = node

    def call(self, inputs: Any) -> Any:
        if isinstance(self._node.op, Concat):
            return tf.concat(inputs, -1)
        # A graph with this operator alone, whose input may have any size.
        single = Graph((Node("x", Image(0)), Node(self._node.name, self._node.op, ("x",))))
        return lower(single, inputs)


class Simulation:
    """The inference graph as a trainable model that simulates 8 bits.

    Attributes:
        model: tf-keras; from float32 [N, size, size, 3], RGB in 0-1, multiples of 1/255, to a pair of float32
            [N, size, size, 1]: the logit, and its sigmoid, the alpha. With `training=True` it updates the ranges.
    """

    def __init__(self, graph: Graph, limits: Limits) -> None:
        self._graph = graph
        self._names = activations(graph)
        self._ranges = {name: SharedRange(name, *pair) for name, pair in limits.items()}
        self._wrappers: dict[str, Any] = {}
        # The conversion by autograph takes half a minute, and there is no Python control flow to convert.
        self.model = tf.autograph.experimental.do_not_convert(self._build)()

    def limits(self) -> dict[str, tuple[float, float]]:
        """Return the current ranges, name -> lowest and highest value."""
        return {name: shared.limits() for name, shared in self._ranges.items()}

    def kernel(self, name: str) -> Any:
        """Return the variable that holds the kernel of a convolution before rounding."""
        return self._variables(name)[0]

    def bias(self, name: str) -> Any:
        """Return the variable that holds the bias of a convolution."""
        return self._variables(name)[1]

    def _variables(self, name: str) -> tuple[Any, Any]:
        wrapper = self._wrappers[name]
        # After a call the layer's own attribute holds the rounded kernel.
        ((kernel, _, _),) = wrapper._weight_vars
        return kernel, wrapper.layer.bias

    def _build(self) -> Any:
        outputs: dict[str, Any] = {}
        for node in self._graph.nodes:
            inputs = [outputs[name] for name in node.inputs]
            if isinstance(node.op, Image):
                outputs[node.name] = tf_keras.Input((node.op.size, node.op.size, 3), name=node.name)
                continue
            # Keras forbids the slash in layer names.
            name = node.name.replace("/", ".")
            layer, config = self._layer(node, name)
            wrapper = _quantization.QuantizeWrapperV2(layer, config, name=f"quantized.{name}")
            outputs[node.name] = wrapper(inputs if len(inputs) > 1 else inputs[0])
            self._wrappers[node.name] = wrapper
        image, alpha = self._graph.nodes[0], self._graph.nodes[-1]
        for node in self._graph.nodes:
            if isinstance(node.op, Conv | Depthwise):
                self.kernel(node.name).assign(node.op.kernel)
                self.bias(node.name).assign(node.op.bias)
        # The runtime divides an alpha byte by 255, although the scale of a sigmoid's output is 1/256.
        read = tf_keras.layers.Rescaling(1 / ALPHA_LIMITS[1], name="read")(outputs[alpha.name])
        return tf_keras.Model(outputs[image.name], [outputs[alpha.inputs[0]], read])

    def _layer(self, node: Node, name: str) -> tuple[Any, Any]:
        layers = tf_keras.layers
        shared = self._ranges[self._names[node.name]] if node.name in self._names else None
        match node.op:
            case Conv(kernel, _, strides, padding):
                height, width, _, filters = kernel.shape
                layer = layers.Conv2D(filters, (height, width), strides=strides, padding=padding.lower(), name=name)
                return layer, Convolves("kernel", KernelQuantizer(), shared)
            case Depthwise(_, _, stride, dilations):
                layer = layers.DepthwiseConv2D(3, strides=stride, dilation_rate=dilations, padding="same", name=name)
                return layer, Convolves("depthwise_kernel", DepthwiseKernelQuantizer(), shared)
            case Relu6():
                return layers.ReLU(6.0, name=name), Rounds(shared)
            case Resize():
                return _Operator(node, name=name), Rounds(shared)
            case Sigmoid():
                return _Operator(node, name=name), Rounds(_fixed(ALPHA_LIMITS))
            case _:
                return _Operator(node, name=name), MovesValues()


def _fixed(limits: tuple[float, float]) -> Any:
    return cast(Any, _quantization.quantizers.FixedQuantizer(_BITS, *limits, narrow_range=False))
