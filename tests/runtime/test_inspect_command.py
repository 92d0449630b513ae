"""The command `mmnet inspect`, run as users run it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_models import matting_model

from mmnet.export.metadata import add_metadata
from mmnet.runtime.tflite.metadata import ModelMetadata

CARD = ModelMetadata(
    name="MMNet-1.0 64 int8",
    description="Portrait matting.",
    version="1.2.3",
    author="The makers",
    licence="Apache-2.0",
    recipe={"checkpoint": {"step": 304500}, "quantization": "int8"},
)


def _inspect(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in an environment in which TensorFlow cannot be imported, as in the light install."""
    program = "import sys; sys.modules['tensorflow'] = None; from mmnet.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-P", "-c", program, "inspect", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={
            "COLUMNS": "100",
            "PATH": "",
            "PYTHONIOENCODING": "utf-8",
            **{name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ},
        },
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inspect") / "mmnet.tflite"
    path.write_bytes(add_metadata(matting_model("uint8"), CARD))
    return path


def test_page(model: Path) -> None:
    run = _inspect(model)
    assert (run.returncode, run.stderr) == (0, "")
    page = re.sub(r" +", " ", run.stdout)
    for line in (
        "MMNet-1.0 64 int8 1.2.3",
        "The makers · Apache-2.0",
        f"· {model.stat().st_size / 1024:.1f} KiB · int8, per-channel",
        "1×64×64×3 uint8 0.00392",
        "serving_default: image → alpha",
        "DEPTHWISE_CONV_2D ×2",
        "parameters 2,129",
        "multiply-adds 2.1 M",
        "XNNPACK 1 partition, 8 of 10 operators; outside: QUANTIZE ×2",
        "checkpoint.step 304500",
        "quantization int8",
    ):
        assert line in page


def test_a_long_recipe_is_summarised(tmp_path: Path) -> None:
    path = tmp_path / "long.tflite"
    provenance = {"recipe": {"name": "fine-tune", "augmentation": {f"option_{index}": index for index in range(200)}}}
    recipe = {"checkpoint": {"name": "mine", "step": 7, "provenance": provenance}, "precision": "int8"}
    path.write_bytes(add_metadata(matting_model("uint8"), replace(CARD, recipe=recipe)))
    verification = [{"name": "weights", "found": "int8"}]
    path.with_name("long.tflite.recipe.json").write_text(json.dumps({**recipe, "verification": verification}))
    summary, whole = _inspect(path).stdout, _inspect(path, "--recipe").stdout
    assert len(summary.splitlines()) < 30
    for words in ("mine, step 7", "recipe fine-tune", "check: weights", "--recipe shows the whole recipe"):
        assert words in summary
        assert "option_123" not in summary
    assert "checkpoint.provenance.recipe.augmentation.option_123" in whole
    assert "verification.weights" in whole
    assert "--recipe shows" not in whole


@pytest.mark.parametrize("value", [None, 5, "text", [], [3], {}, {"name": [], "photos": {}}])
def test_a_recipe_may_hold_anything(tmp_path: Path, value: object) -> None:
    path = tmp_path / "odd.tflite"
    filling = {f"other_{index}": index for index in range(20)}
    keys = ("checkpoint", "precision", "except", "calibration", "ranges", "versions", "verification", "format")
    path.write_bytes(add_metadata(matting_model("uint8"), replace(CARD, recipe=dict.fromkeys(keys, value) | filling)))
    for flags in ((), ("--recipe",), ("--json",)):
        run = _inspect(path, *flags)
        assert (run.returncode, run.stderr) == (0, "")


def test_json_is_all_there_is_on_stdout(model: Path) -> None:
    run = _inspect(model, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    report = json.loads(run.stdout)
    assert report["metadata"]["recipe"] == CARD.recipe
    assert report["metadata"]["licence"] == CARD.licence
    assert report["delegation"] == {"partitions": 1, "delegated": 8, "outside": ["QUANTIZE", "QUANTIZE"]}


def test_model_that_says_nothing_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "plain.tflite"
    path.write_bytes(matting_model("float32"))
    run = _inspect(path)
    assert run.returncode == 0
    assert run.stdout.startswith(str(path)[:60])
    assert "Recipe" not in run.stdout


def test_text_of_a_file_cannot_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "rude.tflite"
    rude = ModelMetadata("\x1b[2J[red]name[/]", "", "", "", "", {"\x1b[31m": "\x07"})
    path.write_bytes(add_metadata(matting_model("uint8"), rude))
    run = _inspect(path)
    assert run.returncode == 0
    assert "\x1b" not in run.stdout
    assert "\x07" not in run.stdout
    assert "[red]name[/]" in run.stdout


@pytest.mark.parametrize("contents", [None, b"", b"\0" * 64, b"\x1c\0\0\0TFL3 cut short"])
@pytest.mark.parametrize("flags", [(), ("--json",)])
def test_bad_input_is_one_line(tmp_path: Path, contents: bytes | None, flags: tuple[str, ...]) -> None:
    path = tmp_path / "bad.tflite"
    if contents is not None:
        path.write_bytes(contents)
    run = _inspect(path, *flags)
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr.startswith(f"error: {path}: ")
    assert run.stderr.count("\n") == 1


def test_help_has_examples() -> None:
    run = _inspect("--help")
    assert run.returncode == 0
    assert "mmnet inspect mmnet-1.0-256-int8.tflite --json" in run.stdout
