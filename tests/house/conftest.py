"""A copy of the sources, to plant faults in that the tools must find."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support import ROOT


@pytest.fixture
def copied_tree(tmp_path: Path) -> Path:
    """Copy `pyproject.toml`, `src` and the packages that it links to."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.egg-info", "site", "litert")
    folders = [entry.resolve() for entry in (ROOT / "src" / "mmnet").iterdir() if entry.is_symlink()]
    for folder in (ROOT / "src", *folders):
        shutil.copytree(folder, tmp_path / folder.relative_to(ROOT), symlinks=True, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path
