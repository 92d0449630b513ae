"""The comparison of input sizes, tools/accuracy/input_sizes.py."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from support import ROOT, random_checkpoint

from mmnet.benchmark.latency import Ratio
from mmnet.export.verify import probe_images
from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig


@pytest.fixture(scope="module")
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("input_sizes", ROOT / "tools" / "accuracy" / "input_sizes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_command_measures_and_draws_every_size(
    tool: Any, tiny_files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, images in (("image", probe_images(64, 4)), ("mask", probe_images(64, 4)[..., :1])):
        (tmp_path / "sets" / "portraits" / kind).mkdir(parents=True)
        for index, image in enumerate(images):
            path = tmp_path / "sets" / "portraits" / kind / f"{index}.png"
            assert cv2.imwrite(str(path), np.ascontiguousarray(image))
    save_checkpoint(random_checkpoint(ModelConfig(0.35, 32), seed=1), tmp_path / "mine")
    arguments = [str(tmp_path / "mine"), str(tmp_path / "out"), "--data", str(tmp_path / "sets"), "--sets", "portraits"]
    arguments += ["--other", str(tiny_files / "uint8.tflite"), "--sizes", "48,32", "--fits", "stretch", "--runs", "3"]
    arguments += ["--calibration", str(tmp_path / "sets" / "portraits" / "image")]
    tool.main(arguments)
    shown = capsys.readouterr().out
    evaluation = json.loads((tmp_path / "out" / "portraits-stretch.json").read_text())
    assert [model["size"] for model in evaluation["models"]] == [48, 32, 64]
    rows = re.findall(r"^\| (\S+) \|", shown, re.MULTILINE)
    assert rows == ["---", "mine-48-int8", "mine-32-int8", "uint8"]
    assert "</svg>" in (tmp_path / "out" / "accuracy-latency.svg").read_text()
    before = (tmp_path / "out" / "latency.json").stat().st_mtime_ns
    tool.main(arguments)
    assert capsys.readouterr().out == shown
    assert (tmp_path / "out" / "latency.json").stat().st_mtime_ns == before  # nothing is measured twice


def test_what_is_better_is_bold(tool: Any) -> None:
    def model(name: str, *values: float) -> dict[str, Any]:
        return {
            "name": name,
            "statistics": {figure: {"mean": value} for figure, value in zip(tool.FIGURES, values, strict=True)},
        }

    models = [model("all", 0.1, 0.1, 0.1), model("some", 0.1, 0.3, 0.1), model("other", 0.2, 0.2, 0.2)]
    ratios = {one["name"]: Ratio(0.5, 0.4, 0.6, 9) for one in models}
    shown = tool.table({"a": models, "b": models}, ratios).splitlines()
    assert shown[2] == "| all | 0.50 (0.40–0.60) |" + " **0.10000** / **0.10000** / **0.10000** |" * 2
    assert shown[3] == "| some | 0.50 (0.40–0.60) |" + " **0.10000** / 0.30000 / **0.10000** |" * 2
    assert shown[4] == "| other | 0.50 |" + " 0.20000 / 0.20000 / 0.20000 |" * 2
    assert shown[-1] == "Better than other in every column: all"
