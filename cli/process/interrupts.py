"""Signals that end a command: Ctrl-C (SIGINT) and SIGTERM."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT  # the exit code, as shells report it
TERMINATED = 128 + signal.SIGTERM

_received: list[int] = []  # the signals of this process


class Termination(KeyboardInterrupt):
    """SIGTERM. It ends a command as Ctrl-C does, with another exit code."""


@contextmanager
def silent_interrupts() -> Iterator[None]:
    """Let Ctrl-C end the process at once and without a word while the context lasts, which is for imports.

    An exception in the middle of an import gives tracebacks from within other packages.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    if before in (signal.SIG_IGN, None):  # of a shell that runs the command behind, or of a host that is not Python
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def handle_signals() -> None:
    """Raise KeyboardInterrupt for SIGINT and for SIGTERM from now on. Called again, it takes them back from others."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _terminate)


def exit_code_of_signals() -> int | None:
    """Return the exit code that the signals of this process give; None if there was none."""
    if not _received:
        return None
    return TERMINATED if signal.SIGTERM in _received else INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Termination
