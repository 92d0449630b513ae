"""Markers of mkdocstrings for the public names of a module."""

from __future__ import annotations

import importlib


def public_names(module: str) -> str:
    """Return a directive of mkdocstrings for each name of a module's `__all__`, in alphabetical order.

    Args:
        module: A module's name, for example `mmnet.runtime`.
    """
    names = sorted(importlib.import_module(module).__all__, key=str.lower)
    return "\n\n".join(f"::: {module}.{name}" for name in names)
