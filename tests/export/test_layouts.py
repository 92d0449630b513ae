"""Layouts: which layers they change, that float and 8-bit alphas stay the same bytes, and that names stay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage.data import astronaut
from support import random_weights

from mmnet.export.convert import to_float, to_int8_from_ranges
from mmnet.export.exporter import ExportRequest, run_export
from mmnet.export.mixed import calibrate
from mmnet.export.verify import probe_images
from mmnet.graph.layouts import (
    FLOAT_LAYOUTS,
    INTEGER_LAYOUTS,
    lay_out,
    pack_columns,
    pack_dilations,
    stack_branches,
)
from mmnet.graph.lower import lower
from mmnet.graph.operators import Concat, Conv, Depthwise, Pack, Stack, Unpack, training_graph
from mmnet.graph.rewrite import apply_rewrites
from mmnet.graph.shapes import shapes
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.config import ModelConfig
from mmnet.quantize.activations import activations, measure_limits
from mmnet.quantize.precision import PRECISIONS
from mmnet.runtime import MattingModel, to_model_input
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.layers import layers

ALL = (pack_columns, pack_dilations, stack_branches)


def inference(width, size, sampling="half_pixel"):
    config = ModelConfig(width, size, sampling)
    return apply_rewrites(training_graph(config, random_weights(config, seed=size)))


def drawn(size):
    return np.concatenate([to_model_input(astronaut(), size)[None], probe_images(size, 2)])


def alphas(model, images):
    with MattingModel(model) as matting:
        return np.stack([matting.run_float(image) for image in images])


def packed(graph):
    """Return the rates of the packed convolutions by name, and those of the dilated ones that are not packed."""
    laid = pack_dilations(graph)
    dilated = {n.name: n.op.dilations[0] for n in graph.nodes if isinstance(n.op, Depthwise) and n.op.dilations[0] > 1}
    columns = {node.name.removesuffix("/packed"): node.op.columns for node in laid.nodes if isinstance(node.op, Pack)}
    assert columns == {name: dilated[name] for name in columns}
    return columns, {name: rate for name, rate in dilated.items() if name not in columns}


class TestBytes:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("width", "size", "sampling"),
        [(0.35, 64, "legacy"), (0.35, 48, "half_pixel"), (0.75, 96, "legacy"), (1.0, 128, "half_pixel")],
    )
    def test_alphas_stay_the_same(self, width, size, sampling):
        graph, images = inference(width, size, sampling), drawn(size)
        limits = measure_limits(graph, images)
        plain = alphas(to_float(graph, layouts=()), images)
        assert plain.std() > 0.01, "a constant alpha would prove nothing"
        assert np.array_equal(alphas(to_float(graph, layouts=ALL), images), plain)
        assert np.array_equal(alphas(to_float(graph), images), plain)
        plain = alphas(to_int8_from_ranges(graph, limits, layouts=()), images)
        assert plain.std() > 0.01
        assert np.array_equal(alphas(to_int8_from_ranges(graph, limits), images), plain)

    @pytest.mark.parametrize("layout", ALL)
    def test_each_alone_keeps_the_function(self, layout):
        graph = inference(0.35, 64)
        images = drawn(64).astype(np.float32) / np.float32(255)
        difference = lower(layout(graph), images).numpy() - lower(graph, images).numpy()
        assert np.abs(difference).max() < 1e-6

    @pytest.mark.parametrize("layout", ALL)
    def test_each_keeps_the_function_of_a_graph_with_batch_norms(self, layout):
        config = ModelConfig(0.35, 64, "legacy")
        graph = training_graph(config, random_weights(config, seed=1))
        images = drawn(64).astype(np.float32) / np.float32(255)
        difference = lower(layout(graph), images).numpy() - lower(graph, images).numpy()
        assert np.abs(difference).max() < 1e-6

    @pytest.mark.slow
    def test_a_float_layer_among_them_stays_the_same(self):
        graph, images = inference(0.35, 64), drawn(64)
        calibrated = calibrate(graph, images)
        for name in ("enc_block1/branch2/depthwise_conv_dilation", "enc_block1/merge/pointwise_conv", "enc_block0"):
            model = calibrated.quantize(calibrated.named([name]))
            report = inspect_model(model)
            assert report.delegation.partitions == 1
            assert report.precisions["float32"] == (1 if "/" in name else 7)
            assert alphas(model, images).std() > 0.01


class TestWhatIsPacked:
    def test_layers_with_many_channels_are_left_out(self):
        columns, left_out = packed(inference(1.0, 128))
        assert {name.split("/")[0] for name in columns} == {
            *(f"enc_block{index}" for index in range(5)), "dec_block2", "dec_block3",
        }  # fmt: skip
        assert {name.split("/")[0] for name in left_out} == {f"enc_block{index}" for index in range(5, 10)}

    @pytest.mark.parametrize("size", [128, 192, 256])
    def test_every_layer_of_a_narrow_network_is_packed(self, size):
        columns, left_out = packed(inference(0.35, size))
        assert len(columns) == 26
        assert not left_out

    def test_widths_that_a_rate_does_not_divide_are_left_out(self):
        """Maps of 12 columns, then 6, then 3."""
        columns, left_out = packed(inference(0.35, 48))
        assert left_out["enc_block1/branch3/depthwise_conv_dilation"] == 8
        assert columns["enc_block1/branch2/depthwise_conv_dilation"] == 4
        assert left_out["enc_block5/branch2/depthwise_conv_dilation"] == 4
        assert columns["enc_block5/branch1/depthwise_conv_dilation"] == 2
        assert left_out["enc_block9/branch1/depthwise_conv_dilation"] == 2

    def test_kernels_are_repeated(self):
        graph = inference(0.35, 64)
        laid = pack_dilations(graph)
        name = "enc_block0/branch2/depthwise_conv_dilation"
        before, after = graph[name].op, laid[name].op
        channels = len(before.bias)
        assert (before.dilations, after.dilations) == ((4, 4), (4, 1))
        for column in range(4):
            part = slice(column * channels, (column + 1) * channels)
            assert np.array_equal(after.kernel[:, :, part], before.kernel)
            assert np.array_equal(after.bias[part], before.bias)


class TestWhatIsStacked:
    def test_concatenations_that_a_single_1x1_convolution_reads(self):
        graph = inference(1.0, 128)
        stacked = stack_branches(graph)
        assert sum(isinstance(node.op, Concat) for node in graph.nodes) == 14
        assert sum(isinstance(node.op, Stack) for node in stacked.nodes) == 13
        kernels = {node.name: node.op.kernel for node in stacked.nodes if isinstance(node.op, Conv)}
        assert kernels["enc_block1/merge/pointwise_conv"].shape == (4, 1, 16, 24)
        assert kernels["dec_block1/pointwise_conv"].shape == (2, 1, 64, 40)
        assert kernels["dec_block2/branch1/pointwise_conv"].shape == (1, 1, 80, 40)

    def test_parts_of_different_shapes_are_left_out(self):
        graph = inference(1.0, 128)
        first = next(node for node in graph.nodes if isinstance(node.op, Concat))
        odd = graph.with_nodes({first.name: [replace(first, inputs=("init_block/conv", *first.inputs[1:]))]})
        assert isinstance(stack_branches(odd)[first.name].op, Concat)

    def test_a_concatenation_that_another_operator_reads_is_left_out(self):
        graph = inference(1.0, 128)
        first = next(node for node in graph.nodes if isinstance(node.op, Concat))
        reader = graph.readers(first.name)[0]
        wide = replace(reader.op, kernel=np.zeros((3, 3, *reader.op.kernel.shape[2:]), np.float32))
        other = graph.with_nodes({reader.name: [replace(reader, op=wide)]})
        assert isinstance(stack_branches(other)[first.name].op, Concat)


class TestNames:
    def test_ranges_and_layers_are_those_of_the_inference_graph(self):
        graph = inference(0.35, 64)
        plain, laid = activations(graph), activations(lay_out(graph, INTEGER_LAYOUTS))
        assert set(laid.values()) == set(plain.values())
        assert {name: laid[name] for name in plain} == plain

    @pytest.mark.slow
    def test_layers_of_the_model(self):
        graph = inference(0.35, 64)
        expected = [(layer.name, layer.kind) for layer in layers(read_graph(to_float(graph, layouts=())))]
        for layouts in (FLOAT_LAYOUTS, INTEGER_LAYOUTS):
            found = layers(read_graph(to_float(graph, layouts=layouts)))
            assert [(layer.name, layer.kind) for layer in found] == expected

    @pytest.mark.slow
    def test_the_recipe_names_them(self):
        config = ModelConfig(0.35, 32)
        checkpoint = Checkpoint(config, random_weights(config, 1), 7)
        result = run_export(ExportRequest(checkpoint, "random", PRECISIONS["float32"], "float32"))
        assert result.recipe["rewrites"][-2:] == ["merge_strided_branches", "pack_dilations"]


@pytest.mark.parametrize("size", [32, 48, 128])
def test_shapes_are_those_of_the_tensors(size):
    graph = lay_out(inference(0.35, size, "legacy"), INTEGER_LAYOUTS)
    expected = shapes(graph)
    kinds = {type(node.op) for node in graph.nodes}
    assert {Pack, Unpack, Stack} <= kinds

    def compare(node, value):
        assert tuple(value.shape[1:]) == expected[node.name], node.name
        return value

    lower(graph, probe_images(size, 1) / np.float32(255), hook=compare)
