"""Every rewritten graph computes the same alpha as the training graph in Keras."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage.data import astronaut
from support import random_weights

from mmnet.export.convert import to_float, to_int8_from_ranges
from mmnet.export.verify import probe_images
from mmnet.graph.invert import unpack_dilations
from mmnet.graph.lower import lower
from mmnet.graph.operators import Conv, Depthwise, Norm, Relu6, Resize, Softmax, training_graph
from mmnet.graph.rewrite import REWRITES, apply_rewrites
from mmnet.network.config import ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras
from mmnet.network.tfslim import read_tfslim
from mmnet.network.tfslim_files import newest_prefix
from mmnet.quantize.activations import activations, measure_limits
from mmnet.quantize.calibration import load_calibration
from mmnet.runtime import MattingModel, to_model_input
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.layers import layers

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


class TestPackedDilations:
    """The convolutions whose columns are packed as channels: which they are, and that nothing else changes."""

    @staticmethod
    def graph(width, size):
        config = ModelConfig(width, size)
        return apply_rewrites(training_graph(config, random_weights(config, seed=size)))

    @staticmethod
    def packed(graph):
        """Return name -> columns of the packed convolutions, and the names of the dilated ones that are not packed."""
        dilated = {node.name: node.op for node in graph.nodes if isinstance(node.op, Depthwise) and node.op.rate > 1}
        columns = {name: op.columns for name, op in dilated.items() if op.columns > 1}
        assert all(dilated[name].rate == count for name, count in columns.items())
        return columns, set(dilated) - set(columns)

    @pytest.mark.parametrize(("width", "size"), [(0.35, 64), (0.35, 48), (0.75, 96), (1.0, 128)])
    def test_float_and_8_bit_alphas_stay_the_same_bytes(self, width, size):
        packed = self.graph(width, size)
        plain = unpack_dilations(packed)
        images = np.concatenate([to_model_input(astronaut(), size)[None], probe_images(size, 3)])
        limits = measure_limits(packed, images)
        assert limits == measure_limits(plain, images)
        for convert in (to_float, lambda graph: to_int8_from_ranges(graph, limits)):
            found, expected = [], []
            for graph, alphas in ((packed, found), (plain, expected)):
                with MattingModel(convert(graph)) as model:
                    alphas.extend(model.run_float(image) for image in images)
            assert np.std(expected) > 0.01, "a constant alpha would prove nothing"
            assert np.array_equal(found, expected)

    def test_layers_with_many_channels_are_left_out(self):
        columns, left_out = self.packed(self.graph(1.0, 128))
        assert {name.split("/")[0] for name in columns} == {
            *(f"enc_block{index}" for index in range(5)), "dec_block2", "dec_block3",
        }  # fmt: skip
        assert {name.split("/")[0] for name in left_out} == {f"enc_block{index}" for index in range(5, 10)}

    @pytest.mark.parametrize(("size", "rates_left_out"), [(128, set()), (192, set()), (256, set()), (48, {2, 4, 8})])
    def test_widths_that_a_rate_does_not_divide_are_left_out(self, size, rates_left_out):
        graph = self.graph(0.35, size)
        _, left_out = self.packed(graph)
        assert {graph[name].op.rate for name in left_out} == rates_left_out
        # Maps of 12 columns, then 6, then 3.
        if size == 48:
            assert "enc_block1/branch3/depthwise_conv_dilation" in left_out
            assert "enc_block1/branch2/depthwise_conv_dilation" not in left_out
            assert "enc_block5/branch2/depthwise_conv_dilation" in left_out
            assert "enc_block5/branch1/depthwise_conv_dilation" not in left_out
            assert "enc_block9/branch1/depthwise_conv_dilation" in left_out

    def test_the_inverse_gives_the_graph_before_it(self):
        config = ModelConfig(0.5, 64)
        graph = training_graph(config, random_weights(config, 0))
        for rewrite in REWRITES[:-1]:
            graph = rewrite(graph)
        inverted = unpack_dilations(REWRITES[-1](graph))
        assert REWRITES[-1].__name__ == "pack_dilations"
        assert [(node.name, node.inputs, type(node.op)) for node in inverted.nodes] == [
            (node.name, node.inputs, type(node.op)) for node in graph.nodes
        ]
        assert self.packed(inverted)[0] == {}

    def test_ranges_and_layers_keep_their_names(self):
        packed = self.graph(0.35, 64)
        plain = unpack_dilations(packed)
        assert set(activations(packed).values()) == set(activations(plain).values())
        found, expected = (layers(read_graph(to_float(graph))) for graph in (packed, plain))
        assert [(layer.name, layer.kind) for layer in found] == [(layer.name, layer.kind) for layer in expected]
