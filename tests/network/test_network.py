"""The network compared with independent implementations."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from make_golden import GOLDEN, MAPS, SEED, SIZE, WIDTH, compute
from support import random_weights

from mmnet.network.config import ConfigError, ModelConfig
from mmnet.network.keras_network import assign_weights, build_keras, read_weights
from mmnet.network.tfslim import read_tfslim
from mmnet.network.tfslim_files import newest_prefix
from mmnet.network.variables import VariableError, infer_width, variable_shapes

pytestmark = pytest.mark.slow

KERAS = ("keras", "tf_keras")


@pytest.fixture(scope="module")
def golden():
    return np.load(GOLDEN)


def test_golden_is_what_the_numpy_network_computes(golden):
    computed = compute()
    assert set(golden) == set(computed)
    for name, value in computed.items():
        np.testing.assert_allclose(golden[name], value, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("keras_name", KERAS)
@pytest.mark.parametrize("sampling", ["legacy", "half_pixel"])
def test_keras_computes_the_golden(golden, keras_name, sampling):
    keras = importlib.import_module(keras_name)
    config = ModelConfig(WIDTH, SIZE, sampling)
    model = build_keras(config, keras)
    assign_weights(model, random_weights(config, SEED), config)
    outputs = model(golden["image"][None].astype(np.float32) / 255, training=False)
    for name in MAPS:
        np.testing.assert_allclose(outputs[name][0], golden[f"{sampling}/{name}"], atol=1e-4, err_msg=name)


def test_samplings_are_different_functions(golden):
    assert np.abs(golden["legacy/final_block"] - golden["half_pixel/final_block"]).max() > 0.01


@pytest.mark.parametrize("keras_name", KERAS)
def test_keras_computes_what_the_original_code_computes(research_data, keras_name):
    prefix, _ = newest_prefix(research_data / "reference" / "mmnet-0.5")
    checkpoint = read_tfslim(prefix)
    reference = np.load(research_data / "reference" / "mmnet-0.5" / "golden.npz")
    model = build_keras(checkpoint.config, importlib.import_module(keras_name))
    assign_weights(model, checkpoint.weights, checkpoint.config)
    outputs = model(reference["images"].astype(np.float32) / 255, training=False)
    assert checkpoint.config == ModelConfig(0.5, 256, "legacy")
    names = {"final_block": "logits", "aux_block": "aux_logits"}
    for name in ("final_block", "aux_block", "enc_block0", "enc_block4", "enc_block9", "dec_block3"):
        expected = reference[names.get(name, name)]
        np.testing.assert_allclose(outputs[name][: len(expected)], expected, atol=1e-4, err_msg=name)


@pytest.mark.parametrize("keras_name", KERAS)
def test_weights_survive_keras(keras_name):
    config = ModelConfig(0.35, 32)
    weights = random_weights(config, 1)
    model = build_keras(config, importlib.import_module(keras_name))
    assign_weights(model, weights, config)
    returned = read_weights(model)
    assert set(returned) == set(weights)
    assert all(np.array_equal(returned[name], weights[name]) for name in weights)


# Of the paper's code, with the auxiliary head and the moving statistics.
PARAMETERS = {0.5: 68_996, 0.75: 127_244, 1.0: 199_420, 1.4: 368_876}


@pytest.mark.parametrize(("width", "expected"), PARAMETERS.items())
def test_parameter_counts(width, expected):
    assert sum(int(np.prod(shape)) for shape in variable_shapes(ModelConfig(width)).values()) == expected


@pytest.mark.parametrize("width", [1.4, 1.0, 0.75, 0.5, 0.35, 2.0, 0.1])
def test_width_is_inferred_from_shapes(width):
    shapes = variable_shapes(ModelConfig(width))
    assert variable_shapes(ModelConfig(infer_width(shapes))) == shapes


@pytest.mark.parametrize("width", [1.4, 1.0, 0.75, 0.5, 0.35])
def test_the_papers_widths_are_inferred_exactly(width):
    assert infer_width(variable_shapes(ModelConfig(width))) == width


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.pop("MMNet/enc_block3/merge/pointwise_conv/weights"),
            "enc_block3/merge/pointwise_conv/weights is",
        ),
        (lambda s: s.update({"MMNet/dec_block9/weights": (1, 1, 3, 3)}), "dec_block9/weights is not part of"),
        (lambda s: s.update({"MMNet/final_block/pointwise_conv/biases": (3,)}), r"biases has the shape \[3\]"),
        (lambda s: s.update({"MMNet/init_block/conv/weights": (3, 3, 3, 33)}), "no width multiplier gives it"),
        (lambda s: s.clear(), "not the weights of an MMNet"),
    ],
)
def test_wrong_variables_are_named(change, message):
    shapes = dict(variable_shapes(ModelConfig(1.0)))
    change(shapes)
    with pytest.raises(VariableError, match=message):
        infer_width(shapes)


@pytest.mark.parametrize(
    "values",
    [{"width": 0}, {"width": 5}, {"size": 250}, {"size": 16}, {"size": 4096}, {"sampling": "aligned"}],
)
def test_impossible_configurations(values):
    with pytest.raises(ConfigError):
        ModelConfig(**values)


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        {},
        {"width": 1.0},
        {"width": "1", "size": 256, "sampling": "legacy"},
        {"width": 1.0, "size": True, "sampling": "legacy"},
        {"width": 1.0, "size": 256, "sampling": "legacy", "more": 1},
    ],
)
def test_configurations_that_are_none(values):
    with pytest.raises(ConfigError):
        ModelConfig.from_json(values)
