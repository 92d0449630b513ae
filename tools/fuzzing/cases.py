"""The run of one case in a process of its own, and what can go wrong there."""

from __future__ import annotations

import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mmnet.errors import MMNetError

SLOW_SECONDS = 60.0
LARGE_BYTES = 2 << 30
_KILLED_AFTER = 120.0

Target = Callable[[Path], None]


@dataclass(frozen=True)
class Outcome:
    """The outcome of a case.

    Attributes:
        kind: `passed` (it ran, or was refused by one of our exceptions), `traceback`, `signal`, `slow`, `large` or
            `left` (files that were left behind).
        detail: the last lines of the traceback, the signal, the figure or the files.
        refused: whether one of our exceptions refused it.
    """

    kind: str
    detail: str = ""
    refused: bool = False


def run_case(target: Target, name: str, data: bytes) -> Outcome:
    """Write a file and give it to a target, in a child of this process.

    Args:
        target: reads the file; it may return, or raise an `MMNetError` of one line.
        name: the name of the file.
        data: its bytes.
    """
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        place = Path(folder)
        (place / "in").mkdir()
        (place / "tmp").mkdir()
        path = place / "in" / name
        path.write_bytes(data)
        inherited = _resident_bytes()
        child = os.fork()
        if child == 0:
            _in_child(target, path, place)
        status, peak, seconds = _wait(child)
        left = [entry.name for folder in ("in", "tmp") for entry in (place / folder).iterdir() if entry != path]
        log = place / "log"
        detail = log.read_text(errors="replace") if log.exists() else ""
    if seconds > SLOW_SECONDS:
        return Outcome("slow", f"{seconds:.0f} s")
    if os.WIFSIGNALED(status):
        return Outcome("signal", signal.Signals(os.WTERMSIG(status)).name)
    if os.WEXITSTATUS(status) not in (0, 10):
        return Outcome("traceback", detail[-2000:] or f"exit code {os.WEXITSTATUS(status)}")
    if peak - inherited > LARGE_BYTES:
        return Outcome("large", f"{(peak - inherited) / 2**20:.0f} MiB")
    if left:
        return Outcome("left", ", ".join(left))
    return Outcome("passed", refused=os.WEXITSTATUS(status) == 10)


def _in_child(target: Target, path: Path, place: Path) -> None:
    code = 20
    try:
        os.chdir(place / "in")
        tempfile.tempdir = str(place / "tmp")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        target(path)
        code = 0
    except MMNetError as error:
        code = 10
        if "\n" in str(error) or not str(error):
            code = 21
            (place / "log").write_text(f"a message of several lines: {error}", errors="replace")
    except BaseException:
        (place / "log").write_text(traceback.format_exc(), errors="replace")
    finally:
        with suppress(Exception):
            sys.stdout.flush()
        os._exit(code)


def _wait(child: int) -> tuple[int, int, float]:
    """Wait for a child, and kill it after `_KILLED_AFTER` seconds.

    Returns:
        its status, its peak of memory in bytes, and the seconds that it took. These leave out the time in which it
        waited for a processor, so that a case is not slow because the machine is busy.
    """
    begun, pause, waited, killed = time.monotonic(), 0.001, 0.0, False
    while True:
        waited = max(waited, _seconds_in_queue(child))
        done, status, usage = os.wait4(child, os.WNOHANG)
        seconds = time.monotonic() - begun - waited
        if done:
            return status, usage.ru_maxrss << 10, seconds
        if not killed and seconds > _KILLED_AFTER:
            os.kill(child, signal.SIGKILL)
            killed = True
        time.sleep(pause)
        pause = min(0.05, pause * 2)


def _seconds_in_queue(process: int) -> float:
    """The seconds that a process's first thread was ready to run and had no processor; 0 where Linux does not say."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _resident_bytes() -> int:
    """The memory of this process without that of files: a child of it begins with as much."""
    try:
        resident, shared = map(int, Path("/proc/self/statm").read_text().split()[1:3])
        return (resident - shared) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return 0
