"""The command `export-tflite`, run as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE, error_line, held, random_checkpoint, run

from mmnet.network.checkpoint import save_checkpoint
from mmnet.network.config import ModelConfig
from mmnet.runtime.tflite.inspection import inspect_model

pytestmark = pytest.mark.slow

CONFIG = ModelConfig(0.35, 64, "half_pixel")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A folder of checkpoints with one run."""
    folder = tmp_path_factory.mktemp("work") / "checkpoints"
    save_checkpoint(random_checkpoint(CONFIG), folder / "run" / "step-7")
    return folder


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_default_is_int8_of_the_latest_checkpoint(checkpoints, photos, tmp_path):
    """Run in the folder around checkpoints/, with one unreadable photo among the readable ones."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for photo in photos.iterdir():
        (folder / photo.name).symlink_to(photo)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "checkpoints").symlink_to(checkpoints)
    result = run("export-tflite", "--ckpt", "latest", "--calibration", "photos", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    name = "run-step-7-64-int8.tflite"
    assert files(tmp_path) == ["checkpoints", "photos", name, f"{name}.recipe.json"]
    said = result.stdout
    assert "the newest in checkpoints" in said
    assert "broken.jpg" in said
    assert "12 photos of photos, 1 unreadable" in said
    assert said.count("✓") == 8
    assert f"mmnet matte photo.jpg --model {name}" in said
    recipe = json.loads((tmp_path / f"{name}.recipe.json").read_text())
    assert recipe["calibration"]["unreadable"] == ["broken.jpg"]
    assert inspect_model(tmp_path / name).inputs[0].dtype == "uint8"

    refused = run("export-tflite", "-o", name, "--calibration", "photos", cwd=tmp_path)
    assert "--force" in error_line(refused)


def test_json_is_all_that_goes_to_stdout_and_mmnet_export_is_the_same_command(checkpoints, tmp_path):
    result = run(
        "mmnet", "export", "--ckpt", checkpoints / "run", "--precision", "float32", "--size", "32", "--json",
        "-o", tmp_path / "m.tflite",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert document["output"] == str(tmp_path / "m.tflite")
    assert document["recipe"]["model"]["size"] == 32
    assert all(check["passed"] for check in document["recipe"]["verification"])
    assert "the highest step, 7, of the run" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--ckpt", "nowhere"], "nowhere"),
        (["--precision", "int4"], "int8, float16"),
        (["--precision", "float16", "--input", "uint8"], "--input float32"),
        (["-o", "absent/m.tflite"], "absent"),
        (["-o", "m.ONNX", "--precision", "dynamic"], "a .onnx has no precision 'dynamic'"),
    ],
)
def test_bad_arguments_are_one_line_and_leave_nothing(tmp_path, arguments, expected):
    assert expected in error_line(run("export-tflite", *arguments, cwd=tmp_path))
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--format", "onnx", "-o", "m.tflite"], "m.tflite: is a name for --format tflite, not onnx"),
        (["--format", "tflite", "-o", "m.mlpackage"], "m.mlpackage: is a name for --format coreml, not tflite"),
        (["-o", "m.mlpackage", "--input", "uint8"], "--input goes with --format tflite, not with coreml"),
    ],
)
def test_options_of_another_format_than_that_of_the_file_are_refused(tmp_path, arguments, expected):
    done = run("export-tflite", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert expected in done.stderr
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "--calibration"),
        (["--size", "100"], "multiple of 16"),
        (["--calibration", "absent"], "absent"),
        (["--calibration", "."], "no photo"),
    ],
)
def test_bad_requests_for_a_good_checkpoint(checkpoints, tmp_path, arguments, expected):
    result = run("export-tflite", "--ckpt-dir", checkpoints, *arguments, cwd=tmp_path)
    assert expected in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr
    assert result.returncode == 1
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    "where",
    ["import mmnet.export.exporter as part; hold(part, '_convert')", "import os; hold(os, 'fsync')"],
    ids=["converting", "writing"],
)
def test_interrupted_it_leaves_nothing(checkpoints, photos, tmp_path, where):
    script = f"{where}\nfrom mmnet.cli.main import export_tflite\nexport_tflite()"
    with held(script, "--ckpt-dir", checkpoints, "--calibration", photos, cwd=tmp_path) as process:
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert errors == ""
    assert files(tmp_path) == []


def test_a_full_disk_leaves_nothing(checkpoints, tmp_path):
    """A limit on the size of files, reached only when the model is written, fails like a full disk."""
    script = """
import resource, signal, sys
from mmnet.export.model import ExportedModel
from mmnet.cli.main import export_tflite
save = ExportedModel.save
def save_on_a_full_disk(self, path, *, force):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    return save(self, path, force=force)
ExportedModel.save = save_on_a_full_disk
export_tflite()
"""
    result = subprocess.run(
        [sys.executable, "-c", script, "--ckpt-dir", checkpoints, "--precision", "float16", "-o", "m.tflite"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert "m.tflite: cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert files(tmp_path) == []


def test_help_shows_examples_and_every_option():
    result = run("export-tflite", "--help")
    for word in ("Examples", "--ckpt-dir", "--precision", "--input", "--size", "--calibration", "--force", "--json"):
        assert word in result.stdout
