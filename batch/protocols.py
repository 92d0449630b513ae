"""The interface between jobs and the pools of workers that do their tasks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Protocol

# What a worker does: the text of a task in, the text of its result out.
Work = Callable[[str], str]


class WorkerPool(Protocol):
    """Workers that do tasks: `mmnet.batch.pool.RayPool`, or any other object with these members."""

    @property
    def workers(self) -> int:
        """The number of tasks that are done at a time."""
        ...

    def run(self, tasks: Sequence[str], build: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        """Do every task once.

        Args:
            tasks: the texts that workers are called with.
            build: called once in every worker's process, with whether the worker replaces one that died; returns what
                is called with task after task. An exception from it ends the run.

        Yields:
            The index of a task and its result, in the order of completion; nothing for a task that was lost.

        Raises:
            BatchError: no worker could be started, or a worker raised an exception.
        """
        ...
