"""The network as a Keras model, for Keras 3 on any backend and for tf-keras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from mmnet.network.blocks import NORM_EPSILON, walk
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import ModelConfig, Sampling
from mmnet.network.variables import NORM_PARTS, ROOT, Weights, check_weights

# Keras does not allow slashes in layer names.
_SEPARATOR = "."


class _KerasLayers:
    def __init__(self, keras: ModuleType, sampling: Sampling, norm_decay: float) -> None:
        self._layers = keras.layers
        self._upsample = upsample_layer(keras)
        self._sampling = sampling
        self._norm_decay = norm_decay

    def conv(
        self, x: Any, name: str, filters: int, *, kernel: int = 1, stride: int = 1, activation: bool = True
    ) -> Any:
        name = name.replace("/", _SEPARATOR)
        layer = self._layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)
        return self._norm(layer(x), name, activation)

    def depthwise(self, x: Any, name: str, *, stride: int = 1, rate: int = 1) -> Any:
        name = name.replace("/", _SEPARATOR)
        layer = self._layers.DepthwiseConv2D(
            3, strides=stride, dilation_rate=rate, padding="same", use_bias=False, name=name
        )
        return self._norm(layer(x), name, True)

    def concat(self, parts: Sequence[Any]) -> Any:
        return self._layers.Concatenate()(list(parts))

    def upsample(self, x: Any, name: str) -> Any:
        return self._upsample(self._sampling, name=name.replace("/", _SEPARATOR))(x)

    def head(self, x: Any, name: str) -> Any:
        return self._layers.Conv2D(2, 1, name=name.replace("/", _SEPARATOR))(x)

    def _norm(self, x: Any, name: str, activation: bool) -> Any:
        norm = self._layers.BatchNormalization(
            epsilon=NORM_EPSILON, momentum=self._norm_decay, name=f"{name}{_SEPARATOR}BatchNorm"
        )
        x = norm(x)
        return self._layers.ReLU(6.0)(x) if activation else x


@cache
def upsample_layer(keras: ModuleType) -> type:
    """Return the class of a Keras layer that resizes [N, H, W, C] to [N, 2H, 2W, C], bilinearly.

    On TensorFlow it is the operator ResizeBilinear, on other backends a sum of shifted maps with the same weights:
    `legacy` out[2i] = x[i], out[2i+1] = (x[i] + x[i+1]) / 2; `half_pixel` out[2i] = x[i-1]/4 + 3x[i]/4,
    out[2i+1] = 3x[i]/4 + x[i+1]/4; indices clamped to the map.
    """

    class Upsample(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, sampling: Sampling, **settings: Any) -> None:
            super().__init__(**settings)
            self._sampling = sampling

        def call(self, x: Any) -> Any:
            if keras.backend.backend() == "tensorflow":
                import tensorflow as tf

                height, width = (2 * side for side in x.shape[1:3])
                half_pixel = self._sampling == "half_pixel"
                resized = tf.raw_ops.ResizeBilinear(images=x, size=(height, width), half_pixel_centers=half_pixel)
                # The operator returns float32 for every input dtype.
                return resized if x.dtype == tf.float32 else tf.cast(resized, x.dtype)
            return self._columns(self._rows(x))

        def _rows(self, x: Any) -> Any:
            ops = keras.ops
            after = ops.concatenate([x[:, 1:], x[:, -1:]], axis=1)
            if self._sampling == "legacy":
                even, odd = x, (x + after) / 2
            else:
                before = ops.concatenate([x[:, :1], x[:, :-1]], axis=1)
                even, odd = (before + 3 * x) / 4, (3 * x + after) / 4
            _, height, width, channels = x.shape
            return ops.reshape(ops.stack([even, odd], axis=2), (-1, 2 * height, width, channels))

        def _columns(self, x: Any) -> Any:
            swap = (0, 2, 1, 3)
            return keras.ops.transpose(self._rows(keras.ops.transpose(x, swap)), swap)

        def compute_output_shape(self, shape: Sequence[int | None]) -> tuple[int | None, ...]:
            batch, height, width, channels = shape
            return batch, height and 2 * height, width and 2 * width, channels

    return Upsample


def build_keras(config: ModelConfig, keras: ModuleType, *, norm_decay: float = 0.999) -> Any:
    """Return the training network as a functional Keras model.

    Args:
        config: the configuration of the network.
        keras: the module to build with, `keras` (version 3, any backend) or `tf_keras`.
        norm_decay: the decay of the moving statistics; the default is the paper's.

    Returns:
        A `keras.Model`: float32 [N, size, size, 3] RGB in 0-1 -> a dictionary with the output of every block,
        among them the logits `final_block` [N, size, size, 2] and `aux_block` [N, size/16, size/16, 2].
    """
    image = keras.Input((config.size, config.size, 3), name="image")
    layers = _KerasLayers(keras, config.sampling, norm_decay)
    return keras.Model(image, walk(config, layers, image), name="MMNet")


def _variables(model: Any) -> Iterator[tuple[str, Any]]:
    for layer in model.layers:
        path = ROOT + layer.name.replace(_SEPARATOR, "/")
        if path.endswith("/BatchNorm"):
            for part in NORM_PARTS:
                yield f"{path}/{part}", getattr(layer, part)
        elif hasattr(layer, "depthwise_kernel"):
            yield f"{path}/depthwise_weights", layer.depthwise_kernel
        elif hasattr(layer, "kernel") and layer.weights:
            yield f"{path}/{'depthwise_weights' if 'depthwise' in layer.name else 'weights'}", layer.kernel
            if layer.use_bias:
                yield f"{path}/biases", layer.bias


def assign_weights(model: Any, weights: Weights, config: ModelConfig) -> None:
    """Assign weights to the variables of a model of `build_keras`.

    Raises:
        VariableError: the weights do not belong to this configuration.
    """
    check_weights(weights, config)
    for name, variable in _variables(model):
        variable.assign(weights[name])


def build_trained_keras(checkpoint: Checkpoint, keras: ModuleType) -> Any:
    """Return the training network of `build_keras` with the weights of a checkpoint.

    Raises:
        VariableError: the weights do not belong to the checkpoint's configuration.
    """
    model = build_keras(checkpoint.config, keras)
    assign_weights(model, checkpoint.weights, checkpoint.config)
    return model


def read_weights(model: Any) -> Weights:
    """Return the weights of a model of `build_keras`, float32, by their TF-Slim names."""
    return {name: variable.numpy().astype(np.float32) for name, variable in _variables(model)}


def trained_names(model: Any) -> list[str]:
    """List the TF-Slim names of the trainable variables of a model of `build_keras`, in Keras' order."""
    names = {id(variable): name for name, variable in _variables(model)}
    return [names[id(variable)] for variable in model.trainable_variables]
