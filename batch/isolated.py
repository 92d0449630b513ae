"""A call in a process of its own: what ends that process does not end this one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar

from mmnet.batch.errors import BatchError

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_made: Any = None


class DiedError(BatchError):
    """The process ended during the call: killed, out of memory, or crashed."""


class Alone(Generic[Arguments, Result]):
    """What `make(*arguments)` returns, made and called in another process, which is begun anew when it has died."""

    def __init__(self, make: Callable[..., Callable[Arguments, Result]], *arguments: object) -> None:
        self._make = make
        self._arguments = arguments
        self._executor: ProcessPoolExecutor | None = None

    def __call__(self, *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
        """Call it.

        Raises:
            DiedError: the process died.
        """
        if self._executor is None:
            begin = partial(_begin, self._make, *self._arguments)
            self._executor = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=begin)
        try:
            result: Result = self._executor.submit(_call, *arguments, **options).result()
        except BrokenProcessPool as error:
            self.close()
            raise DiedError("ended the process that worked on it, alone: a crash, or too little memory") from error
        return result

    def close(self) -> None:
        """End the process."""
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
            self._executor = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _begin(make: Callable[..., Any], *arguments: object) -> None:
    global _made
    _made = make(*arguments)


def _call(*arguments: Any, **options: Any) -> Any:
    return _made(*arguments, **options)
