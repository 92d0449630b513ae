"""Help pages that lose nothing on a narrow terminal: no name is cut, and a long name gets a line of its own.

Typer's own pages cut the names of options where the terminal is narrow, and words that are longer than their column.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

_NAME_WIDTH = 30  # columns; longer names get a line of their own
_HELP_WIDTH = 44  # columns; with fewer, the help of each option comes below its name
_PLACEHOLDERS = {
    "int": "N",
    "integer": "N",
    "integer range": "N",
    "float": "X",
    "float range": "X",
    "Path": "PATH",
    "str": "TEXT",
}


def print_help(console: Console, command: Any, ctx: Any) -> None:
    """Print the help page of a command or of a group: usage, description, arguments, options, commands.

    Args:
        console: where it is printed; its width decides the layout.
        command: the command or group of typer.
        ctx: its context.
    """
    console.print(Padding(Text(command.get_usage(ctx).strip(), "bold"), 1))
    if command.help:
        console.print(Padding(Text.from_markup(_description(command.help)), (0, 1, 1, 1)))
    for title, rows in _sections(command, ctx):
        console.print(Panel(_rows(rows, console.width - 4), title=title, title_align="left", border_style="dim"))


def parameter_names(parameter: Any) -> str:
    """Return the names of an option with its placeholder (`--data, -d DIR`), or the placeholder of an argument."""
    if parameter.param_type_name == "argument":
        return placeholder(parameter)
    names = ", ".join(sorted(parameter.opts, key=len, reverse=True))
    if parameter.secondary_opts:
        names += " / " + ", ".join(parameter.secondary_opts)
    return names if parameter.is_flag else f"{names} {placeholder(parameter)}"


def placeholder(parameter: Any) -> str:
    """Return the word that stands for the value of a parameter: its metavar, or one made from its type."""
    if parameter.metavar:
        return str(parameter.metavar)
    # Typer keeps the type of a parameter as an annotation; its versions that stand on click, as a click type.
    annotation = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    name = str(getattr(annotation, "__name__", "") or getattr(getattr(parameter, "type", None), "name", ""))
    return _PLACEHOLDERS.get(name, name.upper())


def _sections(command: Any, ctx: Any) -> Iterator[tuple[str, list[tuple[str, Text]]]]:
    """Yield the title and the rows of every panel that has rows."""
    panels: dict[str, list[tuple[str, Text]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        if not parameter.hidden:
            kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
            title = getattr(parameter, "rich_help_panel", None) or kind
            panels.setdefault(title, []).append((parameter_names(parameter), _help(parameter, ctx)))
    if isinstance(command, TyperGroup):
        panels["Commands"] = [
            (name, Text.from_markup(_first_paragraph(child.help or "")))
            for name in command.list_commands(ctx)
            if (child := command.get_command(ctx, name)) is not None and not child.hidden
        ]
    return ((title, rows) for title, rows in panels.items() if rows)


def _help(parameter: Any, ctx: Any) -> Text:
    """Return the help of a parameter, and its default, range and whether it is required, dim and in brackets."""
    written = parameter.help or ""
    record = parameter.get_help_record(ctx)
    more = record[1].removeprefix(written).strip() if record else ""
    text = Text.from_markup(" ".join(written.split()))
    return text.append(f" {more}" if written and more else more, "dim")


def _description(text: str) -> str:
    """Return a description whose paragraphs are one line each, so that the terminal's width alone wraps them.

    The lines of paragraphs that begin with a backspace, such as lists of examples, stay as they are.
    """
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        part.replace("\b\n", "") if part.startswith("\b\n") else " ".join(part.split()) for part in paragraphs
    )


def _first_paragraph(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split("\n\n")[0].split())


def _rows(rows: Sequence[tuple[str, Text]], width: int) -> RenderableType:
    """Return names and help in two columns; where the terminal is too narrow for that, the help below each name."""
    column = max((len(name) for name, _ in rows if len(name) <= _NAME_WIDTH), default=0)
    if width - column - 2 < _HELP_WIDTH:
        parts: list[RenderableType] = []
        for name, text in rows:
            parts += [Text(name, "bold cyan", overflow="fold"), Padding(text, (0, 0, 0, 4))]
        return Group(*parts)
    blocks: list[RenderableType] = []
    for name, text in rows:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
        table.add_column(width=column, no_wrap=True)
        table.add_column(overflow="fold")
        fits = len(name) <= column
        table.add_row(Text(name if fits else "", "bold cyan"), text)
        blocks += [table] if fits else [Text(name, "bold cyan", overflow="fold"), table]
    return Group(*blocks)
