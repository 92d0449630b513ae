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


class ProcessDiedError(BatchError):
    """The process ended during a call: it was killed, ran out of memory, or crashed."""


class ProcessTimeoutError(ProcessDiedError):
    """The call took too long, and the process was killed."""


class IsolatedProcess(Closing, Generic[Arguments, Result]):
    """A function that is built and called in another process.

    The process starts with the first call, and starts again with the call after its death. Arguments, results and
    exceptions are pickled.

    Attributes:
        timeout: seconds that a call may take; None sets no limit.
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

    def __call__(self, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        """Call the function.

        Raises:
            ProcessTimeoutError: the call took longer than the timeout.
            ProcessDiedError: the process died.
            Exception: what `build` or the function raised.
        """
        if self._process is not None and not self._process.is_alive():  # it died while it had nothing to do
            self.close()
        is_new = self._connection is None
        connection = self._connection or self._start()
        late = threading.Event()
        watch = threading.Timer(self.timeout, self._end_late_call, [late, self._process]) if self.timeout else None
        try:
            if watch is not None:
                watch.start()
            if is_new:  # not as arguments of the process: to start it would never end if it died before it read them
                connection.send((self._build, self._arguments))
            connection.send((arguments, options))
            answer = connection.recv()
        except (EOFError, OSError) as error:
            self.close()
            if late.is_set():
                raise ProcessTimeoutError(f"took longer than {self.timeout:g} seconds") from error
            raise ProcessDiedError(
                "crashed the process that worked on it, or needed more memory than there is"
            ) from error
        finally:
            if watch is not None:
                watch.cancel()
        succeeded, result = answer
        if not succeeded:
            raise result
        value: Result = result
        return value

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
    """Answer calls in the new process until the other end of the connection is closed."""
    cv2.setNumThreads(1)  # the process replaces a worker, which has one core
    function: Callable[..., Any] | None = None
    with suppress(EOFError, OSError):
        build, arguments = connection.recv()
        while True:
            positional, named = connection.recv()
            try:
                function = function or build(*arguments)
                answer = (True, function(*positional, **named))
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
