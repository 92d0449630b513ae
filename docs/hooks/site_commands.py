"""The command reference as Markdown, made from the typer app."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from textwrap import dedent
from typing import Any

from typer.main import get_command

from mmnet.cli.help import placeholder
from mmnet.cli.main import app


def command_reference() -> str:
    """Return a section for each command: usage, description, arguments, options and examples."""
    return "\n\n".join(_section(path, command) for path, command in all_commands())


def all_commands() -> Iterator[tuple[str, Any]]:
    """Yield the name (`mmnet data check`) and the click command of every command of the app."""
    yield from _below("mmnet", get_command(app))


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield path, command
        return
    for name, child in command.commands.items():
        if not child.hidden:
            yield from _below(f"{path} {name}", child)


def _section(path: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = " ".join([path, "[OPTIONS]" if options else "", *(placeholder(one) for one in arguments)])
    parts = [f"## {path}", f"```\n{usage}\n```", _text(command.help or "")]
    if arguments:
        parts.append(_table("argument", [(f"`{placeholder(one)}`", one) for one in arguments]))
    for panel in dict.fromkeys(one.rich_help_panel for one in options):
        title = "option" if panel is None else f"option ({panel.lower()})"
        rows = [(_names(one), one) for one in options if one.rich_help_panel == panel]
        parts.append(_table(title, rows))
    return "\n\n".join(parts)


def _text(help_text: str) -> str:
    """Return the help of a command as Markdown.

    Typer keeps the lines of a paragraph that begins with \\b. Such a paragraph becomes a title and a block of code.
    """
    blocks = []
    for paragraph in re.split(r"\n\s*\n", help_text.replace("\b\n", "\b").strip()):
        if not paragraph.startswith("\b"):
            blocks.append(_markup(" ".join(paragraph.split())))
            continue
        lines = paragraph.lstrip("\b").split("\n")
        if not lines[0].startswith(" "):
            blocks.append(_markup(lines.pop(0)))
        if lines:
            blocks.append("```\n" + dedent("\n".join(lines)) + "\n```")
    return "\n\n".join(blocks)


def _table(title: str, rows: list[tuple[str, Any]]) -> str:
    lines = [f"| {title} | default | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {_default(one)} | {_cell(_markup(one.help or ''))} |" for name, one in rows]
    return "\n".join(lines)


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=len, reverse=True))
    if option.secondary_opts:
        names += " / " + ", ".join(f"`{name}`" for name in option.secondary_opts)
    return names if option.is_flag else f"{names} <code>{_cell(escape(placeholder(option)))}</code>"


def _default(parameter: Any) -> str:
    shown = getattr(parameter, "show_default", None)
    if parameter.required:
        return "required"
    if isinstance(shown, str):
        return _cell(shown)
    if parameter.default is None or parameter.default is False or callable(parameter.default):
        return ""
    if parameter.default is True:
        return f"`{parameter.opts[0]}`"
    return f"<code>{_cell(escape(str(parameter.default)))}</code>"


def _markup(text: str) -> str:
    """Return text with Rich's markup as Markdown: [b] is bold, [cyan] is code; other brackets are escaped."""
    pieces = re.split(r"\[(b|bold|cyan)\](.*?)\[/\w*\]", text)
    plain = [re.sub(r"[<>\[\]_*]", lambda match: f"\\{match[0]}", piece) for piece in pieces[::3]]
    marked = [
        f"`{words}`" if tag == "cyan" else f"**{words}**" for tag, words in zip(pieces[1::3], pieces[2::3], strict=True)
    ]
    return "".join(piece for pair in zip(plain, [*marked, ""], strict=True) for piece in pair)


def _cell(text: str) -> str:
    return text.replace("|", "&#124;").replace("\n", " ")
