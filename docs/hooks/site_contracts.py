"""The import contracts of pyproject.toml as Markdown."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any


def contracts(root: Path) -> list[dict[str, Any]]:
    """Return the contracts that import-linter checks.

    Args:
        root: The folder that holds pyproject.toml.
    """
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def layers(root: Path) -> str:
    """Return a table of the layers, highest first, with what each package is for.

    The description of a package is the first line of its docstring.
    """
    (contract,) = (one for one in contracts(root) if one["type"] == "layers")
    lines = ["| layer | package | content |", "|---|---|---|"]
    for rank, layer in zip(range(len(contract["layers"]), 0, -1), contract["layers"], strict=True):
        for name in (part.strip() for part in layer.split("|")):
            lines.append(f"| {rank} | `mmnet.{name}` | {_described(root / 'src' / 'mmnet', name)} |")
    return "\n".join(lines)


def rules(root: Path) -> str:
    """Return a list of the contracts that forbid imports."""
    lines = []
    for one in contracts(root):
        if one["type"] != "forbidden":
            continue
        sources = ", ".join(f"`{name}`" for name in one["source_modules"])
        forbidden = ", ".join(f"`{name}`" for name in one["forbidden_modules"])
        lines.append(f"- **{one['name']}.** {sources} must not import {forbidden}.")
    return "\n".join(lines)


def _described(package: Path, name: str) -> str:
    file = package / name / "__init__.py"
    if not file.is_file():
        file = package / f"{name}.py"
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first, _, _ = docstring.partition("\n\n")
    return " ".join(first.split()).replace("|", "\\|")
