"""Fake quantization in Keras 3: the values of TensorFlow and of tensorflow-model-optimization."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import random_checkpoint

from mmnet.export.onnx_format.verified import measured_limits
from mmnet.export.verify import probe_images
from mmnet.graph.inference import inference_graph
from mmnet.graph.operators import Conv, Depthwise
from mmnet.network.config import ModelConfig
from mmnet.training.qat.fake_quantization import fake_quantizer, quantize_kernel
from mmnet.training.qat.recipe import recipe_for
from mmnet.training.recipes import RecipeError

SIZE = 32


def values_near_ties(random, low, high):
    """Return values, among them those halfway between two steps and their neighbours."""
    step = (high - low) / np.float32(255)
    ties = (low + (random.integers(-3, 258, 500) + 0.5) * step).astype(np.float32)
    any_value = random.normal(0, high - low, 500).astype(np.float32)
    return np.concatenate([any_value, *(np.nextafter(ties, np.float32(end)) for end in (-1e9, 0, 1e9))])


@pytest.mark.parametrize("narrow", [False, True])
def test_values_and_gradients_are_those_of_tensorflow(narrow):
    random, fake_quantize = np.random.default_rng(0), fake_quantizer(keras)
    for _ in range(50):
        low = np.float32(-abs(random.normal()) * random.integers(0, 2))
        high = np.float32(abs(random.normal()) * 10 ** random.uniform(-2, 2) + 1e-3)
        x = tf.constant(values_near_ties(random, low, high))
        results = []
        for function in (
            lambda x, low=low, high=high: tf.quantization.fake_quant_with_min_max_vars(
                x, low, high, num_bits=8, narrow_range=narrow
            ),
            lambda x, low=low, high=high: fake_quantize(x, tf.constant(low), tf.constant(high), narrow=narrow),
        ):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            results.append((y.numpy(), tape.gradient(y, x).numpy()))
        for expected, found in zip(*results, strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("axis", [2, 3])
def test_kernels_have_one_scale_per_channel(axis):
    random = np.random.default_rng(1)
    shape = (3, 3, 16, 1) if axis == 2 else (3, 3, 8, 12)
    kernel = random.normal(0, 1, shape).astype(np.float32) * np.exp(random.normal(0, 1, (shape[2], 1))).astype(
        np.float32
    )
    last = kernel.reshape(3, 3, 1, 16) if axis == 2 else kernel
    most = np.abs(last).max(axis=(0, 1, 2))
    expected = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        last, -most, most, num_bits=8, narrow_range=True
    )
    found = np.asarray(quantize_kernel(keras, tf.constant(kernel), axis))
    np.testing.assert_array_equal(found, expected.numpy().reshape(shape))


@pytest.mark.slow
def test_the_simulation_computes_what_tensorflow_model_optimization_computes():
    from mmnet.training.qat.keras_simulation import KerasSimulation
    from mmnet.training.qat.simulation import Simulation

    graph = inference_graph(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=1))
    images = probe_images(SIZE, 2)
    limits = measured_limits(graph, images)
    ours, other = KerasSimulation(graph, limits, keras), Simulation(graph, limits)
    values = images / np.float32(255)
    assert ours.limits() == other.limits()
    for training in (False, True, False):
        for found, expected in zip(
            ours.model(values, training=training), other.model(values, training=training), strict=True
        ):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-6)
    for name, pair in other.limits().items():
        assert ours.limits()[name] == pytest.approx(pair, rel=1e-6)
    layers = [node.name for node in graph.nodes if isinstance(node.op, Conv | Depthwise)]
    assert len(ours.model.trainable_variables) == len(other.model.trainable_variables) == 2 * len(layers)


def test_an_unknown_simulation_is_refused():
    with pytest.raises(RecipeError, match="unknown simulation 'mine'; choose one of tfmot, keras"):
        recipe_for(SIZE, 1, None, simulation="mine")
    assert recipe_for(SIZE, 1, None, simulation="keras").name == "quantization-aware-keras"
    assert recipe_for(SIZE, 1, None).name == "quantization-aware"
