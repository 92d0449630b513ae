"""A group of commands that imports the module of a command only when that command is used."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

from mmnet.cli.process.interrupts import silent_interrupts
from mmnet.cli.process.values import convert_simply

# The settings of every Typer application of this project.
SETTINGS: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": "rich"}

_Function = TypeVar("_Function", bound=Callable[..., Any])


class PlainCommand(TyperCommand):
    """A command with a help page of `mmnet.cli.help`, whose plain values are converted without pydantic."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, as `typer.core.TyperCommand.get_params`."""
        return convert_simply(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page."""
        _print_help(self, ctx)


class PlainGroup(TyperGroup):
    """A group of commands with a help page of `mmnet.cli.help`, whose plain values are converted without pydantic."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, as `typer.core.TyperGroup.get_params`."""
        return convert_simply(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help page."""
        _print_help(self, ctx)


def _print_help(command: Any, ctx: Any) -> None:
    from mmnet.cli.console import SafeConsole  # rich, which only help pages and messages need
    from mmnet.cli.help import print_help

    print_help(SafeConsole(highlight=False), command, ctx)


class Application(typer.Typer):
    """A Typer application with the settings of this project, whose commands have the help pages of `mmnet.cli.help`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"cls": PlainGroup, **SETTINGS, **options})

    def command(self, name: str | None = None, **options: Any) -> Callable[[_Function], _Function]:
        """Return a decorator that adds a function as a command; see `typer.Typer.command`."""
        return super().command(name, **{"cls": PlainCommand, **options})


@dataclass(frozen=True)
class Place:
    """The place of a command, which is imported only when the command is used.

    Attributes:
        target: "module:attribute", where the attribute is a function or a `typer.Typer`.
        summary: the first paragraph of the command's help, which `mmnet --help` shows.
    """

    target: str
    summary: str


def lazy_group(places: Mapping[str, Place]) -> type[PlainGroup]:
    """Return the class of a group of commands, for `typer.Typer(cls=…)`.

    Args:
        places: the name of each command → its place.
    """

    class LazyGroup(PlainGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.commands = _Commands(places)

        def format_help(self, ctx: Any, formatter: Any) -> None:
            """Print the help page without importing any command."""
            imported, self.commands = self.commands, _stand_ins(places)
            try:
                super().format_help(ctx, formatter)
            finally:
                self.commands = imported

    return LazyGroup


def _stand_ins(places: Mapping[str, Place]) -> dict[str, Any]:
    """Return commands that only have a name and a summary."""
    return {name: TyperCommand(name, help=place.summary) for name, place in places.items()}


class _Commands(UserDict[str, Any]):
    """Commands by name. Looking a command up imports its module."""

    def __getitem__(self, name: str) -> Any:
        place = super().__getitem__(name)
        module, _, attribute = place.target.partition(":")
        with silent_interrupts():
            command = getattr(import_module(module), attribute)
        app = Application()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
        return get_group(app).commands[name]
