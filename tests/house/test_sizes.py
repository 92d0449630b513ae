"""Modules, functions and folders stay small enough to be read in one sitting."""

from __future__ import annotations

import ast
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from support import ROOT

MODULE_LINES, FUNCTION_LINES, FOLDER_MODULES, COLUMNS = 400, 80, 16, 120
PACKAGES = sorted(entry.resolve() for entry in (ROOT / "src" / "mmnet").iterdir() if entry.is_symlink())
MODULES = sorted(
    path
    for folder in (*PACKAGES, ROOT / "src" / "mmnet", ROOT / "tools", ROOT / "android_demo")
    for path in (folder.glob("*.py") if folder.name in ("mmnet", "android_demo") else folder.rglob("*.py"))
)
SOURCES = sorted((ROOT / "runtime" / "core").glob("*.[ch]"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= MODULE_LINES, "split the module"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_LINES, f"split {node.name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_in_c(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert len(lines) <= MODULE_LINES, "split the source"
    assert max(map(len, lines)) <= COLUMNS, "break long lines"
    depth = start = 0
    for number, line in enumerate(lines):
        if depth == 0:
            start = number
        depth += line.count("{") - line.count("}")
        assert number - start < FUNCTION_LINES, f"split what begins in line {start + 1}"


def test_folders() -> None:
    counts = Counter(path.parent for path in MODULES)
    crowded = {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > FOLDER_MODULES}
    assert not crowded


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda path: path.name)
def test_every_room_says_what_it_is(folder: Path) -> None:
    for init in folder.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(init.read_text())), f"{init.relative_to(ROOT)} has no docstring"


@pytest.mark.parametrize("folder", ["runtime/core", "training/compiled"])
def test_every_file_of_a_library_is_built_from_and_in_the_source_archive(folder: str) -> None:
    """Without one, the installed package has no compiled library, and NumPy or Keras computes in its place."""
    modules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"]
    (module,) = [one for one in modules if one["name"].startswith(f"mmnet.{folder.replace('/', '.')}.")]
    assert {ROOT / name for name in module["sources"]} == {*(ROOT / folder).glob("*.c")}
    assert {ROOT / name for name in module["depends"]} == {*(ROOT / folder).glob("*.h")}
