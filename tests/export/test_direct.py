"""The .tflite that is written directly, against the one of TensorFlow's converter: operators, constants, alphas."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import random_checkpoint
from tflite_differences import differences, ranges_of

from mmnet.export import convert, mixed
from mmnet.export.direct import models
from mmnet.export.direct.integer import steps_of
from mmnet.export.direct.plan import UnwritableGraphError, plan_of
from mmnet.export.direct.rounding import MEASURED
from mmnet.export.verify import alphas, probe_images
from mmnet.graph.inference import inference_graph
from mmnet.graph.layouts import INTEGER_LAYOUTS, lay_out
from mmnet.graph.operators import training_graph
from mmnet.network.checkpoint import load_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import shipped
from mmnet.quantize.activations import activations, measure_limits
from mmnet.runtime import list_photos, read_photo, to_model_input
from mmnet.runtime.tflite.inspection import inspect_model

SIZE = 32
NETWORKS = {"narrow": ModelConfig(0.35, SIZE, "legacy"), "wider": ModelConfig(0.5, SIZE, "half_pixel")}
FLOATS = [(), ("enc_block0",), ("init_block/conv", "alpha", "dec_block1"), ("enc_block8/merge/pointwise_conv",)]


@pytest.fixture(scope="module", params=NETWORKS)
def graph(request):
    return inference_graph(random_checkpoint(NETWORKS[request.param], seed=3))


@pytest.fixture(scope="module")
def images():
    return probe_images(SIZE, 3)


def assert_same(expected, found, images):
    lines, constants = differences(expected, found)
    assert not lines, lines[:5]
    assert constants > 200
    assert np.array_equal(alphas(expected, images), alphas(found, images))


@pytest.mark.slow
def test_float32_and_float16(graph, images):
    assert_same(convert.to_float(graph), models.to_float(graph), images)
    assert_same(convert.to_float16(graph), models.to_float16(graph), images)


@pytest.mark.slow
def test_int8_with_ranges_of_a_checkpoint(graph, images, request):
    limits = measure_limits(graph, images)
    dtype = "uint8" if "narrow" in request.node.name else "float32"
    expected = convert.to_int8_from_ranges(graph, limits, input_dtype=dtype)
    found = models.to_int8_from_ranges(graph, limits, input_dtype=dtype)
    assert_same(expected, found, images)
    assert inspect_model(found).delegation == inspect_model(expected).delegation


@pytest.mark.slow
def test_int8_and_float_layers_with_ranges_that_tensorflow_measured(graph, images):
    """With the same ranges, everything is the same. The ranges themselves differ in the last bit of float32."""
    referee = mixed.calibrate(graph, images)
    ours = models.calibrate(graph, images)
    laid = lay_out(graph, INTEGER_LAYOUTS)
    plan, names, measured = plan_of(laid), activations(laid), ranges_of(referee.model)
    limits = dict.fromkeys(names.values(), (0.0, 0.0))
    for tensor in plan.tensors.values():
        if tensor.node in names and tensor.name in measured:
            low, high = limits[names[tensor.node]]
            limits[names[tensor.node]] = min(low, measured[tensor.name][0]), max(high, measured[tensor.name][1])
    same = replace(ours, steps=steps_of(laid, plan, limits, MEASURED))
    assert {layer.name for layer in ours.layers} == {layer.name for layer in referee.layers}
    for layers in FLOATS:
        assert_same(referee.quantize(referee.named(layers)), same.quantize(same.named(layers)), images)
    for name, steps in ours.steps.items():
        assert steps.zero_point == same.steps[name].zero_point
        assert steps.scales == pytest.approx(same.steps[name].scales, rel=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_the_network_that_ships_on_portraits(precision, research_data):
    """Equal alphas on photos of the test set; every eleventh, since a model takes a second for thirty."""
    checkpoint = load_checkpoint(shipped()[0])
    graph, size = inference_graph(checkpoint), checkpoint.config.size
    paths = list_photos(research_data / "portraits" / "test" / "image")[::11]
    photos = np.stack([to_model_input(read_photo(path), size) for path in paths])
    made = [
        {
            "float32": lambda module=module: module.to_float(graph),
            "float16": lambda module=module: module.to_float16(graph),
            "int8": lambda module=module: module.to_int8_from_ranges(graph, checkpoint.ranges.limits),
        }[precision]()
        for module in (convert, models)
    ]
    assert_same(*made, photos)


def test_the_same_graph_gives_the_same_bytes(graph):
    assert models.to_float(graph) == models.to_float(graph)


def test_a_graph_that_was_not_rewritten_is_refused():
    config = NETWORKS["narrow"]
    graph = training_graph(config, random_checkpoint(config).weights)
    with pytest.raises(UnwritableGraphError, match="Norm is not written without TensorFlow"):
        models.to_float(graph)
