"""Type checkers and import-linter see the package through `src/mmnet`, and find faults that are planted in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

TYPE_ERROR = '"""Planted."""\n\nfrom mmnet.runtime import read_photo\n\nwrong: int = read_photo("photo.jpg")\n'


def tool(tree: Path, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment on a tree, as its developer would from the tree's root."""
    return subprocess.run(
        [str(Path(sys.executable).with_name(name)), *arguments],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree / "src"), "MYPYPATH": str(tree / "src"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_are_kept() -> None:
    done = tool(ROOT, "lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        ("runtime/imaging", "from mmnet.evaluation import metrics", "Imports go one way"),
        ("runtime/video", "import rich", "The runtime needs NumPy, OpenCV and LiteRT alone"),
        ("evaluation", "import tensorflow", "Evaluation does not need TensorFlow"),
        ("export", "import typer", "The command line alone knows typer and rich"),
    ],
)
def test_a_planted_import_is_refused(copied_tree: Path, module: str, statement: str, contract: str) -> None:
    (copied_tree / module / "planted.py").write_text(f'"""Planted."""\n\n{statement}\n')
    done = tool(copied_tree, "lint-imports", "--no-cache", "--contract", CONTRACTS[contract])
    assert done.returncode == 1
    assert f"{contract} BROKEN" in done.stdout
    assert "planted" in done.stdout


CONTRACTS = {
    "Imports go one way": "layers",
    "The runtime needs NumPy, OpenCV and LiteRT alone": "runtime-is-light",
    "Evaluation does not need TensorFlow": "evaluation-is-light",
    "The command line alone knows typer and rich": "library-does-not-print",
}


def test_mypy_finds_a_planted_error(copied_tree: Path) -> None:
    (copied_tree / "runtime" / "planted.py").write_text(TYPE_ERROR)
    done = tool(copied_tree, "mypy", "-p", "mmnet.runtime")
    assert done.returncode == 1
    assert done.stdout.count("error:") == 1
    assert "planted.py:5: error: Incompatible types in assignment" in done.stdout


@pytest.mark.slow
def test_mypy_checks_more_than_the_package(copied_tree: Path) -> None:
    """`mypy` without arguments checks the scripts, the examples and tests, too."""
    for name in ("tools", "examples", "tests"):
        shutil.copytree(ROOT / name, copied_tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    planted = [f"{folder}/planted_{index}.py" for index, folder in enumerate(("tools", "examples", "tests/benchmark"))]
    for name in planted:
        (copied_tree / name).write_text(TYPE_ERROR)
    done = tool(copied_tree, "mypy")
    assert done.returncode == 1
    for name in planted:
        assert f"{name}:5: error: Incompatible types in assignment" in done.stdout


def test_pyright_finds_a_planted_error(copied_tree: Path) -> None:
    (copied_tree / "runtime" / "planted.py").write_text(TYPE_ERROR)
    planted = str(copied_tree / "src" / "mmnet" / "runtime" / "planted.py")
    done = tool(copied_tree, "basedpyright", "--level", "error", "--pythonpath", sys.executable, planted)
    assert done.returncode == 1
    assert "planted.py:5:14 - error" in done.stdout
    assert "1 error" in done.stdout


@pytest.mark.slow
def test_the_development_install_resolves_the_package(copied_tree: Path) -> None:
    """`pip install -e .` makes `mmnet` importable, and mypy and grimp find all of it without any path."""
    (copied_tree / "README.md").write_text("Copied for a test.\n")
    (copied_tree / "LICENSE").write_text("Copied for a test.\n")
    environment = copied_tree / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin" / "python"
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", "--no-deps", "-e", copied_tree],
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, installed.stderr
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    checked = subprocess.run(
        [str(Path(sys.executable).with_name("mypy")), "--python-executable", str(python), "-p", "mmnet.network"],
        cwd=environment,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Can't find package" not in checked.stdout + checked.stderr
    origin = subprocess.run(
        [python, "-c", "import mmnet; print(mmnet.__file__)"],
        cwd=environment,
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(origin.stdout.strip()) == copied_tree / "src" / "mmnet" / "__init__.py"


@pytest.mark.parametrize("folder", sorted(entry for entry in (ROOT / "src" / "mmnet").iterdir() if entry.is_symlink()))
def test_a_folder_cannot_be_imported_beside_the_package(folder: Path) -> None:
    """From the root, `import runtime` would load every class a second time."""
    statement = f"import {folder.resolve().name}"
    done = subprocess.run([sys.executable, "-c", statement], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"ImportError: import mmnet.{folder.name}: this folder is a package of mmnet" in done.stderr
