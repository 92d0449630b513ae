"""A whole job: list the images, plan the tasks, run them on a pool of workers, record the outcomes.

A job that was interrupted or killed continues where it stopped, since the results that exist are skipped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from functools import partial

from mmnet.batch.errors import BatchError
from mmnet.batch.existing import scan_destination
from mmnet.batch.ledger import Entry, Ledger, job_description
from mmnet.batch.options import BatchOptions
from mmnet.batch.plan import Image, Task
from mmnet.batch.protocols import WorkerPool
from mmnet.batch.rendering import RenderOptions
from mmnet.batch.sources import list_sources
from mmnet.batch.store import Store, is_within
from mmnet.batch.worker import JobRequest, Worker
from mmnet.failures import is_debugging, relay
from mmnet.json_reader import parse_json
from mmnet.listing import LeftOut

_MAX_REFUSED = 3  # tasks in a row whose results the destination refuses, before the job ends


@dataclass
class JobProgress:
    """The progress of a run so far.

    Attributes:
        total: the number of images in the source; a damaged Parquet file counts as one that failed.
        done: images rendered in this run.
        failed: images without a result, including those that failed in an earlier run and were not tried again.
        skipped: images whose result existed.
        workers: the number of workers; 0 before they start.
        seconds: wall time since the first task was given to the pool, with the start of the workers, but without the
            listing and without the start of Ray.
        core_seconds: processor time of the workers' tasks, which other programs on the machines hardly change.
        stopped: one line that says why the run stopped early; None if it did not.
        left_out: the files of the source that are no images.
        nobody: images rendered in this run in which nobody was found.
        latest: the entries since the last call of the listener.
    """

    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    workers: int = 0
    seconds: float = 0.0
    core_seconds: float = 0.0
    stopped: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    nobody: int = 0
    latest: Sequence[Entry] = ()
    _first: tuple[int, float] = (0, 0.0)  # images and seconds when the first task was done

    def task_done(self, seconds: float) -> None:
        """Note the time since the start, after a task."""
        self.seconds = seconds
        if not self._first[0]:
            self._first = (self.done, seconds)

    @property
    def rate(self) -> float | None:
        """Images per second since the first task was done, which waits for the workers' start; None until then."""
        done, seconds = self.done - self._first[0], self.seconds - self._first[1]
        return done / seconds if done and seconds > 0 else None

    @property
    def left(self) -> int:
        """Images that this run has not reached."""
        return self.total - self.done - self.failed - self.skipped


Listener = Callable[[JobProgress], None]


def run_job(
    rendering: RenderOptions,
    source: Store,
    destination: Store,
    options: BatchOptions,
    pool: Callable[[], AbstractContextManager[WorkerPool]],
    listener: Listener = lambda progress: None,
) -> JobProgress:
    """Matte every image of the source that has no result in the destination yet.

    Args:
        rendering: what is rendered of every image.
        source, destination: where the images are and where the results go. Neither lies in the other.
        options: how the job is done.
        pool: opens the pool of workers; called only if there is something to do.
        listener: called after planning, when the workers are known, and after every task, with the same object.

    Raises:
        OtherJobError: the destination holds something else.
        BatchError: the source, the destination or the pool cannot be used.
        KeyboardInterrupt: the job was interrupted. What was done is recorded, as it is after any other exception.
    """
    if is_within(destination, source) or is_within(source, destination):
        raise BatchError(
            f"{destination.uri}: this destination lies in {source.uri}, or holds it; name a separate folder"
        )
    listing = list_sources(source, options.columns)
    sources = listing.sources
    job = job_description(rendering.describe(), source.uri, options.to)
    work = scan_destination(
        destination, sources, rendering.kind, job, damaged=listing.damaged, retry=options.retry, force=options.force
    )
    progress = JobProgress(
        len(sources) + len(listing.damaged),
        failed=len(work.ledger.failed),
        skipped=work.skipped,
        left_out=listing.left_out,
    )
    progress.latest = tuple(work.ledger.failed.values())
    listener(progress)
    try:
        if work.images:
            with pool() as workers:
                progress.workers = workers.workers
                tasks = work.tasks(options.to, options.shard_size, workers.workers)
                request = JobRequest(rendering, source, destination, options.columns, is_debugging())
                _Run(request, workers, work.ledger, progress, options.max_errors, listener).do(tasks)
    finally:
        work.ledger.flush()
    return progress


class _Run:
    """The tasks of one run on a pool."""

    def __init__(
        self,
        request: JobRequest,
        pool: WorkerPool,
        ledger: Ledger,
        progress: JobProgress,
        max_errors: int | None,
        listener: Listener,
    ) -> None:
        self._request = request
        self._pool = pool
        self._ledger = ledger
        self._progress = progress
        self._max_errors = max_errors
        self._listener = listener
        self._began = time.monotonic()
        self._failed_before = progress.failed
        self._refused = 0  # tasks in a row whose results the destination refused
        self._write_error: str | None = None  # the last refusal
        self._reasons: dict[str, str] = {}  # output of an image -> why its task was lost
        self._recorded: set[str] = set()  # keys of the images that are done or have failed

    def do(self, tasks: Sequence[Task]) -> None:
        """Do all tasks; those that were lost once more, isolated, and then image by image; record the rest as failed.

        Raises:
            BatchError: the destination refuses results. Their images are not recorded, so that the next run does them.
        """
        for isolated, alone in ((False, False), (True, False), (True, True)):
            lost = self._attempt([replace(task, isolated=isolated) for task in tasks])
            tasks = self._one_by_one(lost) if alone is False and isolated else self._remaining(lost)
            if not tasks or self._progress.stopped is not None:
                return
        if self._write_error is not None:
            raise BatchError(f"{self._write_error}; run the same command again to continue")
        self._record(
            Entry(image.source.name, image.output, task.shard, f"{image.source.name}: {self._reason(image)}")
            for task in tasks
            for image in task.images
        )
        self._listener(self._progress)

    def _attempt(self, tasks: Sequence[Task]) -> list[Task]:
        """Do tasks and return those that were lost, or whose results the destination refused."""
        lost = dict(enumerate(tasks))
        self._write_error = None
        with closing(self._pool.run([task.to_json() for task in tasks], partial(Worker, self._request))) as answers:
            for index, text in answers:
                answer = parse_json(text)
                relay(answer["log"])
                self._record(Entry(**entry) for entry in answer["entries"])
                if answer["writing"] is not None:
                    self._write_error = answer["writing"]
                    self._refused += 1
                elif answer["defect"] is not None:
                    self._reasons.update({image.output: answer["defect"] for image in tasks[index].images})
                else:
                    del lost[index]
                    self._refused = 0
                self._progress.core_seconds += answer["core_seconds"]
                self._progress.task_done(time.monotonic() - self._began)
                self._listener(self._progress)
                if self._refused >= _MAX_REFUSED:
                    raise BatchError(f"{self._write_error}; run the same command again to continue")
                if self._max_errors is not None and self._progress.failed - self._failed_before > self._max_errors:
                    most = self._max_errors
                    self._progress.stopped = f"more than {most} images failed (max_errors={most})"
                    break
        return list(lost.values())

    def _remaining(self, tasks: Sequence[Task]) -> list[Task]:
        """Return the tasks without the images that are recorded; a shard is written again as a whole."""
        remaining = []
        for task in tasks:
            if task.shard is None:
                images = tuple(image for image in task.images if image.output not in self._recorded)
                task = replace(task, images=images)
            if task.images:
                remaining.append(task)
        return remaining

    def _one_by_one(self, tasks: Sequence[Task]) -> list[Task]:
        """Return a task for every image that is not recorded, so that none is charged with what another does."""
        return [
            single
            for task in self._remaining(tasks)
            for single in ([task] if task.shard else [replace(task, images=(image,)) for image in task.images])
        ]

    def _record(self, entries: Iterable[Entry]) -> None:
        self._progress.latest = tuple(entries)
        for entry in self._progress.latest:
            self._recorded.add(entry.key)
            self._ledger.record(entry)
            self._progress.done += entry.error is None
            self._progress.nobody += entry.nobody
            self._progress.failed += entry.error is not None

    def _reason(self, image: Image) -> str:
        return self._reasons.get(image.output, "every worker that rendered it died")
