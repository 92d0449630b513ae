"""Directives of mkdocstrings for the public names of a module."""

from __future__ import annotations

import importlib
import inspect

# Titles of sections for modules whose own name says too little.
TITLES = {"mmnet.network.resolve": "Checkpoints", "mmnet.runtime": "Matting"}


def public_names(module: str) -> str:
    """Return a directive for each name of a module's `__all__`.

    A package whose names live in several modules, by its table `_HOMES`, gets a section for each of these modules: a
    title, then the first paragraph of its docstring.

    Args:
        module: The name of a module, for example `mmnet.runtime`.
    """
    loaded = importlib.import_module(module)
    names = sorted(loaded.__all__, key=str.lower)
    homes: dict[str, str] | None = getattr(loaded, "_HOMES", None)
    if homes is None:
        return _directives(module, names)
    sections = []
    for home in sorted(set(homes.values())):
        first, _, _ = (inspect.getdoc(importlib.import_module(home)) or "").partition("\n\n")
        title = TITLES.get(home, home.rpartition(".")[2].capitalize())
        sections.append(f"## {title}\n\n{first}\n\n{_directives(module, [one for one in names if homes[one] == home])}")
    return "\n\n".join(sections)


def _directives(module: str, names: list[str]) -> str:
    return "\n\n".join(f"::: {module}.{name}" for name in names)
