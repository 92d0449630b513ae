"""`tools/accuracy/ablation.py`: short runs on drawn images, a second call that goes on, and the tables."""

from __future__ import annotations

import importlib
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest
from support import EAGERLY, ROOT, eagerly, random_checkpoint

from mmnet.errors import MMNetError
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig

SIZE = 32


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools" / "accuracy"))
    return [importlib.import_module(name) for name in ("ablation", "ablation_variants", "ablation_report")]


@pytest.fixture
def ablation(tools):
    return tools[0]


@pytest.fixture
def variants(tools):
    return tools[1]


@pytest.fixture
def report(tools):
    return tools[2]


@pytest.fixture
def folders(images, variants, tmp_path):
    """Every source with the drawn portraits, the cut-outs with an alpha channel, and two sets to measure on."""
    mix, sets = tmp_path / "mix", tmp_path / "sets"
    for name in variants.SOURCES:
        shutil.copytree(images / "portraits", mix / name)
    for part in ("image", "mask"):
        for path in list((mix / "hard" / part).iterdir())[4:]:
            path.rename(path.with_name(f"cutouts-{path.name}"))
    for path in (images / "portraits" / "image").iterdir():
        matte = cv2.imread(str(images / "portraits" / "mask" / path.name), cv2.IMREAD_GRAYSCALE)
        assert cv2.imwrite(str(mix / "cutouts" / path.name), np.dstack([cv2.imread(str(path)), matte]))
    for part in ("image", "mask"):
        shutil.rmtree(mix / "cutouts" / part)
    shutil.copytree(images / "scenes", mix / "backgrounds")
    for name in ("cutouts-validation", "nobody-validation"):
        shutil.copytree(images / "portraits", sets / name)
    for path in (sets / "nobody-validation" / "mask").iterdir():
        assert cv2.imwrite(str(path), np.zeros((64, 64), np.uint8))
    return mix, sets


@pytest.fixture
def small(ablation, variants, monkeypatch):
    """Make all variants runs of two images of 32 pixels."""
    table = tuple(replace(one, size=SIZE) for one in variants.VARIANTS)
    for module in (ablation, variants):
        monkeypatch.setattr(module, "VARIANTS", table)
        monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr(ablation, "MEASURED_SIZE", SIZE)


@pytest.mark.slow
@pytest.mark.filterwarnings(EAGERLY)
def test_a_second_call_goes_on(ablation, folders, small, tmp_path, capsys):
    out, start = tmp_path / "out", tmp_path / "start"
    save_checkpoint(random_checkpoint(ModelConfig(0.35, SIZE), seed=1, step=100), start)
    common = [*map(str, folders), str(out), "--from", str(start), "--steps", "1", "--images", "24", "--limit", "2"]
    with eagerly():
        ablation.main([*common, "--variants", "raw"])
        first = json.loads((out / "ablation.json").read_text())
        ablation.main([*common, "--variants", "raw", "start", "half-start"])
    result = json.loads((out / "ablation.json").read_text())
    assert [one["name"] for one in first["variants"]] == ["all", "raw"]
    assert [one["name"] for one in result["variants"]] == ["all", "start", "raw", "half-start"]
    assert result["variants"][0] == first["variants"][0]
    assert [one["repeat"] for one in result["variants"]] == [True, False, False, False]
    assert result["settings"]["sources"]["cutouts"]["of"] == 12
    assert [one["images"] for one in result["settings"]["sets"]] == [2, 2]
    assert "ghosts" in result["variants"][0]["sets"]["nobody-validation"]
    assert str(tmp_path) not in json.dumps(result)
    capsys.readouterr()
    ablation.main(["--table", str(out / "ablation.json")])
    assert capsys.readouterr().out.count("| no moving average of weights |") == 3
    with pytest.raises(MMNetError, match="made with other steps"):
        ablation.main([*common, "--steps", "2"])


def test_left_out_sources_are_left_out_of_the_hard_images(ablation, variants, folders, tmp_path):
    said = []
    mix = ablation.open_mix(folders[0], 1000, tmp_path / "packs", None, said.append)
    known = {one.name: one for one in variants.VARIANTS}
    everything = mix.data(known["all"], SIZE).training
    without = mix.data(known["no-cutouts"], SIZE).training
    assert len(everything) == len(variants.SOURCES) == len(without) + 1
    assert (len(everything[-1].indices), len(without[-1].indices)) == (12, 4)
    assert [part.weight for part in everything] == pytest.approx(list(variants.SOURCES.values()))
    assert len(said) == len(variants.SOURCES)


def test_variants_bring_those_that_they_need(variants):
    assert [one.name for one in variants.choose_variants(["seeds"])] == ["all", "all-2", "seeds"]
    assert len(variants.choose_variants(None)) == len(variants.VARIANTS)
    assert [one.name for one in variants.VARIANTS if one.repeats_all] == ["all", "all-2", "all-3"]
    with pytest.raises(MMNetError, match="unknown variant gone; choose from all, start"):
        variants.choose_variants(["gone"])


def test_a_recipe_differs_in_the_choice_of_its_variant(variants):
    recipes = {one.name: one.recipe(320) for one in variants.VARIANTS}
    assert recipes["size-256"].stages[0].steps == 180
    assert recipes["rate-5e-4"].stages[0].final_learning_rate == pytest.approx(2.5e-5)
    assert not recipes["trained-norms"].stages[0].frozen_norms
    assert recipes["all"].weight_average == pytest.approx(1 - 1 / 16)


def test_differences_beyond_the_noise_are_bold(report):
    def variant(name, mad, wrong, repeat=False):
        sets = {"groups-validation": {"MAD": mad, "wrong_people": wrong}}
        return {"name": name, "title": name, "repeat": repeat, "steps": 3, "training_core_seconds": 2.0, "sets": sets}

    variants = [
        variant("one", 0.09, 0.1, True), variant("two", 0.11, 0.1, True),
        variant("near", 0.119, 0.15), variant("far", 0.13, 0.2),
    ]  # fmt: skip
    settings = {"sets": [{"name": "groups-validation", "images": 20}]}
    text = report.markdown({"variants": variants, "settings": settings})
    assert "| mean of all sources |  |  | 0.1000 |" in text
    assert "| noise |  |  | ±20% |" in text
    assert "| near | 3 | 2 | 0.1190 (+19%) |" in text
    assert "| far | 3 | 2 | **0.1300 (+30%)** |" in text
    assert "| near | 15% |" in text
    assert "| far | **20%** |" in text


def test_wrong_options(ablation, tmp_path):
    with pytest.raises(SystemExit):
        ablation.main([str(tmp_path)])
    with pytest.raises(MMNetError, match="no such folder"):
        ablation.main([*[str(tmp_path / name) for name in ("mix", "sets", "out")], "--from", "gone"])


def test_the_page_shows_the_committed_values(report):
    document = json.loads((ROOT / "evaluation" / "results" / "ablation.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "internals" / "ablation.md").read_text(encoding="utf-8")
    assert report.markdown(document) in page
