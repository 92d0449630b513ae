"""The Python in the documentation is valid, and the names that it takes from this project exist."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

import mmnet

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def complaints(program: str) -> Iterator[str]:
    """Names that do not exist, and arguments that a public function does not have."""
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mmnet"):
            module = importlib.import_module(node.module or "")
            yield from (f"{node.module}.{one.name}" for one in node.names if one.name not in module.__all__)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mmnet":
            if node.attr not in mmnet.__all__:
                yield f"mmnet.{node.attr}"
        elif isinstance(node, ast.Call) and (called := public(node.func)) is not None:
            known = accepted(called)
            name = ast.unparse(node.func)
            yield from (f"{name}({one.arg}=…)" for one in node.keywords if one.arg is not None and one.arg not in known)


def accepted(function: Any) -> set[str]:
    """The names of a function's arguments. `mmnet.train` also takes the fields of its options."""
    fields = {field.name for field in dataclasses.fields(mmnet.TrainingOptions)} if function is mmnet.train else set()
    return fields | set(inspect.signature(function).parameters)


def public(function: ast.expr) -> Any | None:
    """The function or class of `mmnet` that an expression names; None if it names another thing."""
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    owner = ast.unparse(function.value) if isinstance(function, ast.Attribute) else "mmnet"
    return getattr(mmnet, name) if owner == "mmnet" and name in mmnet.__all__ else None


def blocks(page: Path) -> list[str]:
    """The Python blocks of a page."""
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)], ids=lambda page: str(page.relative_to(ROOT)))
def test_python_blocks(page: Path) -> None:
    assert not [found for block in blocks(page) for found in complaints(block)]


@pytest.mark.parametrize(
    "program",
    ["import mmnet\nmmnet.exprot()", "from mmnet.runtime import Steadier", "mmnet.PortraitMatter(profil='fast')"],
)
def test_this_check_finds_faults(program: str) -> None:
    assert list(complaints(program))
