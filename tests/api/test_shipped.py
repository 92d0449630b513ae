"""The models that ship: their list, their names in place of paths, and the model card."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from support import ROOT, run

import mmnet
from mmnet.api.models import open_models
from mmnet.api.profiling import _open as profiled
from mmnet.benchmark.candidates import choose_candidates
from mmnet.evaluation.models import open_file
from mmnet.evaluation.release.published import published_figures
from mmnet.network.checkpoint import CheckpointNotFoundError
from mmnet.runtime import MattingModel, ModelError
from mmnet.runtime.tflite.file import read_model
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.runtime.tflite.shipped import shipped_path

RELEASE = json.loads((ROOT / "evaluation" / "results" / "release.json").read_text())


def measured(sha256: str) -> dict[str, Any]:
    return next(one for one in RELEASE["models"] if one["sha256"] == sha256)


def test_figures_are_those_of_the_very_file() -> None:
    found = mmnet.list_models()
    assert [one.is_default for one in found] == [True] + [False] * (len(found) - 1)
    assert {one.path.name for one in found} == {path.name for path in (ROOT / "runtime" / "models").glob("*.tflite")}
    for one in found:
        content = one.path.read_bytes()
        assert (one.bytes, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
        sets = measured(one.sha256)["sets"]
        titles = {entry["title"]: entry["name"] for entry in RELEASE["sets"]}
        assert {titles[figures.title] for figures in one.figures} == set(sets)
        for figures in one.figures:
            assert all(sets[titles[figures.title]][name]["value"] == value for name, value in figures.values.items())
    assert published_figures("0" * 64) == []


def test_the_command(tmp_path: Path) -> None:
    document = json.loads(run("mmnet", "models", "--json").stdout)
    assert document["models"] == [one.document() for one in mmnet.list_models()]
    shown = run("mmnet", "models").stdout
    for one in document["models"]:
        assert one["name"] in shown
        assert f"{one['figures'][0]['MAD']:.5f}" in shown


def test_a_name_does_in_place_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = mmnet.list_models()[0]
    image = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    with mmnet.PortraitMatter(shipped.name) as named, mmnet.PortraitMatter() as default:
        np.testing.assert_array_equal(named(image), default(image))
    Path(shipped.name).write_bytes(b"a file of that name comes first")
    hides = f"; it hides the model of that name, which ships: rename it, or name {re.escape(str(shipped.path))}$"
    with pytest.raises(ModelError, match=f"not a .*{hides}"):
        read_model(Path(shipped.name))
    Path(shipped.name).unlink()
    Path(shipped.name).mkdir()
    with pytest.raises(ModelError, match=f"is a folder; .*{hides}"):
        read_model(Path(shipped.name))
    with pytest.raises(ModelError, match=r"no such model; .* \(mmnet models\)"):
        MattingModel("mmnet-9")


def test_every_entry_takes_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = mmnet.list_models()[0]
    for name in (shipped.name, f"{shipped.name}.tflite"):
        assert shipped_path(Path(name)) == shipped.path
        candidate = open_file(Path(name))
        assert (candidate.name, candidate.source, candidate.sha256) == (shipped.name, name, shipped.sha256)
        assert open_models([name]) == [candidate]
        assert inspect_model(name).sidecar_recipe is not None
    measured, _ = choose_candidates([shipped.name, shipped.path], None, None, "checkpoints", lambda *_: None)
    assert [one.name for one in measured] == [shipped.name]
    assert profiled(shipped.name)[0] == shipped.name
    Path(shipped.name).mkdir()
    assert shipped_path(Path(shipped.name)) == Path(shipped.name)


def test_the_arm_comparison_takes_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def stop(model: bytes) -> None:
        seen.append(model)
        raise ModelError("stopped")

    monkeypatch.setattr("mmnet.api.comparing.inspect_model", stop)
    monkeypatch.setattr("mmnet.api.comparing.list_photos", lambda folder: [])
    with pytest.raises(ModelError, match="stopped"):
        mmnet.compare_on_arm(mmnet.list_models()[0].name, tmp_path)
    assert seen == [mmnet.list_models()[0].path.read_bytes()]


@pytest.mark.parametrize("name", ["mmnet-1.0", "mmnet-1.0.tflite"])
def test_the_name_of_the_checkpoint_leads_to_its_models(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=f"no such model; .*{mmnet.list_models()[0].name}"):
        MattingModel(name)
    Path(name).mkdir()
    with pytest.raises(ModelError, match=f"is a folder; .*{mmnet.list_models()[0].name}"):
        MattingModel(name)


def test_models_of_other_formats_are_named(tmp_path: Path) -> None:
    onnx, package = tmp_path / "x.onnx", tmp_path / "x.mlpackage"
    onnx.write_bytes(b"an ONNX model has no identifier")
    package.mkdir()
    for path, kind in ((onnx, "an ONNX model"), (package, "a Core ML model")):
        with pytest.raises(ModelError, match=f"is {kind}, and only a .tflite can be used here"):
            MattingModel(path)
        with pytest.raises(ModelError, match=f"is {kind}, .*name a .tflite file$"):
            inspect_model(path)
        path.with_name(f"{path.name}.recipe.json").write_text("{}")
        with pytest.raises(ModelError, match=f"is {kind}, .*in the recipe beside it, .*{path.name}.recipe.json"):
            inspect_model(path)
    with pytest.raises(ModelError, match="is a Core ML model, which cannot be run here"):
        open_models([f"{package}/"])


def test_a_name_of_nothing() -> None:
    with pytest.raises(CheckpointNotFoundError, match=r"no such checkpoint, .* and no such model; .*mmnet models"):
        open_models(["nosuch"])


def test_the_front_matter_of_the_model_card() -> None:
    _, front, _ = (ROOT / "checkpoints" / "mmnet-1.0" / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(front)
    assert (card["license"], card["library_name"]) == ("apache-2.0", "mmnet")
    assert card["tags"]
    assert card["datasets"]
    assert card["metrics"] == ["MAD", "GAUSS_GRAD"]
    (model,) = card["model-index"]
    sets = measured({one.name: one.sha256 for one in mmnet.list_models()}[model["name"]])["sets"]
    counts = {one["name"]: one["images"] for one in RELEASE["sets"]}
    assert model["results"]
    for result in model["results"]:
        name = result["dataset"]["type"]
        assert result["dataset"]["name"].startswith(f"{counts[name]} images")
        for metric in result["metrics"]:
            assert metric["value"] == round(sets[name][metric["type"]]["value"], 5)
