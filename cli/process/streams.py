"""The standard streams of a command, which may be closed, full, of any encoding, or a terminal of no width."""

from __future__ import annotations

import codecs
import contextlib
import errno
import os
import sys
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


class LastingStream:
    """A text stream that loses what it cannot write, such as to a full disk, instead of ending the work.

    Attributes:
        failure: the first error; None if there was none.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.failure: OSError | None = None

    def write(self, text: str) -> int:
        """Write a text, as `io.TextIOBase.write`."""
        with self._lasting():
            self._stream.write(text)
        return len(text)

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
            self._discard_the_rest()
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            self.failure = self.failure or error
            self._discard_the_rest()

    def _discard_the_rest(self) -> None:
        """Send what is still in the buffer, and all that follows, to the null device."""
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


def prepare_streams() -> None:
    """Make the standard streams of this process usable for a command, whatever the caller gave."""
    _open_closed_ones()
    codecs.register_error(ERRORS, _substitute)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)
        setattr(sys, name, LastingStream(stream))
    for variable in ("COLUMNS", "LINES"):
        if not os.environ.get(variable, "1").strip("0 "):  # a width of nothing would show nothing
            del os.environ[variable]


def output_failure() -> OSError | None:
    """Return the error that standard output met; None if all was written."""
    stream = sys.stdout
    with contextlib.suppress(BrokenPipeError, ValueError):
        stream.flush()
    return stream.failure if isinstance(stream, LastingStream) else None


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


def _open_closed_ones() -> None:
    """Open standard streams that are closed on the null device, or the next file that is opened would take their place.

    File descriptors are given out in increasing order, so each one gets its own number again.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - lasts as long as the process


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Return what is written for characters that an encoding lacks: a similar one of ASCII, or an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    characters = error.object[error.start : error.end]
    # Of a lone surrogate the escape is that of JSON, since JSON text goes through here, too.
    shown = (_SUBSTITUTES.get(char) or char.encode("ascii", "backslashreplace").decode() for char in characters)
    return "".join(shown), error.end
