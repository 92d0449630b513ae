"""Signals that end a command: Ctrl-C (SIGINT), SIGTERM, and SIGHUP of a terminal that is closed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT  # the exit code, as shells report it

# The signals that end a command as Ctrl-C does, each with an exit code of its own. Windows has no SIGHUP.
_ENDING = tuple(number for name in ("SIGHUP", "SIGTERM") if (number := getattr(signal, name, None)) is not None)

_received: list[int] = []  # the signals of this process


class Termination(KeyboardInterrupt):
    """SIGTERM or SIGHUP. It ends a command as Ctrl-C does, with another exit code."""


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
    """Raise KeyboardInterrupt for SIGINT, SIGTERM and SIGHUP from now on.

    SIGINT and SIGHUP stay ignored where they are: behind a shell, and under `nohup`. Called again, it takes the signals
    back from others.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupt)
    for number in _ENDING:
        if number == signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _terminate)


def exit_code_of_signals() -> int | None:
    """Return the exit code that the signals of this process give; None if there was none."""
    if not _received:
        return None
    return next((128 + number for number in _ENDING if number in _received), INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise Termination
