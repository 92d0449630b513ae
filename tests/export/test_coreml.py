"""Core ML models: valid packages with the graph's weights, as close as the .tflite when NumPy executes them."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from support import error_line, random_checkpoint, run

import mmnet
from mmnet.errors import MissingExtraError, OutputError, OutputExistsError
from mmnet.export.choices import ChoiceError
from mmnet.export.coreml.contents import read_program
from mmnet.export.coreml.interpreter import run_program
from mmnet.export.coreml.package import MANIFEST, SPECIFICATION, WEIGHTS, read_mlpackage, to_mlpackage
from mmnet.export.coreml.verified import make_mlpackage
from mmnet.export.direct.models import to_float
from mmnet.export.model import check_output
from mmnet.export.verify import alphas, probe_images
from mmnet.graph.inference import inference_graph
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.metadata import ModelMetadata

SIZE = 32
CARD = ModelMetadata("a name", "A description.", "1", "an author", "a licence", {"precision": "float32"})


@pytest.fixture(autouse=True, scope="module")
def _coremltools():
    try:
        import coremltools  # noqa: F401
    except ImportError:
        pytest.skip("COREMLTOOLS IS NOT INSTALLED: Core ML models were not tested; pip install '.[coreml]'")


def run_images(files, images):
    program = read_program(files)
    return [run_program(program, image) for image in images]


@pytest.mark.parametrize("config", [ModelConfig(0.35, SIZE, "legacy"), ModelConfig(0.5, SIZE, "half_pixel")])
def test_float32_computes_what_the_tflite_computes(config):
    graph, images = inference_graph(random_checkpoint(config, seed=4)), probe_images(SIZE, 3)
    found = run_images(to_mlpackage(graph, CARD, "float32"), images)
    exact = np.stack([alpha.exact for alpha in found])
    assert np.abs(exact - alphas(to_float(graph), images)).max() < 1e-5
    assert np.ptp(exact) > 0.1
    for alpha in found:
        assert np.array_equal(alpha.bytes, np.rint(alpha.exact * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def graph():
    return inference_graph(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=4))


@pytest.fixture(scope="module")
def float16(graph):
    files, checks = make_mlpackage(graph, CARD, "float16")
    assert [check.name for check in checks] == ["Core ML package", "contract", "Core ML weights"]
    assert all(check.passed for check in checks)
    return files


def test_float16_stays_close_and_has_the_same_bytes_every_time(graph, float16):
    images = probe_images(SIZE, 3)
    exact = np.stack([alpha.exact for alpha in run_images(float16, images)])
    assert 0 < np.abs(exact - alphas(to_float(graph), images)).mean() < 0.005
    assert to_mlpackage(graph, CARD, "float16") == float16


def test_the_package_says_what_it_is(float16):
    assert set(float16) == {MANIFEST, SPECIFICATION, WEIGHTS}
    specification = read_program(float16).specification
    assert specification.specificationVersion == 6
    metadata = specification.description.metadata
    assert (metadata.author, metadata.license, metadata.versionString) == ("an author", "a licence", "1")
    assert metadata.shortDescription == (
        "A description. Never run on Apple hardware: its program was executed by NumPy alone."
    )
    assert metadata.userDefined["mmnet_recipe"] == '{"precision": "float32"}'
    assert "never run on Apple hardware" in metadata.userDefined["execution"]
    assert not [key for key in metadata.userDefined if "date" in key]


def test_other_weights_are_found(graph, float16):
    from mmnet.export.coreml.verified import _check_weights

    other = inference_graph(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=5))
    assert _check_weights(read_program(float16), graph, "float16").passed
    check = _check_weights(read_program(float16), other, "float16")
    assert not check.passed
    assert check.measured.startswith("0 of")


def test_damaged_packages_are_refused(float16):
    for name, content in ((SPECIFICATION, b"no model"), (SPECIFICATION, b""), (WEIGHTS, float16[WEIGHTS][:200])):
        with pytest.raises(ModelError, match="cannot be read"):
            read_program({**float16, name: content})
    with pytest.raises(ModelError, match="cannot be read"):
        read_program({SPECIFICATION: float16[SPECIFICATION]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coreml")
    save_checkpoint(random_checkpoint(ModelConfig(0.35, SIZE, "legacy"), seed=5), folder / "tiny")
    return folder


def test_the_command(folder):
    command = ["mmnet", "export", "--ckpt", folder / "tiny", "--format", "coreml", "--precision", "float32"]
    done = run(*command, "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["output"] == "tiny-32-float32.mlpackage"
    recipe = answer["recipe"]
    assert (recipe["file_format"], recipe["specification"]) == ("coreml", 6)
    assert recipe["execution"].startswith("never run on Apple hardware")
    assert "coremltools" in recipe["versions"]
    assert [check["name"] for check in recipe["verification"]] == [
        "float .tflite against NumPy", "Core ML package", "contract", "Core ML weights",
        "float .mlpackage against NumPy", "Core ML",
    ]  # fmt: skip
    assert "MIL" not in done.stderr
    package = folder / "tiny-32-float32.mlpackage"
    files = read_mlpackage(package)
    beside = json.loads((folder / "tiny-32-float32.mlpackage.recipe.json").read_text())["file"]
    assert beside["bytes"] == sum(map(len, files.values()))
    assert set(beside["sha256"]) == set(files)
    assert "exists already" in error_line(run(*command, cwd=folder))


def test_what_a_package_cannot_be(folder, tmp_path):
    with pytest.raises(ChoiceError, match=r"a \.mlpackage has no precision 'int8'; choose one of float16, float32"):
        mmnet.export_coreml(folder / "tiny", "int8")
    for name in ("mine.mlmodel", "."):
        with pytest.raises(OutputError, match=r"whose name ends in \.mlpackage"):
            check_output(tmp_path / name, "coreml", force=True)


def test_a_package_is_replaced_and_other_folders_are_not(folder, tmp_path):
    exported = mmnet.export_coreml(folder / "tiny")
    assert (exported.content, exported.file_name) == (b"", "tiny-32-float16.mlpackage")
    assert [check.name for check in exported.warnings][-1] == "Core ML"
    package = exported.save(tmp_path / "mine.mlpackage")
    assert read_mlpackage(package) == exported.files
    with pytest.raises(OutputExistsError, match="exists already"):
        exported.save(package)
    (package / "left").write_bytes(b"of an older version")
    exported.save(package, force=True)
    assert read_mlpackage(package) == exported.files
    album = tmp_path / "album.mlpackage"
    album.mkdir()
    (album / "photo.jpg").write_bytes(b"a photo")
    with pytest.raises(OutputError, match="is a folder and no Core ML package"):
        exported.save(album, force=True)
    assert (album / "photo.jpg").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "album.mlpackage", "mine.mlpackage", "mine.mlpackage.recipe.json",
    ]  # fmt: skip


def test_what_is_missing_is_named(monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "coremltools", None)
    with pytest.raises(MissingExtraError, match=r"coremltools.*pip install '\.\[coreml\]'"):
        mmnet.export_coreml(folder / "tiny")
