"""The command `mmnet evaluate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import error_line, run

from mmnet.evaluation import metrics
from mmnet.evaluation.figures import FIGURES
from mmnet.runtime import PortraitMatter, Upsampling, read_photo

pytestmark = pytest.mark.slow

NAMES = [figure.name for figure in FIGURES]
IMAGES = [f"p{index}" for index in range(6)]


@pytest.fixture(scope="module")
def measured(
    portraits: Path, checkpoint_folder: Path, float_model: Path, uint8_model: Path, tmp_path_factory: Any
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """One call with all kinds of models of ours, and the JSON that it wrote."""
    path = tmp_path_factory.mktemp("out") / "figures.json"
    models = ["--ckpt", checkpoint_folder, "-m", float_model, "-m", uint8_model]
    done = run("mmnet", "evaluate", *models, "-d", portraits, "--split", "test", "--json", path, "--worst", 4)
    assert done.returncode == 0, done.stderr
    return done, json.loads(path.read_text())


def evaluate_json(*arguments: object) -> dict[str, Any]:
    done = run("mmnet", "evaluate", *arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_shape_of_the_json(measured: Any, checkpoint_folder: Path) -> None:
    found = measured[1]
    assert set(found) == {
        "format", "command", "data", "resize", "fit", "interval", "machine", "versions", "figures", "models",
    }  # fmt: skip
    assert found["format"] == "mmnet-evaluation/1"
    assert found["command"].startswith("mmnet evaluate --ckpt ")
    assert {key: found["data"][key] for key in ("split", "images")} == {"split": "test", "images": 6}
    assert list(found["figures"]) == NAMES
    assert [model["name"] for model in found["models"]] == ["mine", "float", "uint8"]
    assert [model["kind"] for model in found["models"]] == ["checkpoint", "tflite", "tflite"]
    for model in found["models"]:
        assert set(model) == {"name", "kind", "source", "size", "sha256", "recipe", "statistics", "worst", "images"}
        assert list(model["images"]) == IMAGES
        assert list(model["statistics"]) == NAMES
        assert all(list(figures) == NAMES for figures in model["images"].values())
    assert found["models"][0]["recipe"]["checkpoint"]["step"] == 7


def test_statistics_are_those_of_the_images(measured: Any) -> None:
    for model in measured[1]["models"]:
        for name in NAMES:
            values = np.array([figures[name] for figures in model["images"].values()])
            entry = model["statistics"][name]
            assert entry["mean"] == pytest.approx(values.mean())
            assert entry["deviation"] == pytest.approx(values.std(ddof=1))
            assert values.min() <= entry["low"] <= entry["mean"] <= entry["high"] <= values.max()
            assert entry["images"] == 6


def test_the_worst_come_first(measured: Any) -> None:
    for model in measured[1]["models"]:
        ranked = sorted(IMAGES, key=lambda name: -model["images"][name]["MAD"])
        assert [entry["image"] for entry in model["worst"]] == ranked[:4]
        assert [entry["MAD"] for entry in model["worst"]] == [model["images"][name]["MAD"] for name in ranked[:4]]


def test_figures_are_of_the_runtimes_matte(measured: Any, portraits: Path, uint8_model: Path) -> None:
    """The alpha is resized to the photo's size bilinearly: the figures are of the network, not of the upsampling."""
    with PortraitMatter(uint8_model, 1, upsampling=Upsampling.BILINEAR) as matter:
        for name in IMAGES:
            (photo,) = (portraits / "test" / "image").glob(f"{name}.*")
            alpha = matter(read_photo(photo))
            mask = cv2.imread(str(portraits / "test" / "mask" / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
            found = measured[1]["models"][2]["images"][name]
            assert found["MAD"] == pytest.approx(metrics.mad(alpha, mask / np.float32(255)), abs=1e-9)
            assert found["IoU"] == pytest.approx(metrics.iou(alpha, mask / np.float32(255)))


def test_a_checkpoint_is_its_float_export(measured: Any) -> None:
    checkpoint, exported, _ = measured[1]["models"]
    for name in IMAGES:
        assert checkpoint["images"][name] == pytest.approx(exported["images"][name], abs=1e-7)


def test_the_table(measured: Any) -> None:
    done, found = measured
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["mine", "float", "uint8"]
    means = [f"{model['statistics']['MAD_256x256']['mean']:.5f}" for model in found["models"]]
    row = [line.split() for line in lines].index(["MAD_256x256", *means])
    assert lines[row + 1].startswith("± deviation  ")
    assert lines[row + 2].startswith("95 % interval  ")
    assert "6 images" in done.stdout
    assert done.stderr == ""


def test_the_threads_change_nothing(portraits: Path, float_model: Path, uint8_model: Path) -> None:
    one, three = (
        evaluate_json("-m", float_model, "-m", uint8_model, "-d", portraits / "test", "--threads", threads)
        for threads in (1, 3)
    )
    assert one.pop("command") != three.pop("command")
    assert one == three


def test_the_original_resize_is_another_figure(measured: Any, portraits: Path, uint8_model: Path) -> None:
    found = evaluate_json("-m", uint8_model, "-d", portraits / "test", "--resize", "original", "--no-images")
    assert found["resize"]["name"] == "original"
    (model,) = found["models"]
    assert "images" not in model
    assert model["statistics"]["MAD"]["mean"] != measured[1]["models"][2]["statistics"]["MAD"]["mean"]


def test_an_image_without_an_edge_has_no_band(pairs_folder: Path, uint8_model: Path) -> None:
    cv2.imwrite(str(pairs_folder / "mask" / "p1.png"), np.zeros((90, 72), np.uint8))
    (model,) = evaluate_json("-m", uint8_model, "-d", pairs_folder)["models"]
    assert model["images"]["p1"]["MAD_band"] is None
    assert model["images"]["p1"]["MAD"] > 0
    assert model["statistics"]["MAD_band"]["images"] == 3


def test_no_tensorflow_for_files(portraits: Path, uint8_model: Path) -> None:
    script = f"""
import sys
sys.argv = ['mmnet', 'evaluate', '-m', {str(uint8_model)!r}, '-d', {str(portraits / "test")!r}]
from mmnet.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print(sorted({{'tensorflow', 'keras', 'tf_keras', 'jax'}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_bad_image_is_a_line(pairs_folder: Path, uint8_model: Path, tmp_path: Path) -> None:
    (pairs_folder / "mask" / "p1.png").unlink()
    (pairs_folder / "image" / "p2.png").unlink()
    out = tmp_path / "figures.json"
    done = run("mmnet", "evaluate", "-m", uint8_model, "-d", pairs_folder, "--json", out)
    assert done.returncode == 1
    assert done.stdout == ""
    assert [line.split(": ")[:2] for line in done.stderr.splitlines()] == [
        ["error", str(pairs_folder / "image" / "p1.jpg")],
        ["error", str(pairs_folder / "mask" / "p2.png")],
    ]
    assert not out.exists()


@pytest.mark.parametrize("fault", ["truncated", "missing", "text", "foreign"])
def test_an_unreadable_model(portraits: Path, uint8_model: Path, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "bad.tflite"
    if fault == "truncated":
        path.write_bytes(uint8_model.read_bytes()[:4000])
    elif fault == "text":
        path.write_text("hello")
    elif fault == "foreign":
        path.write_bytes(uint8_model.read_bytes().replace(b"serving_default", b"another_default"))
    line = error_line(run("mmnet", "evaluate", "-m", path, "-d", portraits / "test"))
    assert str(path) in line


def test_what_is_refused_before_any_work(portraits: Path, uint8_model: Path, tmp_path: Path) -> None:
    data = ["-d", portraits / "test"]
    assert "nothing to evaluate" in error_line(run("mmnet", "evaluate", *data))
    assert "no such checkpoint" in error_line(run("mmnet", "evaluate", "--ckpt", tmp_path / "none", *data))
    assert "choose one of" in error_line(run("mmnet", "evaluate", "-m", uint8_model, *data, "--resize", "cubic"))
    assert "--split test" in error_line(run("mmnet", "evaluate", "-m", uint8_model, "-d", portraits))
    empty = tmp_path / "empty"
    (empty / "image").mkdir(parents=True)
    (empty / "mask").mkdir()
    assert "has no photo" in error_line(run("mmnet", "evaluate", "-m", uint8_model, "-d", empty))
    here = ["evaluate", "-m", uint8_model, *data, "--force", "--json", tmp_path]
    assert "is a folder; name a file" in error_line(run("mmnet", *here))
    lost = tmp_path / "no" / "figures.json"
    assert "create it first" in error_line(run("mmnet", "evaluate", "-m", uint8_model, *data, "--json", lost))


def test_results_are_not_replaced_unasked(portraits: Path, uint8_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text("precious")
    command = ["mmnet", "evaluate", "-m", uint8_model, "-d", portraits / "test", "--json", path]
    assert "--force" in error_line(run(*command))
    assert path.read_text() == "precious"
    assert run(*command, "--force").returncode == 0
    assert json.loads(path.read_text())["format"] == "mmnet-evaluation/1"
    assert [entry.name for entry in tmp_path.iterdir()] == ["figures.json"]


def test_no_pipe_is_replaced(portraits: Path, uint8_model: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = run("mmnet", "evaluate", "-m", uint8_model, "-d", portraits / "test", "--json", pipe, "--force")
    assert "is a device or a pipe" in error_line(done)
    assert pipe.is_fifo()


def test_help_has_examples() -> None:
    done = run("mmnet", "evaluate", "--help")
    assert done.returncode == 0
    assert "mmnet evaluate --ckpt latest --data portraits --split test" in done.stdout
