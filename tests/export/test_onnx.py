"""ONNX models: valid, executed by ONNX Runtime, as close as the .tflite, and measured by the commands."""

from __future__ import annotations

import json
import sys
from contextlib import closing

import numpy as np
import pytest
from support import error_line, random_checkpoint, run

import mmnet
from mmnet.errors import MissingExtraError
from mmnet.evaluation.models import open_file
from mmnet.evaluation.onnx_model import OnnxModel
from mmnet.export.choices import ChoiceError
from mmnet.export.direct.models import to_float, to_int8_from_ranges
from mmnet.export.onnx_format.file import to_onnx
from mmnet.export.onnx_format.verified import measured_limits
from mmnet.export.verify import alphas, probe_images
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.metadata import ModelMetadata

SIZE = 32
CARD = ModelMetadata("a name", "a description", "1", "an author", "a licence", {"precision": "float32"})


def needs_onnx() -> None:
    for name in ("onnx", "onnxruntime"):
        try:
            __import__(name)
        except ImportError:
            pytest.skip(f"{name.upper()} IS NOT INSTALLED: ONNX models were not tested; pip install '.[onnx]'")


@pytest.fixture(autouse=True)
def _onnx():
    needs_onnx()


def run_onnx(content, images):
    with closing(OnnxModel(content)) as model:
        return np.stack([model.run_float(image) for image in images])


@pytest.mark.parametrize("config", [ModelConfig(0.35, SIZE, "legacy"), ModelConfig(0.5, SIZE, "half_pixel")])
def test_float32_and_int8_compute_what_the_tflite_computes(config):
    graph, images = inference_graph(random_checkpoint(config, seed=4)), probe_images(SIZE, 3)
    exact = alphas(to_float(graph), images)
    assert np.abs(run_onnx(to_onnx(graph, CARD), images) - exact).max() < 1e-5
    limits = measured_limits(graph, images)
    ours, other = run_onnx(to_onnx(graph, CARD, limits), images), alphas(to_int8_from_ranges(graph, limits), images)
    # The .tflite rounds the alpha to 8 bits, too.
    assert np.abs(ours - other).mean() < 0.01
    assert np.abs(ours - exact).mean() < 0.02


def test_the_file_says_what_it_is():
    import onnx

    content = to_onnx(inference_graph(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"))), CARD)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert (model.producer_name, model.doc_string) == ("mmnet", "a description")
    assert {entry.key: entry.value for entry in model.metadata_props} == {
        "name": "a name", "author": "an author", "license": "a licence", "mmnet_recipe": '{"precision": "float32"}',
    }  # fmt: skip
    with closing(OnnxModel(content)) as loaded:
        assert (loaded.size, loaded.recipe) == (SIZE, {"precision": "float32"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    needs_onnx()
    folder = tmp_path_factory.mktemp("onnx")
    save_checkpoint(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=5), folder / "tiny")
    exported = mmnet.export_onnx(folder / "tiny")
    assert [check.name for check in exported.checks] == [
        "float .tflite against NumPy", "ONNX model", "float .onnx against NumPy",
    ]  # fmt: skip
    exported.save(folder / "tiny.onnx")
    mmnet.export_tflite(folder / "tiny", "float32").save(folder / "tiny.tflite")
    return folder


def test_the_command(folder, photos):
    done = run("mmnet", "export", "--ckpt", folder / "tiny", "--format", "onnx", "--precision", "int8",
               "--calibration", photos, "--json", cwd=folder)  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["output"] == "tiny-32-int8.onnx"
    recipe = answer["recipe"]
    assert (recipe["file_format"], recipe["opset"], recipe["ranges"]) == ("onnx", 17, {"from": "calibration"})
    assert "onnx" in recipe["versions"]
    assert (folder / "tiny-32-int8.onnx.recipe.json").is_file()
    for options, message in (
        (["--precision", "float16"], "has no precision 'float16'"),
        (["--converter", "tensorflow"], "--converter goes with --format tflite"),
        (["--format", "keras"], "unknown format 'keras'"),
    ):
        refused = run("mmnet", "export", "--ckpt", folder / "tiny", "--format", "onnx", *options, cwd=folder)
        assert refused.returncode != 0
        assert message in " ".join(refused.stderr.replace("│", " ").split())


def test_the_network_that_ships_needs_no_photos_in_8_bits():
    exported = mmnet.export_onnx("mmnet-1.0", precision="int8")
    (check,) = (check for check in exported.checks if "against float" in check.name)
    assert check.name == "int8 .onnx against float, drawn images"
    assert check.passed


def test_parity_and_evaluation(folder, photos, tmp_path):
    report = tmp_path / "parity.html"
    compared = run("mmnet", "parity", folder / "tiny.onnx", folder / "tiny.tflite", "--data", photos,
                   "--report", report, "--json", "-")  # fmt: skip
    assert compared.returncode == 0, compared.stderr
    assert "Layers are compared between two .tflite files alone, in an interpreter" in report.read_text()
    model = open_file(folder / "tiny.onnx")
    assert (model.kind, model.size, model.recipe["file_format"]) == ("onnx", SIZE, "onnx")


def test_damaged_and_foreign_files_are_refused(tmp_path):
    import onnx

    path = tmp_path / "damaged.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"damaged\.onnx: ONNX Runtime cannot load it"):
        open_file(path)
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 4])
    other = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1, 4])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [value], [other])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="accepted are image"):
        open_file(path)
    assert "cannot load it" not in error_line(run("mmnet", "evaluate", "--data", tmp_path, "--model", path))


def test_what_is_missing_is_named(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"onnx.*pip install '\.\[onnx\]'"):
        mmnet.export_onnx(folder / "tiny")
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    exported = mmnet.export_onnx(folder / "tiny")
    (warning,) = exported.warnings
    assert warning.measured == "ONNX Runtime is not installed"
    with pytest.raises(MissingExtraError, match="ONNX Runtime"):
        open_file(folder / "tiny.onnx")
    with pytest.raises(ChoiceError, match="unknown network to verify with 'pytorch'"):
        mmnet.export_onnx(folder / "tiny", verify="pytorch")
