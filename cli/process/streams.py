"""The standard streams of a command, which may be closed, full, of any encoding, or a terminal of no width."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import shutil
import sys
from pathlib import Path
from typing import IO, Any, cast

from mmnet.text import ascii_json, printable

ERRORS = "mmnet-printable"
_SUBSTITUTES = {
    "✓": "ok",
    "✗": "x",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "→": "->",
    "·": "|",
    "±": "+-",
    "α": "alpha",
    "Δ": "d",
    "σ": "sigma",
    "≈": "~",
    "≤": "<=",
}


_guarded: dict[str, Any] = {}  # the standard output of this process, once it is guarded
_closed: set[int] = set()  # the standard streams that were closed when the process began


class LastingStream:
    """A text stream that loses what it cannot write, such as to a full disk, instead of ending the work.

    Attributes:
        failure: the first error; None if there was none.
        is_closed_pipe: whether nobody reads the other end any more.
    """

    def __init__(self, stream: IO[str], *, closed: bool = False) -> None:
        """Guard a stream.

        Args:
            stream: the stream.
            closed: whether it was closed when the process began, so that what is written is lost.
        """
        self._stream, self._closed = stream, closed
        self.failure: OSError | None = None
        self.is_closed_pipe = False

    def write(self, text: str) -> int:
        """Write a text, as `io.TextIOBase.write`."""
        with self._lasting():
            if self._closed and text:
                raise OSError(errno.EBADF, "it is closed")
            self._stream.write(text)
        return len(text)

    def write_file(self, path: Path) -> None:
        """Write the bytes of a file."""
        with self._lasting():
            if self._closed:
                raise OSError(errno.EBADF, "it is closed")
            self._stream.flush()
            with path.open("rb") as file:
                shutil.copyfileobj(file, cast("Any", self._stream).buffer)
            cast("Any", self._stream).buffer.flush()

    def flush(self) -> None:
        """Flush the stream."""
        with self._lasting():
            self._stream.flush()

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _lasting(self) -> Any:
        try:
            yield
        except BrokenPipeError:
            self.is_closed_pipe = True
            self._discard_the_rest()
            raise
        except OSError as error:
            self.failure = self.failure or error
            self._discard_the_rest()

    def _discard_the_rest(self) -> None:
        """Send what is still in the buffer, and all that follows, to the null device."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def open_closed_streams() -> None:
    """Open standard streams that are closed on the null device, or the next file that is opened would take their place.

    File descriptors are given out in increasing order, so each one gets its own number again.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            _closed.add(number)
            os.open(os.devnull, mode)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lasts as long as the process


def guard_streams() -> None:
    """Make standard output and standard error take any text, whatever their encoding, and outlast a full disk.

    A width or height of the terminal of 0, with which nothing would show, is forgotten.
    """
    codecs.register_error(ERRORS, _substitute)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)
        setattr(sys, name, LastingStream(stream, closed=name == "stdout" and 1 in _closed))
    _guarded["stdout"] = sys.stdout
    for variable in ("COLUMNS", "LINES"):
        if not os.environ.get(variable, "1").strip("0 "):
            del os.environ[variable]


def finish_output() -> tuple[OSError | None, bool]:
    """Flush standard output; return the error that it met, if any, and whether it is a pipe that nobody reads."""
    stream = _guarded.get("stdout")  # typer puts another one in its place when a pipe breaks
    if stream is None:
        return None, False
    with contextlib.suppress(BrokenPipeError, ValueError):
        stream.flush()
    return stream.failure, stream.is_closed_pipe


def output_fails() -> bool:
    """Whether standard output could not be written so far, though it was open at the start."""
    return 1 not in _closed and getattr(sys.stdout, "failure", None) is not None


def is_closed(number: int) -> bool:
    """Whether a standard stream (0, 1 or 2) was closed when the process began."""
    return number in _closed


def echo_file(path: Path) -> None:
    """Write the bytes of a file to standard output."""
    stream = sys.stdout
    if isinstance(stream, LastingStream):
        stream.write_file(path)
        return
    stream.flush()
    with path.open("rb") as file:
        shutil.copyfileobj(file, cast("IO[bytes]", stream.buffer))


def echo_json(text: str) -> None:
    """Print JSON text on standard output, in whatever encoding it has."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        text = ascii_json(text)
    echo(text)


def echo_path(path: object) -> None:
    """Print a path on standard output: its bytes for a program, without control characters on a terminal."""
    text = str(path)
    if is_closed(1):  # the file itself is not lost
        return
    if sys.stdout.isatty() or not hasattr(sys.stdout, "buffer"):
        echo(printable(text))
        return
    sys.stdout.flush()
    buffer = cast("IO[bytes]", sys.stdout.buffer)
    buffer.write(os.fsencode(text) + b"\n")
    sys.stdout.flush()


def echo(text: str) -> None:
    """Print a text and a line feed on standard output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for characters that an encoding lacks: a similar one of ASCII, or an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    # Of a lone surrogate the escape is that of JSON, since JSON text goes through here, too.
    shown = (_SUBSTITUTES.get(char) or char.encode("ascii", "backslashreplace").decode() for char in characters)
    return "".join(shown), error.end
