"""The terminal that commands write to."""

from __future__ import annotations

import sys

from rich.console import Console

_WIDE = 1 << 12


def message_console(*, stderr: bool = True, capture: bool = False) -> Console:
    """A console for messages: it neither wraps lines nor colours numbers.

    Args:
        stderr: whether it writes to standard error, not to standard output.
        capture: whether it keeps the stream of this moment, so that it still writes while `sys.stderr` is redirected.
    """
    stream = (sys.stderr if stderr else sys.stdout) if capture else None
    return Console(file=stream, stderr=stderr, soft_wrap=True, highlight=False)


def wide_console(*, stderr: bool) -> Console:
    """A console for tables: as wide as the terminal, and 4096 columns wide where there is no terminal."""
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)


def table_width(console: Console) -> int:
    """Return the number of columns that a table may take: those of the terminal, or 4096 where there is none."""
    return console.width if console.is_terminal else _WIDE
