"""Small .tflite models of TensorFlow's converter, each made once per session."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

SIZE = 64

# What the converter is configured for.
VARIANTS = ("float32", "float16", "dynamic", "uint8", "per_tensor")


@cache
def tensorflow() -> Any:
    """Import and return TensorFlow without its messages."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow
    return tensorflow


def weights(seed: int, *shape: int) -> Any:
    """Return a constant of normal deviates; the converter stores equal constants once, so every seed is used once."""
    values = np.random.default_rng(seed).normal(0, 0.3, shape)
    return tensorflow().constant(values, tensorflow().float32)


def matting_network(image: Any) -> Any:
    """Return an alpha [1, S, S, 1] of an image [1, S, S, 3] in [0, 1]: a few operators of each kind of MMNet."""
    tf = tensorflow()
    x = tf.nn.relu6(tf.nn.conv2d(image, weights(0, 3, 3, 3, 16), 2, "SAME") + weights(1, 16))
    branches = [
        tf.nn.relu6(
            tf.nn.depthwise_conv2d(x, weights(2 * rate, 3, 3, 16, 1), [1] * 4, "SAME", dilations=[rate, rate])
            + weights(2 * rate + 1, 16)
        )
        for rate in (1, 2)
    ]
    x = tf.concat(branches, -1)
    x = tf.nn.relu6(tf.nn.conv2d(x, weights(6, 1, 1, 32, 40), 1, "SAME") + weights(7, 40))
    x = tf.nn.conv2d(x, weights(8, 1, 1, 40, 1), 1, "SAME") + weights(9, 1)
    return tf.sigmoid(tf.image.resize(x, image.shape[1:3]))


@cache
def matting_model(variant: str) -> bytes:
    """Return `matting_network` as a .tflite with the signature serving_default: image → alpha."""
    return convert(matting_network, (1, SIZE, SIZE, 3), variant)


def convert(network: Callable[[Any], Any], shape: tuple[int, ...], variant: str = "float32") -> bytes:
    """Convert a function of one image in [0, 1] to a .tflite."""
    tf = tensorflow()

    class Module(tf.Module):  # type: ignore[misc, name-defined]
        @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])  # type: ignore[untyped-decorator]
        def __call__(self, image: Any) -> dict[str, Any]:
            return {"alpha": network(image)}

    def representative_dataset() -> Iterator[list[np.ndarray[Any, Any]]]:
        generator = np.random.default_rng(0)
        for _ in range(4):
            yield [generator.uniform(0, 1, shape).astype(np.float32)]

    module = Module()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([module.__call__.get_concrete_function()], module)
    if variant != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if variant == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if variant in ("uint8", "per_tensor"):
        converter.representative_dataset = representative_dataset
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        converter._experimental_disable_per_channel = variant == "per_tensor"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bytes(converter.convert())
