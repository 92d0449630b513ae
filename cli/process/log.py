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
        self._notes: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if record.levelno < logging.WARNING:
            self._console.print(escape(text))
        elif text not in self._notes:  # a folder may be listed several times
            self._notes.add(text)
            self._console.print(f"[yellow]note:[/] {escape(text)}")
