"""A model's start in a process of its own: load, first run, warm-up, memory.

Only a fresh process tells them: in one that has run a model before, code and weights lie in memory already, and
nobody can say whose the memory is. `python -m mmnet.benchmark.host.cold THREADS DELEGATE HEIGHT WIDTH RUNS < model`
prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import resource
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mmnet.runtime.errors import ModelError

_PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class ColdStart:
    """One start of one model.

    Attributes:
        load_ms: from the file's bytes to an interpreter with its tensors allocated.
        first_run_ms: the first run of all three stages, in milliseconds.
        warmup_ms: the runs after it, in milliseconds, in their order.
        peak_memory_bytes: by how much the most memory that lay in RAM (VmHWM) exceeded what did before the model was
            read: the file, weights as packed by the delegate, activations, the stages' buffers, and the code that
            was touched.
        process_memory_bytes: the whole process at its peak, Python, NumPy and OpenCV with it.
    """

    load_ms: float
    first_run_ms: float
    warmup_ms: list[float]
    peak_memory_bytes: int
    process_memory_bytes: int


def measure_cold_start(
    content: bytes, threads: int, delegate: str, height: int, width: int, warmup_runs: int
) -> ColdStart:
    """Start a model in a process of its own.

    Args:
        content: the .tflite.
        threads: >= 1.
        delegate: one of `stages.HOST_DELEGATES`.
        height, width: of the photo, pixels.
        warmup_runs: after the first run, >= 0.

    Raises:
        ModelError: LiteRT refuses the model or ends the process.
    """
    numbers = map(str, (threads, delegate, height, width, warmup_runs))
    command = [sys.executable, "-P", "-m", "mmnet.benchmark.host.cold", *numbers]
    try:
        run = subprocess.run(command, input=content, capture_output=True, timeout=_PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"the model did not finish {1 + warmup_runs} runs in {_PATIENCE_SECONDS} s") from error
    if run.returncode < 0:
        raise ModelError(f"the model ends LiteRT's process ({signal.Signals(-run.returncode).name})")
    if run.returncode:
        reason = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ModelError(f"the model cannot be started: {reason}")
    return ColdStart(**json.loads(run.stdout.splitlines()[-1]))


def _start(threads: int, delegate: str, height: int, width: int, warmup_runs: int) -> ColdStart:
    from mmnet.benchmark.host.stages import StagedModel, camera_frame

    photo = camera_frame(height, width)
    before = _forget_peak()
    content = sys.stdin.buffer.read()
    start = time.perf_counter_ns()
    model = StagedModel(content, threads, delegate)
    load_ms = (time.perf_counter_ns() - start) / 1e6
    first, *others = (sum(model.time_stages(photo)) for _ in range(1 + warmup_runs))
    peak = _peak()
    return ColdStart(load_ms, first, others, peak - before, peak)


def _forget_peak() -> int:
    """U8Array in RAM now, from which on the peak counts anew; where the system keeps one for ever, the peak so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    """The most bytes that lay in RAM."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(asdict(_start(int(given[0]), given[1], *map(int, given[2:])))))
