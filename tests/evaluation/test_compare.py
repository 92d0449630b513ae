"""`mmnet compare` and `mmnet.compare_models`: two models side by side, without a verdict."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_models
from support import error_line, run

import mmnet
from mmnet.evaluation.figures import FIGURES
from mmnet.evaluation.parity.compare import ACCURACY, ImageParity, changes
from mmnet.evaluation.parity.comparison import direction


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two small networks in floats, with different random weights, and the first in 8 bits."""
    folder = tmp_path_factory.mktemp("compare")
    for name, recipe in (("before", "float32"), ("after", "uint8")):
        (folder / f"{name}.tflite").write_bytes(tiny_models.matting_model(recipe))
    return folder / "before.tflite", folder / "after.tflite"


@pytest.fixture(scope="module")
def reported(models, portraits, tmp_path_factory):
    """One call that writes everything: its result, the JSON, the page."""
    folder = tmp_path_factory.mktemp("out")
    page, figures = folder / "compare.html", folder / "compare.json"
    done = run("mmnet", "compare", *models, "-d", portraits, "--split", "test", "--report", page, "--json", figures)
    assert done.returncode == 0, done.stderr
    return done, json.loads(figures.read_text()), page


def test_there_are_figures_and_no_verdict(reported, models, portraits):
    done, found, page = reported
    assert found["format"] == "mmnet-comparison/1"
    assert not {"verdict", "checks", "layers"} & set(found)
    assert [found["models"][role]["name"] for role in ("reference", "other")] == ["before", "after"]
    text = page.read_text()
    for words in ("Within tolerance", "Beyond tolerance", "accepted", "Error by layer", "--strict"):
        assert words not in text
        assert words not in done.stdout
    assert "after against before" in text
    assert text.count("data:image/webp") == 4 * 6  # as in the report of parity
    parity = mmnet.compare(*models, portraits, split="test", layers=False).document()
    for key in ("differences", "worst", "images"):
        assert found[key] == parity[key]
    for name, entry in found["accuracy"].items():
        assert entry["other_is"] in ("better", "worse", "undecided")
        assert {key: value for key, value in entry.items() if key != "other_is"} == parity["accuracy"][name]


def test_the_table_says_which_figures_tell_the_two_apart(reported):
    done, found, _ = reported
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    for name, entry in found["accuracy"].items():
        (line,) = [line for line in lines if line.startswith(f"{name} ") and " on " not in line]
        assert line.endswith(f" {entry['other_is']}")
        assert f"{entry['reference']['mean']:.5f}" in line
    assert any(line.startswith("MAD worse on ") for line in lines)
    assert any(line.startswith("MAD better on ") for line in lines)


def accuracy(*values):
    """Images on which the models have these values of every figure: (first, second) per image."""
    names = [figure.name for figure in ACCURACY]
    return [
        ImageParity(f"p{index}", {}, tuple(dict.fromkeys(names, one) for one in pair), np.zeros(511, np.int64))
        for index, pair in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("pairs", "error", "score"),
    [
        ([(0.5, 0.4), (0.6, 0.5), (0.7, 0.5)], "better", "worse"),
        ([(0.4, 0.5), (0.5, 0.6), (0.5, 0.7)], "worse", "better"),
        ([(0.4, 0.5), (0.5, 0.4), (0.5, 0.5)], "undecided", "undecided"),
        ([(0.5, 0.5)], "undecided", "undecided"),
        ([(np.nan, np.nan)], "undecided", "undecided"),
    ],
)
def test_the_interval_decides_the_direction(pairs, error, score):
    by_name = changes(accuracy(*pairs))
    for figure in FIGURES:
        if figure.name in by_name:
            expected = score if figure.higher_is_better else error
            assert direction(figure, by_name[figure.name]) == expected


def test_photos_without_mattes(models, photos, tmp_path):
    done = run("mmnet", "compare", *models, "-d", photos, "--limit", 3, "--json", tmp_path / "c.json")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "c.json").read_text())["accuracy"] == {}
    assert "better" not in done.stdout
    assert "3 images" in done.stdout


def test_from_python(models, portraits):
    comparison = mmnet.compare_models(*models, portraits, split="test", limit=4)
    assert "after" in repr(comparison)
    assert "4 images" in str(comparison)
    assert comparison.direction("MAD_256x256") in ("better", "worse", "undecided")
    assert comparison.changes["MAD"].reference.images == 4
    assert "images" not in comparison.document(with_images=False)


def test_what_cannot_be_compared_is_one_line_and_exit_code_2(models, portraits, tmp_path):
    for arguments in (
        [models[0], tmp_path / "none.tflite", "-d", portraits / "test"],
        [models[0], "no-such-checkpoint", "-d", portraits / "test"],
        [*models, "-d", portraits],
    ):
        done = run("mmnet", "compare", *arguments)
        assert done.returncode == 2
        error_line(done)
