"""The figure of accuracy against latency."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import run
from typer.testing import CliRunner

from mmnet import svg
from mmnet.benchmark.figure import HEIGHT, WIDTH, draw
from mmnet.benchmark.host.machine import KERNEL_FEATURES
from mmnet.benchmark.joined import Point, front, join_results
from mmnet.benchmark.table import describe_machine
from mmnet.cli.main import app
from mmnet.errors import MMNetError
from mmnet.export.verify import probe_images

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.floats(1e-4, 1e4)


def circles(svg: str) -> list[tuple[float, float, float, str]]:
    """Return (x, y, radius, title) of every model's circle."""
    return [
        (float(circle.get("cx", "")), float(circle.get("cy", "")), float(circle.get("r", "")), title.text or "")
        for circle in ElementTree.fromstring(svg).iter(f"{SVG}circle")
        for title in circle.iter(f"{SVG}title")
    ]


def point(
    latency: float, error: float, parameters: int | None = 1000, label: str = "a", data: str = "2 images"
) -> Point:
    low, high = latency * 0.9, latency * 1.2
    return Point(data, label, "a host", 1, latency, low, high, error, error * 0.9, error * 1.1, parameters)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.none() | st.integers(1, 10**8)), min_size=1, max_size=8))
def test_positions_follow_latency_and_error(values: list[tuple[float, float, int | None]]) -> None:
    points = [point(latency, error, parameters) for latency, error, parameters in values]
    drawn = circles(draw(points, "MAD", "invoke"))
    assert len(drawn) == len(points)
    for x, y, radius, _ in drawn:
        assert radius <= x <= WIDTH - radius
        assert radius <= y <= HEIGHT - radius
    for (x, y, _, _), here in zip(drawn, points, strict=True):
        for (other_x, other_y, _, _), there in zip(drawn, points, strict=True):
            assert here.latency_ms <= there.latency_ms or x >= other_x - 0.1
            assert here.error <= there.error or y <= other_y + 0.1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ab")), min_size=1, max_size=9))
def test_the_front_is_what_nothing_beats(values: list[tuple[float, float, str]]) -> None:
    points = [point(latency, error, data=data) for latency, error, data in values]
    best = front(points)
    for one in points:
        beaten_by = [
            other
            for other in points
            if other.data == one.data
            and other.latency_ms <= one.latency_ms
            and other.error <= one.error
            and (other.latency_ms, other.error) != (one.latency_ms, one.error)
        ]
        assert (one in best) == (not beaten_by)


def test_each_set_of_images_has_a_panel_and_all_share_the_latency() -> None:
    points = [point(latency, error, data=data) for data in "xy" for latency, error in ((1, 4), (2, 3), (3, 5))]
    drawn = draw(points, "MAD", "invoke")
    root = ElementTree.fromstring(drawn)
    assert int(root.get("height", "")) > HEIGHT
    upper, lower = circles(drawn)[:3], circles(drawn)[3:]
    assert [place[0] for place in upper] == [place[0] for place in lower]
    assert max(place[1] for place in upper) < min(place[1] for place in lower)
    assert [text.text for text in root.iter(f"{SVG}text") if text.text in ("x", "y")] == ["x", "y"]  # the titles
    dashed = [path.get("d", "") for path in root.iter(f"{SVG}path") if path.get("stroke-dasharray")]
    assert [line.count("L") for line in dashed] == [1, 1]  # the slowest model is beaten in both


def test_more_parameters_make_a_larger_circle() -> None:
    small, large = circles(draw([point(1, 1, 1000), point(2, 2, 100_000)], "MAD", "invoke"))
    assert small[2] < large[2]


def test_names_are_text_and_nothing_else() -> None:
    label = '<script>alert("1")</script> & co'
    svg = draw([point(1, 1, label=label)], "MAD", "invoke")
    assert label in [text.text for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def texts(svg: str) -> list[tuple[float, float, str]]:
    """Return (left, right, text) of every upright text, at 7.2 pixels a character, as DejaVu Sans is set."""
    found = []
    root = ElementTree.fromstring(svg)
    turned = {id(text) for group in root.iter(f"{SVG}g") for text in group.iter(f"{SVG}text")}
    for text in root.iter(f"{SVG}text"):
        if id(text) in turned:
            continue
        width = float(text.get("textLength") or 7.2 * len(text.text or ""))
        x = float(text.get("x", ""))
        left = x - width * {"start": 0, "middle": 0.5, "end": 1}[text.get("text-anchor", "start")]
        found.append((left, left + width, text.text or ""))
    return found


def test_no_text_runs_off_the_figure() -> None:
    """A processor with every feature, a phone, and names of any length."""
    host = {"kind": "host", "processor": "AMD EPYC 9654 96-Core Processor", "cores": 192, "features": KERNEL_FEATURES}
    phone = {"kind": "device", "name": "A phone", "processor": "SM8650", "android": "15"}
    machines = [describe_machine(host), describe_machine(phone)]
    points = [
        Point("2 images", "m" * length, machines[index % 2], 1, 1.0 + index, None, None, 0.02, 0.01, 0.03, 1000)
        for index, length in enumerate((5, 40, 70, 109, 300))
    ]
    drawn = draw(points, "GAUSS_GRAD 800×600", "invoke")
    for left, right, text in texts(drawn):
        assert left >= -1, text
        assert right <= WIDTH * 1.09 if set(text) == {"m"} else right <= WIDTH, text
    said = " ".join(text for _, _, text in texts(drawn))
    assert machines[0] in said
    assert machines[1] in said


def test_long_lines_of_small_plots_are_broken() -> None:
    heading = ["experiment-2026-02-whole-people-frozen-norms " * 2, "mean |Δα| on 32 images; " * 4]
    name = "block_3/branch_2/depthwise_and_pointwise_and_project_and_merge_again"
    drawn = svg.standalone(svg.bars([(name, 0.5, "0.50000")], describe="d"), heading)
    whole = ElementTree.fromstring(drawn)
    for text in whole.iter(f"{SVG}text"):
        if text.get("textLength") is None:
            assert len(text.text or "") * 6 <= svg.WIDTH + 32, text.text
    assert name in [text.text for text in whole.iter(f"{SVG}text")]
    edges, counts = np.linspace(-1, 1, 9), np.ones(8, np.int64)
    label = "Δα, a-model-with-a-long-name-256-int8-per-channel − another-model-of-such-a-name"
    plot = ElementTree.fromstring(
        svg.histogram(edges, counts, label=label, describe="d").replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1)
    )
    lines = [text.text or "" for text in plot.iter(f"{SVG}text")]
    assert max(map(len, lines)) * 6 <= svg.WIDTH
    assert label in " ".join(lines)


def result(name: str, sha256: str, recipe: dict[str, Any], latency: float = 1.0, size: int = 256) -> dict[str, Any]:
    return {
        "name": name,
        "sha256": sha256,
        "size": size,
        "recipe": recipe,
        "threads": 1,
        "parameters": 5,
        "stages": {"invoke": {"median_ms": latency}},
        "rounds_ms": {"invoke": [latency]},
    }


def measurement(*results: dict[str, Any]) -> dict[str, Any]:
    return {"machine": {"kind": "host", "processor": "p", "cores": 2, "features": []}, "results": list(results)}


def evaluation(*models: dict[str, Any]) -> dict[str, Any]:
    return {"data": {"folder": "/photos/portraits", "split": "test", "images": 2}, "fit": "auto", "models": models}


def evaluated(name: str, sha256: str, recipe: dict[str, Any], error: float) -> dict[str, Any]:
    statistics = {"MAD": {"mean": error, "low": error - 0.5, "high": error + 0.5}}
    return {"name": name, "sha256": sha256, "size": 256, "recipe": recipe, "statistics": statistics}


def test_a_model_is_known_by_its_file_then_its_checkpoint_then_its_name() -> None:
    made = {"checkpoint": {"sha256": "c"}, "precision": "float32"}
    models = [evaluated("b", "1", {}, 1.0), evaluated("a", "2", {}, 2.0), evaluated("c", "3", made, 3.0)]
    measured = measurement(
        result("a", "1", {}),
        result("a", "9", {}),
        result("naive", "8", made),
        result("another", "7", made | {"precision": "int8"}),
        result("smaller", "6", made, size=192),
    )
    points, missing = join_results(evaluation(*models), [measured], "MAD", "invoke", 1)
    assert [drawn.error for drawn in points] == [1.0, 2.0, 3.0]
    assert {drawn.data for drawn in points} == {"2 images of portraits/test, fit auto"}
    assert missing == ["another", "smaller"]


def test_the_later_measurement_counts() -> None:
    models = evaluation(evaluated("a", "1", {}, 1.0))
    both = [measurement(result("a", "1", {}, 4.0)), measurement(result("a", "1", {}, 5.0))]
    (drawn,), _ = join_results(models, both, "MAD", "invoke", 1)
    assert drawn.latency_ms == 5.0


@pytest.fixture(scope="module")
def documents(tiny_files: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Documents of the tiny models, written by `mmnet evaluate` and `mmnet benchmark`."""
    folder = tmp_path_factory.mktemp("documents")
    for name in ("image", "mask"):
        (folder / name).mkdir()
    for index, image in enumerate(probe_images(64, 2)):
        assert cv2.imwrite(str(folder / "image" / f"{index}.png"), image)
        assert cv2.imwrite(str(folder / "mask" / f"{index}.png"), np.ascontiguousarray(image[..., 0]))
    evaluation, latency = folder / "evaluation.json", folder / "latency.json"
    models = (tiny_files / "float.tflite", tiny_files / "uint8.tflite")
    done = run("mmnet", "evaluate", "-d", folder, "-m", models[0], "-m", models[1], "--json", evaluation)
    assert done.returncode == 0, done.stderr
    done = run("mmnet", "benchmark", *models, "--runs", 5, "--warmup", 0, "--json", latency)
    assert done.returncode == 0, done.stderr
    return evaluation, latency


def test_from_the_two_commands_to_the_figure(documents: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "figure.svg"
    done = run("mmnet", "benchmark", "plot", *documents, "-o", output, "--figure", "MAD_256x256", "--json")
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)
    statistics = {model["name"]: model["statistics"] for model in json.loads(documents[0].read_text())["models"]}
    assert [entry["label"] for entry in points] == ["float", "uint8"]
    for entry, (_, _, _, said) in zip(points, circles(output.read_text()), strict=True):
        assert entry["error"] == statistics[entry["label"]]["MAD_256x256"]["mean"]
        assert re.match(rf"{entry['label']}: {entry['latency_ms']:.2f} ms, {entry['error']:.5f}", said)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("{latency}", "{latency}"), "mmnet-benchmark/1"),
        (("{evaluation}", "{evaluation}"), "mmnet-evaluation/1"),
        (("{evaluation}", "/nowhere.json"), "/nowhere.json: no such file; give what `mmnet benchmark --json` wrote"),
        (("/nowhere.json", "{latency}"), "/nowhere.json: no such file; give what `mmnet evaluate --json` wrote"),
        (("{evaluation}", "/"), "/: is a folder; give what `mmnet benchmark --json` wrote"),
        (("{evaluation}", "{latency}", "--figure", "beauty"), "choose one of"),
        (("{evaluation}", "{latency}", "--stage", "nap"), "choose one of"),
        (("{evaluation}", "{latency}", "--threads", "7"), "no model is in both"),
        (("{evaluation}", "{latency}", "--panel", "{evaluation}"), "is the second evaluation on 2 images"),
    ],
)
def test_what_cannot_be_drawn_is_named(
    arguments: tuple[str, ...], words: str, documents: tuple[Path, Path], tmp_path: Path
) -> None:
    given = [argument.format(evaluation=documents[0], latency=documents[1]) for argument in arguments]
    output = tmp_path / "figure.svg"
    outcome = CliRunner().invoke(app, ["benchmark", "plot", *given, "-o", str(output)])
    assert isinstance(outcome.exception, MMNetError)
    assert words in str(outcome.exception)
    assert not output.exists()
