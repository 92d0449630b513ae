"""The models that ship: their list, their names in place of paths, and the model card."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from support import ROOT, run

import mmnet
from mmnet.evaluation.release.published import published_figures
from mmnet.runtime import MattingModel, ModelError
from mmnet.runtime.tflite.file import read_model

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
    with pytest.raises(ModelError, match="not a"):
        read_model(Path(shipped.name))
    with pytest.raises(ModelError, match=r"no such model; .* \(mmnet models\)"):
        MattingModel("mmnet-9")


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
