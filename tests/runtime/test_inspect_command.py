"""The command `mmnet inspect`, run as users run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
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
        env={"COLUMNS": "100", "PATH": "", "PYTHONIOENCODING": "utf-8"},
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
    assert "mmnet inspect mmnet.tflite --json" in run.stdout
