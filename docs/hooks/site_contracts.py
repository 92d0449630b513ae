"""The import contracts of pyproject.toml as Markdown."""

from __future__ import annotations

import ast
import re
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
    """Return a table for each contract about layers, highest layer first, with what each package is for.

    The description of a package is the first paragraph of its docstring.
    """
    return "\n\n".join(_table(root, one) for one in contracts(root) if one["type"] == "layers")


def _table(root: Path, contract: dict[str, Any]) -> str:
    lines = [f"**{contract['name']}**", "", "| layer | package | content |", "|---|---|---|"]
    (container,) = contract["containers"]
    for rank, layer in zip(range(len(contract["layers"]), 0, -1), contract["layers"], strict=True):
        for name in (part.strip(" ()") for part in re.split(r"[|:]", layer)):
            module = f"{container}.{name}"
            lines.append(f"| {rank} | `{module}` | {_described(root / 'src', module)} |")
    return "\n".join([*lines, "", _exceptions(contract)]).rstrip()


def rules(root: Path) -> str:
    """Return a list of the contracts that forbid imports."""
    lines = []
    for one in contracts(root):
        if one["type"] != "forbidden":
            continue
        sources = ", ".join(f"`{name}`" for name in one["source_modules"])
        forbidden = ", ".join(f"`{name}`" for name in one["forbidden_modules"])
        lines.append(f"- **{one['name']}.** {sources} must not import {forbidden}. {_exceptions(one)}".rstrip())
    return "\n".join(lines)


def _exceptions(contract: dict[str, Any]) -> str:
    """Return the imports that a contract permits in spite of its rule, as a sentence; "" if there are none."""
    ignored = [f"`{one}`" for one in contract.get("ignore_imports", ())]
    return f"Permitted all the same: {', '.join(ignored)}." if ignored else ""


def _described(source: Path, module: str) -> str:
    path = source.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first, _, _ = docstring.partition("\n\n")
    return " ".join(first.split()).replace("|", "\\|")
