"""Every rewritten graph computes the same alpha as the training graph in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import random_weights

from mmnet.graph.lower import lower
from mmnet.graph.operators import Conv, Depthwise, Norm, Relu6, Resize, Softmax, training_graph
from mmnet.graph.rewrite import REWRITES, apply_rewrites
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.network.tfslim import read_tfslim
from mmnet.network.tfslim_files import newest_prefix
from mmnet.quantize.calibration import load_calibration

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
WIDTHS = (1.4, 1.0, 0.75, 0.5, 0.35)


def keras_alpha(config, weights, images):
    model = build_keras(config, keras)
    assign_weights(model, weights, config)
    return tf.nn.softmax(model(images, training=False)["final_block"]).numpy()[..., 1:]


def as_input(images):
    return images.astype(np.float32) / np.float32(255)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("sampling", ["legacy", "half_pixel"])
def test_every_rewriting_keeps_the_function(width, sampling, photos):
    config = ModelConfig(width, 64, sampling)
    weights = random_weights(config, seed=round(100 * width))
    images = as_input(load_calibration(photos, config.size, limit=3).images)
    expected = keras_alpha(config, weights, images)
    assert expected.std() > 0.01, "a constant alpha would prove nothing"
    graph = training_graph(config, weights)
    assert np.abs(lower(graph, images).numpy() - expected).max() < TOLERANCE
    for rewrite in REWRITES:
        graph = rewrite(graph)
        assert np.abs(lower(graph, images).numpy() - expected).max() < TOLERANCE, rewrite.__name__


@pytest.mark.parametrize("size", [32, 48, 160])
@pytest.mark.parametrize("sampling", ["legacy", "half_pixel"])
def test_every_input_size(size, sampling, photos):
    config = ModelConfig(0.35, size, sampling)
    weights = random_weights(config, seed=size)
    images = as_input(load_calibration(photos, size, limit=2).images)
    rewritten = apply_rewrites(training_graph(config, weights))
    assert np.abs(lower(rewritten, images).numpy() - keras_alpha(config, weights, images)).max() < TOLERANCE


@pytest.mark.parametrize("sampling", ["legacy", "half_pixel"])
def test_edges_are_clamped_and_not_padded_with_zeros(sampling):
    """An image of noise, since a smooth image would hide wrong edges."""
    config = ModelConfig(0.35, 64, sampling)
    weights = random_weights(config, seed=3)
    images = np.random.default_rng(0).random((2, 64, 64, 3), dtype=np.float32)
    difference = lower(apply_rewrites(training_graph(config, weights)), images) - keras_alpha(config, weights, images)
    border = np.ones((64, 64), bool)
    border[4:-4, 4:-4] = False
    assert np.abs(difference.numpy()[:, border]).max() < TOLERANCE


@pytest.mark.parametrize("experiment", ["304500", "887000", "1898000"])
def test_trained_networks_on_real_photos(experiment, research_data):
    checkpoint = read_tfslim(newest_prefix(research_data / "mmnet_exp_checkpoints" / experiment)[0])
    images = as_input(load_calibration(research_data / "portraits" / "unlabelled", 256, limit=4).images)
    rewritten = apply_rewrites(training_graph(checkpoint.config, checkpoint.weights))
    difference = lower(rewritten, images).numpy() - keras_alpha(checkpoint.config, checkpoint.weights, images)
    assert np.abs(difference).max() < TOLERANCE


def test_the_rewritten_graph_is_the_small_one():
    config = ModelConfig(1.0, 256, "legacy")
    before = training_graph(config, random_weights(config, 0))
    after = apply_rewrites(before)

    def count(graph, kind):
        return sum(isinstance(node.op, kind) for node in graph.nodes)

    assert count(before, Norm) > 0
    assert (count(after, Norm), count(after, Softmax)) == (0, 0)
    assert (count(before, Resize), count(after, Resize)) == (4, 2)
    layers = (Conv, Depthwise)
    # Five convolutions and six depthwise layers fewer in the stride-2 blocks, and one composition.
    assert count(before, layers) - count(after, layers) == 13
    assert count(after, Relu6) < count(before, Relu6)


def test_a_graph_is_not_changed_by_rewriting_it():
    config = ModelConfig(0.35, 32)
    graph = training_graph(config, random_weights(config, 0))
    names = [node.name for node in graph.nodes]
    kernels = [node.op.kernel.copy() for node in graph.nodes if isinstance(node.op, Conv)]
    apply_rewrites(graph)
    assert [node.name for node in graph.nodes] == names
    remaining = [node.op.kernel for node in graph.nodes if isinstance(node.op, Conv)]
    assert all(np.array_equal(a, b) for a, b in zip(remaining, kernels, strict=True))
