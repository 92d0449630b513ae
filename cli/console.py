"""The terminal that commands write to."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import IO, Any, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from mmnet.cli.process.wording import as_options
from mmnet.text import printable


class SafeConsole(Console):
    """A console on which no text can act as a command to the terminal, whatever the names of files hold."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as `Console.render` does, with escapes in place of characters that are not printable."""
        for segment in super().render(renderable, options):
            safe = segment.control or segment.text.isprintable()
            yield segment if safe else Segment(printable(segment.text, keep="\n"), segment.style)

    def on_broken_pipe(self) -> None:
        """Let the command end by the exception, as after any other output into a closed pipe."""
        raise


ERROR = "[bold red]error:[/]"  # what the line of every error begins with
_WIDE = 1 << 12
_END_SPACES = re.compile(r" +$", re.MULTILINE)
_quiet: list[bool] = []  # holds True if only errors are shown


class _MessageConsole(SafeConsole):
    """A console that shows the library's messages, with options in the place of arguments."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as `SafeConsole.render` does, with the wording of `mmnet.cli.process.wording`."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(as_options(segment.text), segment.style)


class _ErrorConsole(_MessageConsole):
    """A console that prints errors alone."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `Console.print` does what begins with `ERROR`, and nothing else."""
        if objects and isinstance(objects[0], str) and objects[0].startswith(ERROR):
            super().print(*objects, **options)


def show_errors_alone() -> None:
    """Make every message console from now on print errors alone, without progress."""
    _quiet.append(True)


def message_console(*, stderr: bool = True, stream: IO[str] | None = None) -> Console:
    """A console for messages: it neither wraps lines nor colours numbers. With --quiet it prints errors alone.

    Args:
        stderr: whether it writes to standard error, not to standard output.
        stream: where it writes instead.
    """
    if _quiet:
        return _ErrorConsole(file=stream, stderr=stderr, soft_wrap=True, highlight=False, force_terminal=False)
    return _MessageConsole(file=stream, stderr=stderr, soft_wrap=True, highlight=False)


def wide_console(*, stderr: bool = False) -> Console:
    """A console for tables: as wide as the terminal; where there is none, 4096 columns, without spaces at their end."""
    console = SafeConsole(stderr=stderr, highlight=False)
    if console.is_terminal:
        return console
    stream = cast("IO[str]", _Stripping(sys.stderr if stderr else sys.stdout))
    return SafeConsole(file=stream, highlight=False, width=_WIDE)


class _Stripping:
    """A stream that leaves out the spaces at the end of every line, with which rich fills the cells of tables."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(_END_SPACES.sub("", text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def table_width(console: Console) -> int:
    """Return the number of columns that a table may take: those of the terminal, or 4096 where there is none."""
    return console.width if console.is_terminal else _WIDE
