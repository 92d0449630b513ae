"""A function in an isolated process: a crash there does not end the caller's process."""

from __future__ import annotations

import multiprocessing
import pickle
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
        connection = self._connection or self._start()
        try:
            connection.send((arguments, options))
            answer = connection.recv() if connection.poll(self.timeout) else None
        except (EOFError, OSError) as error:
            self.close()
            raise ProcessDiedError(
                "crashed the process that worked on it, or needed more memory than there is"
            ) from error
        if answer is None:
            self._process.kill()
            self.close()
            raise ProcessTimeoutError(f"took longer than {self.timeout:g} seconds")
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

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other, self._build, self._arguments), daemon=True)
        self._process.start()
        other.close()  # the process holds its end; with this copy open its death would go unnoticed
        return self._connection


def _serve(connection: Connection, build: Callable[..., Callable[..., Any]], arguments: tuple[object, ...]) -> None:
    """Answer calls in the new process until the other end of the connection is closed."""
    cv2.setNumThreads(1)  # the process replaces a worker, which has one core
    function: Callable[..., Any] | None = None
    with suppress(EOFError, OSError):
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
