"""Checkpoints with activation ranges: measuring, saving, exporting without photos, and reporting damage."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import error_line, random_checkpoint, random_weights, run

from mmnet.errors import MMNetError
from mmnet.export.convert import to_float, to_int8, to_int8_from_ranges
from mmnet.export.exporter import ExportRequest, NeedsCalibrationError, run_export
from mmnet.export.flatbuffer import read_tree
from mmnet.graph.inference import inference_graph
from mmnet.graph.invert import Kernel, constraints, invert, kernels_of
from mmnet.graph.operators import Concat, Resize, Split, training_graph
from mmnet.graph.rewrite import apply_rewrites
from mmnet.network.checkpoint import CONFIG_FILE, CheckpointCorruptError, load_checkpoint, save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.network.ranges import RangeError, Ranges
from mmnet.quantize.activations import activations, measure_limits
from mmnet.quantize.calibration import load_calibration
from mmnet.quantize.precision import PRECISIONS
from mmnet.runtime import MattingModel
from mmnet.training.qat.ranges import RangeImages, measure_ranges, save_with_ranges

pytestmark = pytest.mark.slow

SIZE = 64
BARE = random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=1)
DTYPES = PRECISIONS["int8"].inputs


def graph_of(checkpoint):
    return inference_graph(checkpoint)


@pytest.fixture(scope="module")
def calibration(photos):
    found = load_calibration(photos, SIZE)
    # Like post-training quantization: one black and one white pixel, so that the input ranges over all bytes.
    found.images[0, 0, 0], found.images[0, -1, -1] = 0, 255
    return found


@pytest.fixture(scope="module")
def measured(calibration, tmp_path_factory):
    """The folder of a checkpoint with measured ranges."""
    ranges = measure_ranges(BARE, RangeImages(calibration.images, {"photos": len(calibration.images)}))
    return save_with_ranges(BARE, ranges, tmp_path_factory.mktemp("runs") / "measured")


@pytest.fixture(scope="module")
def checkpoint(measured):
    return load_checkpoint(measured)


@pytest.fixture(scope="module")
def with_photos(calibration):
    """Input dtype -> the model of post-training quantization."""
    return {dtype: to_int8(graph_of(BARE), calibration.images, input_dtype=dtype) for dtype in DTYPES}


@pytest.fixture(scope="module")
def exported(checkpoint):
    return run_export(ExportRequest(checkpoint, "ranged", PRECISIONS["int8"], "uint8"))


@pytest.fixture(scope="module")
def without_photos(checkpoint, exported):
    """Input dtype -> the model made with the checkpoint's ranges."""
    as_float = to_int8_from_ranges(graph_of(checkpoint), checkpoint.ranges.limits, input_dtype="float32")
    return {"uint8": exported.content, "float32": as_float}


def operators(model):
    """Return the outputs of all operators, sorted: operator, type, shape, zero point, scale. The order may differ."""
    tree = read_tree(model)
    graph = tree.subgraphs[0]
    found = []
    for operator in graph.operators:
        for output in (graph.tensors[index] for index in operator.outputs):
            quantization = output.quantization
            scaled = quantization is not None and quantization.scale is not None
            zero, scale = (int(quantization.zeroPoint[0]), float(quantization.scale[0])) if scaled else (0, 0.0)
            shape = tuple(map(int, output.shape))
            found.append((tree.operatorCodes[operator.opcodeIndex].builtinCode, output.type, shape, zero, scale))
    return sorted(found)


def alphas(model, images):
    with MattingModel(model) as matting:
        return np.stack([matting.run_float(image) for image in images])


class TestExportWithoutPhotos:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_the_operators_are_those_of_post_training_quantization(self, with_photos, without_photos, dtype):
        expected, found = operators(with_photos[dtype]), operators(without_photos[dtype])
        assert [operator[:-1] for operator in found] == [operator[:-1] for operator in expected]

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_so_are_the_scales(self, with_photos, without_photos, dtype):
        expected, found = (
            [operator[-1] for operator in operators(models[dtype])] for models in (with_photos, without_photos)
        )
        assert len(found) == len(expected) > 100
        assert np.allclose(found, expected, rtol=1e-5)

    def test_it_computes_the_same_but_for_rounding(self, with_photos, without_photos, calibration):
        found, expected = (alphas(models["uint8"], calibration.images) for models in (without_photos, with_photos))
        assert expected.std() > 0.01
        assert np.abs(found - expected).mean() < 0.003

    def test_every_check_passes_and_the_recipe_says_where_the_ranges_are_from(self, exported):
        assert all(check.passed for check in exported.checks)
        assert exported.recipe["ranges"] == {"from": "checkpoint", "size": SIZE, "photos": 12, "trained_steps": 0}

    def test_another_precision_does_not_mind_the_ranges(self, checkpoint):
        result = run_export(ExportRequest(checkpoint, "ranged", PRECISIONS["float16"], "float32"))
        assert all(check.passed for check in result.checks)
        assert result.recipe["ranges"] is None

    def test_a_uniform_bias_gets_the_scale_of_every_channel(self, calibration):
        """The head's bias is one number, repeated, for which the converter would use the first channel's scale."""
        weights = dict(BARE.weights)
        weights["MMNet/final_block/pointwise_conv/biases"] = np.array([0, 2], np.float32)
        shifted = replace(BARE, weights=weights)
        graph = graph_of(shifted)
        limits = measure_limits(graph, calibration.images)
        exact = to_float(graph)
        rounded = to_int8_from_ranges(graph, limits)
        difference = alphas(rounded, calibration.images) - alphas(exact, calibration.images)
        assert np.abs(difference).mean() < 0.01

    def test_without_ranges_it_still_needs_photos(self):
        with pytest.raises(NeedsCalibrationError):
            ExportRequest(BARE, "bare", PRECISIONS["int8"], "uint8")


class TestMeasuring:
    def test_weights_and_step_stay(self, checkpoint):
        assert checkpoint.step == BARE.step
        assert all(np.array_equal(checkpoint.weights[name], value) for name, value in BARE.weights.items())

    def test_what_has_to_share_a_scale_shares_a_range(self):
        graph = graph_of(BARE)
        names = activations(graph)
        for node in graph.nodes:
            if isinstance(node.op, Concat | Split | Resize) and node.name in names:
                assert {names[source] for source in node.inputs} == {names[node.name]}
        assert set(names.values()) <= set(names)

    def test_more_photos_never_narrow_a_range(self, checkpoint, calibration):
        few = measure_limits(graph_of(BARE), calibration.images[:3])
        for name, (low, high) in few.items():
            assert checkpoint.ranges.limits[name][0] <= low <= 0 <= high <= checkpoint.ranges.limits[name][1]

    def test_ranges_are_part_of_the_fingerprint(self, checkpoint):
        assert checkpoint.fingerprint() != BARE.fingerprint()
        assert replace(checkpoint, ranges=None).fingerprint() == BARE.fingerprint()


numbers = st.floats(0, 1e6, allow_nan=False).map(lambda value: value + 1e-3)


class TestFormat:
    @given(st.dictionaries(st.text(max_size=9), st.tuples(numbers.map(lambda x: -x), numbers), min_size=1))
    def test_what_is_written_comes_back(self, limits):
        ranges = Ranges(limits, 256, {"photos": 3})
        assert Ranges.from_json(json.loads(json.dumps(ranges.to_json()))) == ranges

    @settings(max_examples=200)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        )
    )
    def test_anything_else_is_refused_or_a_range(self, value):
        for document in (value, {"format": "mmnet-ranges/1", "size": 64, "source": {}, "limits": value}):
            try:
                ranges = Ranges.from_json(document)
            except RangeError:
                continue
            assert all(low <= 0 <= high for low, high in ranges.limits.values())

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda ranges: ranges.update(format="mmnet-ranges/2"), "mmnet-ranges/2"),
            (lambda ranges: ranges["limits"].update({"init_block/conv/relu6": [1, 0]}), "init_block/conv/relu6"),
            (lambda ranges: ranges["limits"].update({"init_block/conv/relu6": [0, float("nan")]}), "init_block"),
            (lambda ranges: ranges["limits"].update({"init_block/conv/relu6": "wide"}), "two numbers"),
            (lambda ranges: ranges["limits"].update({"init_block/conv/relu6": [0, 10**400]}), "too large"),
            (lambda ranges: ranges.pop("limits"), "limits"),
        ],
    )
    def test_damage_is_named(self, measured, tmp_path, change, message):
        folder = self.damaged(measured, tmp_path, change)
        with pytest.raises((RangeError, CheckpointCorruptError), match=message) as caught:
            load_checkpoint(folder)
        assert str(folder) in str(caught.value)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda limits: limits.pop("init_block/conv/relu6"), "lack activation init_block/conv/relu6"),
            (lambda limits: limits.update({"enc_block10/relu6": [0, 6]}), "name enc_block10/relu6"),
        ],
    )
    def test_ranges_of_another_network_are_refused_on_export(self, measured, tmp_path, change, message):
        other = load_checkpoint(self.damaged(measured, tmp_path, lambda ranges: change(ranges["limits"])))
        with pytest.raises(RangeError, match=f"{message}.*mmnet quantize --steps 0"):
            run_export(ExportRequest(other, "other", PRECISIONS["int8"], "uint8"))

    def test_that_is_one_line_and_no_file(self, measured, tmp_path):
        folder = self.damaged(measured, tmp_path, lambda ranges: ranges["limits"].update(none=[0, 1]))
        assert "name none" in error_line(run("export-tflite", "--ckpt", folder, cwd=tmp_path))
        assert [path.name for path in tmp_path.iterdir()] == [folder.name]

    def test_a_checkpoint_from_before_there_were_ranges_loads(self, measured, tmp_path):
        folder = tmp_path / "old"
        save_checkpoint(BARE, folder)
        assert "ranges" not in json.loads((folder / CONFIG_FILE).read_text())
        assert load_checkpoint(folder).ranges is None

    @staticmethod
    def damaged(measured, tmp_path, change):
        folder = tmp_path / "damaged"
        save_checkpoint(load_checkpoint(measured), folder)
        document = json.loads((folder / CONFIG_FILE).read_text())
        change(document["ranges"])
        (folder / CONFIG_FILE).write_text(json.dumps(document))
        return folder


class TestInversion:
    @settings(max_examples=5, deadline=None)
    @given(
        width=st.sampled_from([0.35, 0.75, 1.4]),
        sampling=st.sampled_from(["legacy", "half_pixel"]),
        seed=st.integers(0),
    )
    def test_the_rewriting_makes_the_trained_kernels_again(self, width, sampling, seed):
        config = ModelConfig(width, 32, sampling)
        weights = random_weights(config, seed % 2**32)
        graph = apply_rewrites(training_graph(config, weights))
        random = np.random.default_rng(seed)
        allowed = constraints(graph)

        def moved(name, part, value):
            value = value + random.normal(0, 0.02, value.shape).astype(np.float32)
            return np.asarray(allowed[name, part](value) if (name, part) in allowed else value)

        trained = {
            name: Kernel(moved(name, "kernel", entry.kernel), moved(name, "bias", entry.bias))
            for name, entry in kernels_of(graph).items()
        }
        inverted = invert(config, weights, trained)
        again = kernels_of(apply_rewrites(training_graph(config, inverted)))
        for name, entry in trained.items():
            assert np.abs(again[name].kernel - entry.kernel).max() < 1e-5, name
            assert np.abs(again[name].bias - entry.bias).max() < 1e-5, name
        kept = [name for name in weights if "moving_" in name or name.startswith("MMNet/aux_block")]
        assert all(np.array_equal(inverted[name], weights[name]) for name in kept)

    def test_what_was_not_trained_stays(self):
        inverted = invert(BARE.config, BARE.weights, kernels_of(graph_of(BARE)))
        assert all(np.allclose(inverted[name], value, atol=1e-5) for name, value in BARE.weights.items())

    def test_what_the_rewriting_cannot_make_is_refused(self):
        kernels = kernels_of(graph_of(BARE))
        head = kernels["final_block/pointwise_conv/phases"]
        kernels["final_block/pointwise_conv/phases"] = Kernel(head.kernel[::-1, ::-1].copy(), head.bias)
        with pytest.raises(MMNetError, match="final_block/pointwise_conv/phases"):
            invert(BARE.config, BARE.weights, kernels)


class TestCommand:
    def test_it_measures_and_the_export_says_whose_ranges_it_takes(self, photos, tmp_path):
        save_checkpoint(BARE, tmp_path / "checkpoints" / "bare")
        measure = ["mmnet", "quantize", "--ckpt", "bare", "--steps", "0", "--calibration", photos, "--run", "mine"]
        result = run(*measure, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        assert "measured on 12 images" in result.stdout
        exported = run("export-tflite", "--ckpt", "mine", "--calibration", photos, "-o", "a.tflite", cwd=tmp_path)
        assert exported.returncode == 0, exported.stderr
        assert "the checkpoint's (measured without training); the photos only verify" in exported.stdout
        again = run(*measure, cwd=tmp_path)
        assert "--resume latest" in error_line(again)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], "--data DIR"),
            (["--steps", "0"], "--calibration PHOTOS"),
            (["--steps", "0", "--calibration", "absent"], "absent"),
            (["--ckpt", "absent", "--steps", "0", "--calibration", "absent"], "absent"),
        ],
    )
    def test_bad_arguments_are_one_line(self, tmp_path, measured, arguments, expected):
        result = run("mmnet", "quantize", "--ckpt", measured, *arguments, cwd=tmp_path)
        assert expected in error_line(result)
        assert list(tmp_path.iterdir()) == []
