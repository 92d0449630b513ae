"""The log of the library, shown on standard error: notes, steps with --verbose, tracebacks with --debug."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Any

from mmnet.failures import LOG

# Options of every command, which may stand anywhere before `--`: the option -> what it sets.
_OPTIONS = {"--debug": "debug", "--verbose": "verbose", "-v": "verbose", "--quiet": "quiet", "-q": "quiet"}


@dataclass(frozen=True)
class Loudness:
    """The part of the log that is shown.

    Attributes:
        debug: whether tracebacks are shown.
        verbose: whether each step is shown.
        quiet: whether nothing but errors is shown, not even progress.
    """

    debug: bool = False
    verbose: bool = False
    quiet: bool = False


def take_log_options(arguments: list[str]) -> Loudness:
    """Remove the options of the log from the arguments of a command, and return what they say."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given = {_OPTIONS[argument]: True for argument in arguments[:end] if argument in _OPTIONS}
    arguments[:end] = [argument for argument in arguments[:end] if argument not in _OPTIONS]
    return Loudness(**given)


def show_log(loudness: Loudness) -> None:
    """Show the log from now on; with `quiet`, make all consoles print errors alone."""
    if loudness.quiet:
        from mmnet.cli.console import show_errors_alone

        show_errors_alone()
    LOG.addHandler(_Shown())
    usual = logging.ERROR if loudness.quiet else logging.WARNING
    LOG.setLevel(logging.DEBUG if loudness.debug else logging.INFO if loudness.verbose else usual)
    LOG.propagate = False


class _Shown(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._stream = sys.stderr  # of this moment, so that it still writes while `sys.stderr` is redirected
        self._console: Any = None
        self._notes: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        from rich.markup import escape  # most commands log nothing, and rich takes long to load

        from mmnet.cli.console import message_console

        self._console = self._console or message_console(stream=self._stream)
        text = self.format(record)
        if record.levelno < logging.WARNING:
            self._console.print(escape(text))
        elif text not in self._notes:  # a folder may be listed several times
            self._notes.add(text)
            self._console.print(f"[yellow]note:[/] {escape(text)}")
