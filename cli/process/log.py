"""The log of the library, shown on standard error: notes always, tracebacks with --debug."""

from __future__ import annotations

import logging

from rich.markup import escape

from mmnet.cli.console import message_console
from mmnet.failures import LOG

OPTION = "--debug"


def take_debug_option(arguments: list[str]) -> bool:
    """Remove --debug from the arguments of a command, wherever it stands before `--`; return whether it was there."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = OPTION in arguments[:end]
    arguments[:end] = [argument for argument in arguments[:end] if argument != OPTION]
    return given


def show_log(debug: bool) -> None:
    """Show the log from now on.

    Args:
        debug: whether tracebacks are shown.
    """
    LOG.addHandler(_Shown())
    LOG.setLevel(logging.DEBUG if debug else logging.WARNING)
    LOG.propagate = False


class _Shown(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._console = message_console(capture=True)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        mark = "[yellow]note:[/] " if record.levelno >= logging.WARNING else ""
        self._console.print(f"{mark}{escape(text)}")
