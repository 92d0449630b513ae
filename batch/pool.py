"""Tasks on Ray: one actor a core, results as they come. The only module that knows Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.batch.errors import BatchError
from mmnet.errors import MissingExtraError

Work = Callable[[str], str]

LOCAL = "local"
_STORE_BYTES = 200 << 20  # for Ray's objects: names and lines, never images
_LEAST_STORE_BYTES = 80 << 20
_RETRIES = 2  # of a task whose worker died; then it is lost


@dataclass(frozen=True)
class Pool:
    """Workers of a cluster that is connected.

    Attributes:
        workers: how many, a core each.
    """

    workers: int

    def run(self, tasks: Sequence[str], make: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        """Do every task once, wherever there is a free worker.

        A task whose worker died is done again by the one that takes its place, at most `_RETRIES` times.

        Args:
            tasks: what the workers are called with.
            make: called once in every worker's process with whether another one died in its place; its result is called
                with task after task. What it raises ends the run.

        Yields:
            The index of a task and what came out, in the order of completion; nothing for a task that was lost.

        Raises:
            BatchError: no worker could be started, or one raised what it should not have.
        """
        if tasks:
            yield from _run(tasks, make, min(self.workers, len(tasks)))


@contextmanager
def connected(address: str | None = None, workers: int | None = None) -> Iterator[Pool]:
    """Connect to a cluster, or start Ray on this machine, for as long as the context lasts.

    Args:
        address: of a cluster, as `ray.init` takes it; None: that in RAY_ADDRESS, else `local`: this machine alone.
        workers: >= 1; None: one a core of the cluster.

    Raises:
        MissingExtraError: Ray is not installed.
        BatchError: no cluster answers at the address, or Ray does not start.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError("ray", "Ray") from error
    where = address or os.environ.get("RAY_ADDRESS") or LOCAL
    with ExitStack() as stack:
        stack.enter_context(_silenced())
        if not ray.is_initialized():
            _check_reachable(where)
            options = _local(stack, workers) if where == LOCAL else {"address": where}
            try:
                ray.init(**options, **_QUIET)
            except Exception as error:  # Ray raises plain ones, too
                raise BatchError(f"{where}: Ray cannot be reached or started: {_line(error)}") from error
            stack.callback(ray.shutdown)
        _quiet_data()
        cores = int(ray.cluster_resources().get("CPU", 0))
        if not cores:
            raise BatchError(f"{where}: the cluster has no core to give; start a node with --num-cpus")
        yield Pool(workers or cores)


def _check_reachable(where: str) -> None:
    """Ray itself tries for minutes.

    Raises:
        BatchError: nothing listens at the address, a HOST:PORT with or without a scheme; words are Ray's to judge.
    """
    host, _, port = where.rpartition("://")[2].partition("/")[0].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BatchError(f"{where}: Ray cannot be reached: {_line(error)}; is the cluster's head running?") from error


_REACH_SECONDS = 10.0
_QUIET = {"log_to_driver": False, "logging_level": logging.CRITICAL, "configure_logging": True}


def _local(stack: ExitStack, workers: int | None) -> dict[str, Any]:
    """Ray on this machine alone, gone at the end with all that it wrote."""
    # Not below TMPDIR: the path of a socket may have 107 characters.
    short = "/tmp" if Path("/tmp").is_dir() else None
    folder = tempfile.mkdtemp(prefix="mmnet-ray-", dir=short)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return {
        "address": LOCAL,
        "num_cpus": workers or len(os.sched_getaffinity(0)),
        "num_gpus": 0,
        "object_store_memory": _store_bytes(),
        "include_dashboard": False,
        "_temp_dir": folder,
    }


def _store_bytes() -> int:
    """Little, and less where a container has little shared memory."""
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        return _STORE_BYTES
    return max(_LEAST_STORE_BYTES, min(_STORE_BYTES, int(0.8 * free)))


class _Actor:
    """One worker, as Ray Data calls it: a table of one task in, a table of one result out."""

    def __init__(self, made: list[Any]) -> None:
        import ray

        restarted = bool(ray.get_runtime_context().was_current_actor_reconstructed)
        self._work: Work = ray.get(made[0])(restarted)

    def __call__(self, table: Any) -> Any:
        import pyarrow as pa

        results = [self._work(task) for task in table["task"].to_pylist()]
        return pa.table({"index": table["index"], "result": pa.array(results, pa.large_string())})


def _run(tasks: Sequence[str], make: Callable[[bool], Work], workers: int) -> Generator[tuple[int, str], None, None]:
    import pyarrow as pa
    import ray
    import ray.data

    # A table each, so that each is handed out and done again by itself.
    tables = [pa.table({"index": [index], "task": [task]}) for index, task in enumerate(tasks)]
    # By reference, within a list: an actor that takes another's place must still find it.
    made = ray.put(make)
    results = (
        ray.data.from_arrow(tables)
        .map_batches(
            _Actor,
            fn_constructor_args=([made],),
            batch_format="pyarrow",
            batch_size=None,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            max_task_retries=_RETRIES,
        )
        .iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    )
    try:
        with closing(iter(results)) as batches:
            for batch in batches:
                yield from zip(batch["index"].to_pylist(), batch["result"].to_pylist(), strict=True)
    except ray.exceptions.RayError as error:
        raise BatchError(f"a worker failed: {_line(error)}") from error


def _quiet_data() -> None:
    """Ray Data's settings for tasks of seconds and results of lines; our progress bar, not its own."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_consecutive_actor_init_deaths = 3
    context.max_errored_blocks = -1  # lost tasks are the caller's, who sees which did not come back
    context.target_max_block_size = 1 << 20  # what a task is taken to return, until it has
    logger = logging.getLogger("ray.data")
    for handler in logger.handlers:
        if type(handler).__name__ == "PlainRayHandler":
            handler.setLevel(logging.CRITICAL + 1)


@contextmanager
def _silenced() -> Iterator[None]:
    """Ray speaks to whoever started it, on standard output, too, which is our JSON's alone.

    A console has to hold its stream since before, to be seen meanwhile.
    """
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def _line(error: BaseException) -> str:
    """The last line that says something, Ray quotes the worker's traceback before; and that of its cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return f"{last} ({_line(error.__cause__)})" if error.__cause__ else last
