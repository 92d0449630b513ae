"""A pool of workers on Ray: one actor per core. No other module imports Ray."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from mmnet.batch.errors import BatchError
from mmnet.batch.protocols import Work
from mmnet.errors import MissingExtraError
from mmnet.evaluation.machine import usable_cores
from mmnet.files import temporary_folder

LOCAL = "local"
_LOOPBACK = "127.0.0.1"
# Windows has no SIGHUP.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_OBJECT_STORE_BYTES = 200 << 20  # for Ray's objects, which are names and lines, never images
_MIN_OBJECT_STORE_BYTES = 80 << 20
_RETRIES = 2  # of a task whose worker died; then the task is lost
_CONNECT_SECONDS = 10.0
_QUIET = {"log_to_driver": False, "logging_level": logging.CRITICAL, "configure_logging": True}
# Defaults of environment variables that Ray reads: no usage statistics; accelerators stay visible to its workers.
_ENVIRONMENT = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


# The same for Ray on this machine alone: this switch makes Ray listen on the loopback interface alone, as it does by
# default on Windows and macOS.
_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}


@dataclass(frozen=True)
class RayPool:
    """Workers of a connected Ray cluster (a `WorkerPool`).

    Attributes:
        workers: the number of workers, each with one core.
    """

    workers: int

    def run(self, tasks: Sequence[str], build: Callable[[bool], Work]) -> Generator[tuple[int, str], None, None]:
        """Do every task once; see `WorkerPool.run`.

        The worker that replaces a dead one does its task again, at most `_RETRIES` times. Then the task is lost.
        """
        if tasks:
            yield from _run(tasks, build, min(self.workers, len(tasks)))


@contextmanager
def connected(address: str | None = None, workers: int | None = None) -> Iterator[RayPool]:
    """Connect to a Ray cluster, or start Ray on this machine, for as long as the context lasts.

    Meanwhile Python's standard output and standard error of this process go nowhere, since Ray prints to both.

    Args:
        address: of a cluster, as `ray.init` takes it. None takes the environment variable RAY_ADDRESS, or else
            `local`, which starts Ray on this machine alone.
        workers: the number of workers, >= 1; None takes one per core of the cluster.

    Raises:
        MissingExtraError: Ray is not installed.
        BatchError: no cluster answers at the address, or Ray does not start.
    """
    where = address or os.environ.get("RAY_ADDRESS") or LOCAL
    with ExitStack() as stack:
        stack.enter_context(_environment_defaults(_ENVIRONMENT))
        folder = stack.enter_context(temporary_folder(short=True)) if where == LOCAL else None
        if folder is not None:
            stack.enter_context(_environment_defaults(_ALONE))
            stack.enter_context(_token(folder))
        try:
            import ray
            import ray.data
        except ImportError as error:
            raise MissingExtraError("ray", "Ray") from error
        stack.enter_context(_silenced())
        if not ray.is_initialized():
            _check_reachable(where)
            options = {"address": where} if folder is None else _local_options(folder, workers)
            try:
                with _same_signal_handlers():
                    ray.init(**options, **_QUIET)
            except Exception as error:  # Ray raises exceptions of many types
                raise BatchError(f"{where}: Ray cannot be reached or started: {_line(error)}") from error
            stack.callback(ray.shutdown)
        _configure_data()
        cores = int(ray.cluster_resources().get("CPU", 0))
        if not cores:
            raise BatchError(f"{where}: the cluster has no cores; start a node with ray start --num-cpus N")
        yield RayPool(workers or cores)


def _check_reachable(where: str) -> None:
    """Fail at once where nothing listens, since Ray itself tries for minutes.

    Args:
        where: HOST:PORT with or without a scheme; anything else is left to Ray.

    Raises:
        BatchError: nothing listens at that address.
    """
    host, _, port = where.rpartition("://")[2].partition("/")[0].rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BatchError(f"{where}: Ray cannot be reached: {_line(error)}; is the cluster's head running?") from error


def _local_options(folder: Path, workers: int | None) -> dict[str, Any]:
    """Return the arguments of `ray.init` for this machine alone.

    Args:
        folder: for the files and sockets of Ray. The path of a socket may have 107 characters at most.
        workers: see `connected`.
    """
    return {
        "address": LOCAL,
        "_node_ip_address": _LOOPBACK,
        "num_cpus": workers or usable_cores(),
        "num_gpus": 0,
        "object_store_memory": _object_store_bytes(),
        "include_dashboard": False,
        "_temp_dir": str(folder / "ray"),  # Ray lets everybody write into it
    }


def _object_store_bytes() -> int:
    """Return the size of Ray's object store, which is smaller where a container has little shared memory."""
    try:
        free = shutil.disk_usage("/dev/shm").free
    except OSError:
        return _OBJECT_STORE_BYTES
    return max(_MIN_OBJECT_STORE_BYTES, min(_OBJECT_STORE_BYTES, int(0.8 * free)))


@contextmanager
def _token(folder: Path) -> Iterator[None]:
    """Let Ray demand a token of every client meanwhile; only this user can read the file that holds it.

    Another user of this machine, or a web page in a browser, could otherwise have this user's Ray run its code. The
    settings of the user's environment stay.
    """
    path = folder / "token"
    with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(secrets.token_hex(32))
    settings = {"RAY_AUTH_MODE": "token"}
    if "RAY_AUTH_TOKEN" not in os.environ:
        settings["RAY_AUTH_TOKEN_PATH"] = str(path)
    with _environment_defaults(settings):
        yield


@contextmanager
def _same_signal_handlers() -> Iterator[None]:
    """Set the handlers of signals again afterwards: Ray's own ends the process in the middle of its native code."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


class _Actor:
    """One worker, as Ray Data calls it: a table of one task in, a table of one result out."""

    def __init__(self, build: list[Any]) -> None:
        import ray

        cv2.setNumThreads(1)  # the actor's process has one core
        restarted = bool(ray.get_runtime_context().was_current_actor_reconstructed)
        start: Any = ray.get(build[0])
        self._work: Work = start(restarted)

    def __call__(self, table: Any) -> Any:
        import pyarrow as pa

        results = [self._work(task) for task in table["task"].to_pylist()]
        return pa.table({"index": table["index"], "result": pa.array(results, pa.large_string())})


def _run(tasks: Sequence[str], build: Callable[[bool], Work], workers: int) -> Generator[tuple[int, str], None, None]:
    import pyarrow as pa
    import ray
    import ray.data
    import ray.exceptions

    # One table per task, so that Ray distributes and repeats each task by itself.
    tables = [pa.table({"index": [index], "task": [task]}) for index, task in enumerate(tasks)]
    # By reference, within a list: an actor that replaces a dead one must still find it.
    reference = ray.put(build)
    results = (
        ray.data.from_arrow(tables)
        .map_batches(
            _Actor,
            fn_constructor_args=([reference],),
            batch_format="pyarrow",
            batch_size=None,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
            max_task_retries=_RETRIES,
        )
        .iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
    )
    try:
        iterator: Any = iter(results)
        with closing(iterator) as batches:
            for batch in batches:
                yield from zip(batch["index"].to_pylist(), batch["result"].to_pylist(), strict=True)
    except ray.exceptions.RayError as error:
        raise BatchError(f"a worker failed: {_line(error)}") from error


def _configure_data() -> None:
    """Set Ray Data up for tasks of seconds and results of a few lines, without progress bars of its own."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.max_consecutive_actor_init_deaths = 3
    context.max_errored_blocks = -1  # a lost task is no error here: the caller sees that its result is missing
    context.target_max_block_size = 1 << 20  # the size that Ray assumes for a result until it has seen one
    logger = logging.getLogger("ray.data")
    for handler in logger.handlers:
        if type(handler).__name__ == "PlainRayHandler":
            handler.setLevel(logging.CRITICAL + 1)


@contextmanager
def _environment_defaults(defaults: Mapping[str, str]) -> Iterator[None]:
    """Set those environment variables that are not set, and unset them at the end."""
    missing = {name: value for name, value in defaults.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


@contextmanager
def _silenced() -> Iterator[None]:
    """Redirect standard output and standard error, to which Ray prints: the command's JSON goes there alone.

    A console that is to be seen meanwhile must hold the stream of before.
    """
    with (
        Path(os.devnull).open("w", encoding="utf-8") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def _line(error: BaseException) -> str:
    """Return the last line of an error, which follows the worker's traceback in Ray's errors, and that of its cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    last = lines[-1] if lines else type(error).__name__
    return f"{last} ({_line(error.__cause__)})" if error.__cause__ else last
