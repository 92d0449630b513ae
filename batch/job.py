"""A whole job: list, plan, hand out, record. It goes on where it was killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from mmnet.batch.errors import BatchError
from mmnet.batch.existing import FILES, take_stock
from mmnet.batch.ledger import Entry, Ledger, job_description
from mmnet.batch.plan import Task
from mmnet.batch.rendering import Recipe
from mmnet.batch.sources import Columns, list_sources
from mmnet.batch.store import Store, is_within
from mmnet.batch.worker import Order, Worker

_WRITES_IN_VAIN = 3  # tasks in a row whose results the destination did not take, and the job ends

Work = Callable[[str], str]


class Pool(Protocol):
    """Where tasks are done: `pool.Pool`, or anything else that does them."""

    @property
    def workers(self) -> int:
        """How many tasks are done at a time."""

    def run(self, tasks: Sequence[str], make: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        """See `mmnet.batch.pool.Pool.run`."""


@dataclass(frozen=True)
class Settings:
    """How a job is done.

    Attributes:
        to: `files`, a file an image, or `parquet`, shards of many.
        shard_size: images a shard, where they do not come from Parquet, whose row groups are kept.
        columns: of a source of Parquet.
        retry: whether images that failed in an earlier run are tried again.
        max_errors: how many images may fail in this run; None: any number.
        force: begin anew: remove the results that are there first, of whatever job.
    """

    to: str = FILES
    shard_size: int = 256
    columns: Columns = field(default_factory=Columns)
    retry: bool = False
    max_errors: int | None = None
    force: bool = False


@dataclass
class Progress:
    """What has been done so far.

    Attributes:
        total: images of the source.
        done: made in this run.
        failed: without a result, whether tried in this run or left out since they failed before.
        skipped: whose results were there.
        workers: at work; 0 before they start.
        seconds: since the first task was handed out: neither listing nor Ray's start, but that of the workers.
        core_seconds: processor time of the workers' tasks, which other programs on the machines do not change much.
        stopped: why the job ended before its end, one line; None if it did not.
        latest: the entries that have just come.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    workers: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    stopped: str | None = None
    latest: Sequence[Entry] = ()
    _first: tuple[int, float] = (0, 0.0)  # images and seconds when the first task was done

    def tick(self, seconds: float) -> None:
        """Take the time when a task is done."""
        self.seconds = seconds
        if not self._first[0]:
            self._first = (self.done, seconds)

    @property
    def rate(self) -> float | None:
        """Images a second since the first task was done, which waits for the workers' start; None before a second."""
        done, seconds = self.done - self._first[0], self.seconds - self._first[1]
        return done / seconds if done and seconds > 0 else None


def run_job(
    recipe: Recipe,
    source: Store,
    destination: Store,
    settings: Settings,
    pool: Callable[[], AbstractContextManager[Pool]],
    progress: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Matte every image of `source` that has no result in `destination` yet.

    Args:
        recipe: what to make.
        source, destination: neither lies in the other.
        settings: how.
        pool: entered only if there is something to do.
        progress: called after planning, when the workers are known, and after every task.

    Raises:
        OtherJobError: the destination holds something else.
        BatchError: there is nothing to do it on, with or to; one line.
        KeyboardInterrupt: interrupted. What was done is recorded; so it is with every other error.
    """
    if is_within(destination, source) or is_within(source, destination):
        raise BatchError(
            f"{destination.uri}: lies in {source.uri}, or the other way round; name a folder apart from it"
        )
    sources = list_sources(source, settings.columns)
    job = job_description(recipe.describe(), source.uri, settings.to)
    standing = take_stock(destination, sources, recipe.kind, job, retry=settings.retry, force=settings.force)
    ledger = standing.ledger
    state = Progress(len(sources), failed=len(ledger.failed), skipped=standing.skipped)
    state.latest = tuple(ledger.failed.values())
    progress(state)
    try:
        if standing.images:
            with pool() as workers:
                state.workers = workers.workers
                tasks = standing.tasks(settings.to, settings.shard_size, workers.workers)
                order = Order(recipe, source, destination, settings.columns)
                _work(tasks, order, workers, state, ledger, settings.max_errors, progress)
    finally:
        ledger.flush()
    return state


def _work(
    tasks: Sequence[Task],
    order: Order,
    pool: Pool,
    state: Progress,
    ledger: Ledger,
    max_errors: int | None,
    progress: Callable[[Progress], None],
) -> None:
    """All tasks; then, those that killed their workers once more, each image alone."""
    began, before, in_vain = time.monotonic(), state.failed, 0
    problems: dict[str, str] = {}
    for careful in (False, True):
        lost = dict(enumerate(tasks))
        texts = [replace(task, careful=careful).to_json() for task in tasks]
        with closing(pool.run(texts, partial(Worker, order))) as results:
            for index, text in results:
                answer = json.loads(text)
                if answer["writing"] is None:
                    del lost[index]
                    in_vain = 0
                else:
                    problems[texts[index]] = answer["writing"]
                    in_vain += 1
                state.latest = tuple(Entry(**entry) for entry in answer["entries"])
                for entry in state.latest:
                    ledger.record(entry)
                    state.done += entry.error is None
                    state.failed += entry.error is not None
                state.core_seconds += answer["core_seconds"]
                state.tick(time.monotonic() - began)
                progress(state)
                if in_vain >= _WRITES_IN_VAIN:
                    raise BatchError(f"{answer['writing']}; run the same command again to go on")
                if max_errors is not None and state.failed - before > max_errors:
                    state.stopped = f"more than {max_errors} images failed (--max-errors)"
                    return
        tasks = list(lost.values())
        if not tasks:
            return
    state.latest = tuple(
        Entry(image.source.name, image.output, task.shard, f"{image.source.name}: {problem}")
        for task in tasks
        for problem in [problems.get(replace(task, careful=True).to_json(), "every worker that had it died")]
        for image in task.images
    )
    for entry in state.latest:
        ledger.record(entry)
    state.failed += len(state.latest)
    progress(state)
