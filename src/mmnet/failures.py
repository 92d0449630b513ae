"""Failures of single items: a command that takes many files turns any exception of one into that item's failure.

`failure_line` is the one place that does it. The traceback goes to the log, at the level DEBUG; `mmnet --debug` shows
it. Worker processes collect their log with `collected_log`, and send it to the process that shows it with `relay`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mmnet.errors import MMNetError
from mmnet.text import one_line, printable

LOG = logging.getLogger("mmnet")
LOG.addHandler(logging.NullHandler())  # a program that does not configure logging sees nothing


def failure_line(error: Exception, item: object = None) -> str:
    """Return the one line that says why an item failed, and log the traceback.

    Args:
        error: any exception.
        item: the name of the item; it begins the line, unless the message names the item already. Characters of it
            that are not printable are shown as escapes.
    """
    name = "" if item is None else str(item)
    LOG.debug("%s failed", printable(name) or "it", exc_info=error)
    reason, shown = reason_of(error), printable(name)
    if not name:
        return one_line(reason)
    reason = reason.replace(name, shown)  # a name may hold the end of a line
    return one_line(reason if shown in reason else f"{shown}: {reason}")


def reason_of(error: Exception) -> str:
    """Return what an exception says, for people: the message of ours, the system's reason, or type and message."""
    if isinstance(error, MMNetError):
        return str(error)
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return f"unexpected {type(error).__name__}: {one_line(str(error))} (mmnet --debug shows where)"


def note(message: str) -> None:
    """Log a note, such as which files of a folder were left out. The command line shows it."""
    LOG.warning("%s", message)


def is_debugging() -> bool:
    """Whether tracebacks are wanted."""
    return LOG.isEnabledFor(logging.DEBUG)


@contextmanager
def collected_log(wanted: bool) -> Iterator[list[str]]:
    """Yield a list that the log goes to meanwhile, tracebacks included; it stays empty unless `wanted`."""
    lines: list[str] = []
    if not wanted:
        yield lines
        return
    handler, level = _Collector(lines), LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.DEBUG)
    try:
        yield lines
    finally:
        LOG.removeHandler(handler)
        LOG.setLevel(level)


def relay(lines: Sequence[str]) -> None:
    """Log what `collected_log` collected in another process."""
    for line in lines:
        LOG.debug("%s", line)


class _Collector(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
