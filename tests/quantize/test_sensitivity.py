"""Quantization sensitivity: the search for float layers, the command, and the export that applies its recipe."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import error_line, random_checkpoint, run

from mmnet.api.sensitivity import SensitivityReport
from mmnet.export.convert import to_float, to_int8
from mmnet.export.layers import UnknownLayerError
from mmnet.export.mixed import calibrate
from mmnet.export.verify import alphas, probe_images
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.resolve import open_checkpoint
from mmnet.quantize.calibration import Calibration, load_calibration
from mmnet.quantize.recipe import ExportRecipe, RecipeError, read_recipe
from mmnet.quantize.sensitivity import LayerSensitivity, Proposal, Sensitivity, propose
from mmnet.runtime import MattingModel
from mmnet.runtime.tflite.contents import read_graph
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.layers import layers

pytestmark = pytest.mark.slow

CONFIG = ModelConfig(0.35, 32, "half_pixel")


@pytest.fixture(scope="module")
def network():
    """A checkpoint with alphas near 0 and 1; alphas near 0.5 would change less than by rounding."""
    found = random_checkpoint(CONFIG)
    head = "MMNet/final_block/pointwise_conv/weights"
    return replace(found, weights=dict(found.weights) | {head: 15 * found.weights[head]})


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("checkpoints") / "mine"
    save_checkpoint(network, folder)
    return folder


@pytest.fixture(scope="module")
def graph(network):
    return inference_graph(network)


@pytest.fixture(scope="module")
def calibrated(graph):
    return calibrate(graph, probe_images(CONFIG.size))


def float_layers_of(model):
    """Return the names of the layers of a .tflite whose output is float32."""
    graph = read_graph(model)
    return {layer.name for layer in layers(graph) if graph.tensors[layer.tensor].dtype == "float32"}


# Errors that add up, as the errors of layers roughly do.
ERRORS = st.lists(st.integers(0, 50), min_size=1, max_size=12)


@settings(deadline=None)
@given(ERRORS, st.integers(0, 400))
def test_what_is_proposed_meets_the_tolerance_and_nothing_of_it_can_be_dropped(errors, tolerance):
    cost = {f"layer{index}": value for index, value in enumerate(errors)}
    floor = 3
    total = floor + sum(cost.values())

    def error(float_layers):
        return total - sum(cost[name] for name in float_layers)

    measured = [LayerSensitivity(name, "CONV_2D", floor + value, total - value) for name, value in cost.items()]
    measured.sort(key=lambda layer: -layer.alone)
    proposal = propose(Sensitivity(total, floor, tuple(measured)), error, tolerance)
    if proposal.float_layers is None:
        assert tolerance < floor
        return
    assert proposal.error == error(proposal.float_layers) <= tolerance
    assert all(error(set(proposal.float_layers) - {name}) > tolerance for name in proposal.float_layers)
    # Of errors that add up, the largest first is the fewest.
    fewest = next(n for n in range(len(errors) + 1) if total - sum(sorted(errors, reverse=True)[:n]) <= tolerance)
    assert len(proposal.float_layers) == fewest


def test_without_exceptions_it_is_the_model_of_an_ordinary_export(graph, calibrated):
    images = probe_images(CONFIG.size)
    with MattingModel(to_int8(graph, images)) as ordinary, MattingModel(calibrated.quantize()) as ours:
        for image in images:
            assert (ordinary.run(image) == ours.run(image)).all()


def test_exactly_the_named_layers_stay_float(calibrated):
    assert float_layers_of(calibrated.quantize()) == set()
    chosen = calibrated.named(["init_block", "dec_block4/pointwise_conv"])
    assert chosen == {"init_block/conv", "dec_block4/pointwise_conv"}
    assert float_layers_of(calibrated.quantize(chosen)) == chosen
    everything = {layer.name for layer in calibrated.layers}
    only = everything - {"enc_block9/merge/pointwise_conv"}
    assert float_layers_of(calibrated.quantize(only, movers_in_float=True)) == only


def test_a_whole_float_block_is_joined_in_float(calibrated):
    """Only its splits stay in 8 bits, as long as those of other blocks do."""
    model = calibrated.quantize(calibrated.named(["enc_block8"]))
    graph = read_graph(model)
    blocks = {layer.tensor: layer.block for layer in layers(graph)}
    for op in graph.operators:
        if op.name == "RESHAPE":  # belongs to the block whose output it reshapes
            blocks[op.outputs[0]] = blocks.get(op.inputs[0], "")
    joins = [op for op in graph.operators if {blocks.get(tensor) for tensor in op.inputs} == {"enc_block8"}]
    assert "CONCATENATION" in [op.name for op in joins]
    assert all(graph.tensors[op.outputs[0]].dtype == "float32" for op in joins if op.name == "CONCATENATION")
    assert inspect_model(model).delegation.partitions == 1


def test_with_all_layers_in_float_only_the_output_is_in_8_bits(calibrated):
    graph = read_graph(calibrated.quantize({layer.name for layer in calibrated.layers}))
    integers = [op.name for op in graph.operators if graph.tensors[op.outputs[0]].dtype != "float32"]
    assert set(integers) == {"QUANTIZE"}
    # The byte is made of the 8-bit integer by way of float.
    assert [op.name for op in graph.operators[-3:]] == ["QUANTIZE", "DEQUANTIZE", "QUANTIZE"]
    assert len(integers) == 2


def test_an_unknown_layer_is_named_with_what_there_is(calibrated):
    with pytest.raises(UnknownLayerError, match=r"'enc_blok1' is unknown; the blocks are init_block, enc_block0"):
        calibrated.named(["enc_blok1"])


@pytest.fixture(scope="module")
def proposed(checkpoint, graph, photos, tmp_path_factory):
    """The result of a command that writes everything; its tolerance lies between the errors of all float and none."""
    folder = tmp_path_factory.mktemp("sensitivity")
    images = load_calibration(photos, CONFIG.size).images
    ranges = calibrate(graph, images)
    images = images[::3]  # four of the twelve, spread evenly
    expected = alphas(to_float(graph), images)
    everything = {layer.name for layer in ranges.layers}
    low, high = (
        float(np.abs(alphas(model, images) - expected).mean(dtype=np.float64))
        for model in (ranges.quantize(everything), ranges.quantize())
    )
    done = run(
        "mmnet", "sensitivity", "--ckpt", checkpoint, "--calibration", photos, "--images", 4,
        "--tolerance", 0.3 * low + 0.7 * high,
        "--json", folder / "s.json", "--plot", folder / "s.svg", "-o", folder / "recipe.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, done, (low, high), json.loads((folder / "s.json").read_text())


def test_every_layer_is_measured_both_ways(proposed, calibrated):
    _, done, (low, high), found = proposed
    assert {entry["layer"] for entry in found["layers"]} == {layer.name for layer in calibrated.layers}
    errors = [entry["alone"] for entry in found["layers"]]
    assert errors == sorted(errors, reverse=True)
    assert (found["none_quantized"], found["all_quantized"]) == pytest.approx((low, high))
    assert low < high
    assert found["layers"][0]["layer"] in done.stdout


def test_the_plot_is_an_svg_that_names_every_layer(proposed):
    folder, _, _, found = proposed
    text = "".join(ElementTree.parse(folder / "s.svg").getroot().itertext())
    assert all(entry["layer"] in text for entry in found["layers"])


def test_export_applies_the_proposed_recipe(proposed, checkpoint, photos, tmp_path):
    folder, _, _, found = proposed
    excepted = found["proposal"]["except"]
    assert excepted
    assert read_recipe(folder / "recipe.json") == ExportRecipe("int8", None, tuple(excepted))
    model = tmp_path / "mixed.tflite"
    arguments = ["--ckpt", checkpoint, "--calibration", photos, "-o", model]
    done = run("export-tflite", *arguments, "--recipe", folder / "recipe.json")
    assert done.returncode == 0, done.stderr + done.stdout
    assert float_layers_of(model.read_bytes()) == set(excepted)
    saved = json.loads((tmp_path / "mixed.tflite.recipe.json").read_text())
    assert saved["except"] == excepted
    # The recipe saved beside a model makes the same model again.
    before = model.read_bytes()
    again = run("export-tflite", *arguments, "--force", "--recipe", f"{model}.recipe.json")
    assert again.returncode == 0, again.stderr
    assert model.read_bytes() == before


@pytest.mark.parametrize(
    ("recipe", "arguments", "said"),
    [
        ("{", [], "is not JSON"),
        ("[]", [], "is not a recipe"),
        ('{"format": "mmnet-recipe/1", "except": "init_block"}', [], "list of layer names"),
        ('{"format": "mmnet-recipe/1", "precision": 8}', [], "has to be text"),
        ('{"format": "mmnet-recipe/1", "precision": "int8"}', ["--precision", "float16"], "leave one out"),
        ('{"format": "mmnet-recipe/1", "precision": "int4"}', [], "int8, float16"),
    ],
)
def test_a_bad_recipe_is_one_line(tmp_path, recipe, arguments, said):
    (tmp_path / "r.json").write_text(recipe)
    done = run("export-tflite", "--recipe", "r.json", *arguments, cwd=tmp_path)
    assert said in error_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_a_recipe_that_is_not_there(tmp_path):
    with pytest.raises(RecipeError, match=r"absent\.json: cannot be read"):
        read_recipe(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("float_layers", "conclusion"),
    [
        (("b",), "1 of 2 layers in float give 0.00100 (tolerance: 0.002): b"),
        ((), "no float layer needed for 0.002: all layers in 8 bits give 0.00100"),
        (None, "no choice of float layers meets 0.002: with all layers in float, input and output in bytes alone"),
    ],
)
def test_a_report_prints_every_layer_and_its_conclusion(checkpoint, float_layers, conclusion):
    layers = (LayerSensitivity("b", "CONV_2D", 0.004, 0.001), LayerSensitivity("a", "LOGISTIC", 0.002, 0.003))
    photos = Calibration(probe_images(CONFIG.size), ("1", "2", "3", "4"), {})
    report = SensitivityReport(
        open_checkpoint(checkpoint), photos, 4, Sensitivity(0.005, 0.0005, layers), Proposal(0.002, float_layers, 0.001)
    )
    lines = str(report).splitlines()
    assert [line.split() for line in lines[1:3]] == [
        ["b", "CONV_2D", "0.00400", "0.00100"],
        ["a", "LOGISTIC", "0.00200", "0.00300"],
    ]
    assert lines[-1].startswith(conclusion)
    assert repr(report).startswith(f"<SensitivityReport mine: {conclusion}")
    assert report.recipe() == ExportRecipe("int8", None, float_layers or ())
    assert report.document()["proposal"]["met"] == (float_layers is not None)
