"""A group of commands that imports the module of a command only when that command is used."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from mmnet.cli.process.interrupts import silent_interrupts

# The settings of every Typer application of this project.
SETTINGS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": "rich"}


def lazy_group(places: Mapping[str, str]) -> type[TyperGroup]:
    """Return the class of a group of commands, for `typer.Typer(cls=…)`.

    Args:
        places: the name of each command → "module:attribute", where the attribute is a function or a `typer.Typer`.
    """

    class LazyGroup(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.commands = _Commands(places)

    return LazyGroup


class _Commands(UserDict[str, Any]):
    """Commands by name. Looking a command up imports its module."""

    def __getitem__(self, name: str) -> Any:
        place = super().__getitem__(name)
        module, _, attribute = place.partition(":")
        with silent_interrupts():
            command = getattr(import_module(module), attribute)
        app = typer.Typer(**SETTINGS)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
        return get_group(app).commands[name]
