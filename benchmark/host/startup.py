"""The start of a model in a process of its own: load, first run, warm-up, memory.

Only a fresh process can tell them. In a process that has run a model before, code and weights are in memory already,
and the memory cannot be attributed to one model.

`python -m mmnet.benchmark.host.startup THREADS DELEGATE HEIGHT WIDTH RUNS FIT < model` prints one line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mmnet.json_reader import parse_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.imaging.fit import Fit

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

_TIMEOUT_SECONDS = 600
_REFUSAL = "refusal"  # the member of the printed line that holds why a model cannot be started


@dataclass(frozen=True)
class Startup:
    """One start of one model.

    Attributes:
        load_ms: milliseconds from the file's bytes to a checked model with allocated tensors.
        first_run_ms: milliseconds of the first run of all three stages.
        warmup_ms: milliseconds of the runs after it, in their order.
        peak_memory_bytes: the peak of the process's memory in RAM (VmHWM) minus its memory before the model was read:
            the file, the weights as the delegate packs them, activations, the buffers of the stages, and the code
            that was executed for the first time.
            None where the system does not tell it, as on Windows.
        process_memory_bytes: the peak of the whole process, with Python, NumPy and OpenCV; None as above.
    """

    load_ms: float
    first_run_ms: float
    warmup_ms: list[float]
    peak_memory_bytes: int | None
    process_memory_bytes: int | None


def measure_startup(
    content: bytes,
    threads: int,
    delegate: str,
    frame: tuple[int, int],
    warmup_runs: int,
    fit: Fit = Fit.STRETCH,
    accelerator: str | None = None,
) -> Startup:
    """Start a model in a process of its own.

    Args:
        content: the .tflite.
        threads: number of threads, >= 1.
        delegate: one of `mmnet.runtime.tflite.interpreter.Delegate`.
        frame: height and width of the photo, pixels.
        warmup_runs: runs after the first, >= 0.
        fit: how the photo is brought into the model's square.
        accelerator: `cpu` or `gpu`, what LiteRT compiles the model for; None runs it in an interpreter.

    Raises:
        ModelError: LiteRT cannot load the model, has no such accelerator, ends the process, or does not finish in
            600 s.
    """
    arguments = map(str, (threads, delegate, *frame, warmup_runs, fit, accelerator or ""))
    command = [sys.executable, "-P", "-m", "mmnet.benchmark.host.startup", *arguments]
    try:
        run = subprocess.run(command, input=content, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"the model did not finish {1 + warmup_runs} runs in {_TIMEOUT_SECONDS} s") from error
    if run.returncode < 0:
        raise ModelError(f"the model ends LiteRT's process ({signal.Signals(-run.returncode).name})")
    if run.returncode:
        reason = run.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ModelError(f"the model cannot be started: {reason}")
    told = parse_json(run.stdout.splitlines()[-1])
    if refusal := told.get(_REFUSAL):
        raise ModelError(refusal)
    return Startup(**told)


def _start(
    threads: int, delegate: str, frame: tuple[int, int], warmup_runs: int, fit: Fit, accelerator: str | None
) -> Startup:
    from mmnet.benchmark.host.stages import StagedMatter, camera_frame

    photo = camera_frame(*frame)
    before = _reset_peak_bytes()
    content = sys.stdin.buffer.read()
    start = time.perf_counter_ns()
    matter = StagedMatter(content, threads, delegate, fit, accelerator)
    load_ms = (time.perf_counter_ns() - start) / 1e6
    first, *others = (sum(matter.time_stages(photo)) for _ in range(1 + warmup_runs))
    peak = _peak_bytes()
    return Startup(load_ms, first, others, None if peak is None or before is None else peak - before, peak)


def _reset_peak_bytes() -> int | None:
    """Reset the peak to the memory in RAM now, and return it; where the system cannot reset it, return the peak."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_bytes()


def _peak_bytes() -> int | None:
    """Return the peak of this process's memory in RAM; None where the system does not tell it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        if resource is None:
            return None
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _main(threads: str, delegate: str, height: str, width: str, warmup_runs: str, fit: str, accelerator: str) -> None:
    frame = int(height), int(width)
    try:
        startup = _start(int(threads), delegate, frame, int(warmup_runs), Fit(fit), accelerator or None)
    except ModelError as error:
        # Not on stderr: LiteRT's log is there.
        print(json.dumps({_REFUSAL: str(error)}))
    else:
        print(json.dumps(asdict(startup)))


if __name__ == "__main__":
    _main(*sys.argv[1:])
