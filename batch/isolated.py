"""A function in an isolated process: a crash there does not end the caller's process."""

from __future__ import annotations

import multiprocessing
import pickle
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Generic, ParamSpec, TypeVar

import cv2

from mmnet.batch.errors import BatchError
from mmnet.closing import Closing

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_CLOSE_SECONDS = 5.0  # that a process has to end by itself
_START_SECONDS = 120.0  # that a new process may take until its function is built, where calls have a timeout


class ProcessDiedError(BatchError):
    """The process ended during a call: it was killed, ran out of memory, or crashed."""


class ProcessTimeoutError(ProcessDiedError):
    """The call took too long, and the process was killed."""


class IsolatedProcess(Closing, Generic[Arguments, Result]):
    """A function that is built and called in another process.

    The process starts with the first call, and starts again with the call after its death. Arguments, results and
    exceptions are pickled.

    Attributes:
        timeout: seconds that a call may take; None sets no limit. The start of a new process does not count.
    """

    def __init__(self, build: Callable[..., Callable[Arguments, Result]], *arguments: object) -> None:
        """Prepare the process.

        Args:
            build: called once in every new process; returns the function.
            arguments: the arguments of `build`.
        """
        self.timeout: float | None = None
        self._build = build
        self._arguments = arguments
        self._process: Any = None
        self._connection: Connection | None = None
        self._built = False

    def __call__(self, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        """Call the function.

        Raises:
            ProcessTimeoutError: the call took longer than the timeout, or the process did not start.
            ProcessDiedError: the process died.
            Exception: what `build` or the function raised.
        """
        if self._process is not None and not self._process.is_alive():  # it died while it had nothing to do
            self.close()
        connection = self._connection or self._start()
        if not self._built:
            # Not as arguments of the process: to start it would never end if it died before it read them.
            seconds = max(self.timeout, _START_SECONDS) if self.timeout else None
            self._exchange(connection, (self._build, self._arguments), seconds)
            self._built = True
        result: Result = self._exchange(connection, (arguments, options), self.timeout)
        return result

    def _exchange(self, connection: Connection, message: tuple[Any, Any], seconds: float | None) -> Any:
        """Send a message to the process, and return its answer; see `__call__` for what is raised.

        Args:
            connection: leads to the process.
            message: what `_serve` reads.
            seconds: how long the answer may take; None sets no limit.
        """
        late = threading.Event()
        watch = threading.Timer(seconds, self._end_late_call, [late, self._process]) if seconds else None
        try:
            if watch is not None:
                watch.start()
            connection.send(message)
            succeeded, answer = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            if late.is_set():
                raise ProcessTimeoutError(f"took longer than {seconds:g} seconds") from error
            raise ProcessDiedError(
                "crashed the process that worked on it, or needed more memory than there is"
            ) from error
        finally:
            if watch is not None:
                watch.cancel()
        if not succeeded:
            raise answer
        return answer

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
            self._process.join(_CLOSE_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
            self._process.close()
            self._process = self._connection = None
            self._built = False

    @staticmethod
    def _end_late_call(late: threading.Event, process: Any) -> None:
        """Kill a process that does not answer, so that sending to it and receiving from it end."""
        late.set()
        with suppress(ValueError):  # it was closed meanwhile
            process.kill()

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        connection, other = context.Pipe()
        process = context.Process(target=_serve, args=(other,), daemon=True)
        process.start()
        other.close()  # the process holds its end; with this copy open its death would go unnoticed
        self._connection, self._process = connection, process
        return connection


def _serve(connection: Connection) -> None:
    """Answer messages in the new process until the other end of the connection is closed.

    The first message is the builder of the function and its arguments, until a function is built; each further one is
    the positional and the named arguments of a call. An answer is whether that succeeded, and the result or exception.
    """
    cv2.setNumThreads(1)  # the process replaces a worker, which has one core
    function: Callable[..., Any] | None = None
    answer: tuple[bool, Any]
    with suppress(EOFError, OSError):
        while True:
            first, second = connection.recv()
            try:
                if function is None:
                    function, answer = first(*second), (True, None)
                else:
                    answer = (True, function(*first, **second))
            except Exception as error:
                answer = (False, _picklable(error))
            connection.send(answer)


def _picklable(error: Exception) -> Exception:
    """Return the exception with its traceback as a note; a `BatchError` with its text where it cannot be pickled."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the exception's own code raises
        return BatchError(f"{type(error).__name__}: {error}")
    return error
