"""The install without extras mattes a photo: no TensorFlow anywhere near, and no C compiler."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
from PIL import Image
from skimage.data import astronaut

pytestmark = pytest.mark.slow

ALONE = {"PYTHONPATH": ""}  # the environment must not find a source tree that the tests run from
ROOT = Path(__file__).resolve().parents[2]


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, env=os.environ | environment
    )


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of what the distribution is built from, so that the build leaves nothing in the repository."""
    copy = tmp_path / "source"
    copy.mkdir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.so")
    folders = [entry.resolve() for entry in (ROOT / "src" / "mmnet").iterdir() if entry.is_symlink()]
    for folder in (ROOT / "src", *folders):
        shutil.copytree(folder, copy / folder.relative_to(ROOT), ignore=ignored, symlinks=True)
    for name in ("pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, copy / name)
    return copy


def test_light_install(source: Path, tmp_path: Path, tiny_model: Path) -> None:
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    reached = run(python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", tmp_path / "probe", "flatbuffers")
    if reached.returncode:
        pytest.skip("NO PACKAGE REGISTRY CAN BE REACHED: that the light install works was not tested")
    installed = run(python, "-m", "pip", "install", "--quiet", source, CC="false", CXX="false", **ALONE)
    assert installed.returncode == 0, installed.stderr

    listed = run(python, "-m", "pip", "list", "--format=json", **ALONE)
    packages = {entry["name"].lower() for entry in json.loads(listed.stdout)}
    assert "mmnet" in packages
    assert not packages & {"tensorflow", "keras", "tf-keras", "tf_keras", "tensorflow-model-optimization"}

    where = "import sys; from mmnet.runtime.fullres import is_compiled; sys.exit(is_compiled())"
    assert run(python, "-c", where, **ALONE).returncode == 0, "nothing was compiled"

    photo = tmp_path / "astronaut.png"
    Image.fromarray(astronaut()).save(photo)
    light = run(environment / "bin" / "mmnet", "matte", photo, "--model", tiny_model, **ALONE)
    assert light.returncode == 0, light.stderr
    output = tmp_path / "astronaut-alpha.png"
    with Image.open(output) as alpha:
        assert (alpha.mode, alpha.size) == ("L", (512, 512))

    shipped = run(environment / "bin" / "mmnet", "matte", photo, "-o", tmp_path / "shipped.png", **ALONE)
    assert (shipped.returncode, shipped.stderr) == (0, ""), "the model that ships is in the wheel"

    here = run(
        Path(sys.executable).with_name("mmnet"),
        "matte",
        photo,
        "--model",
        tiny_model,
        "-o",
        tmp_path / "here.png",
    )
    assert here.returncode == 0
    assert (tmp_path / "here.png").read_bytes() == output.read_bytes()

    # After the network: computed with NumPy there, compiled here, the same bytes.
    here_command = Path(sys.executable).with_name("mmnet")
    for command, variables, name in ((environment / "bin" / "mmnet", ALONE, "numpy"), (here_command, {}, "here")):
        composed = run(
            command, "matte", photo, "--background", "teal", "-o", tmp_path / f"{name}-teal.png", **variables
        )
        assert (composed.returncode, composed.stderr) == (0, "")
    assert (tmp_path / "numpy-teal.png").read_bytes() == (tmp_path / "here-teal.png").read_bytes()
