"""The command line and the output of TensorFlow Lite's `benchmark_model`.

https://ai.google.dev/edge/litert/models/measurement says where to download it for a phone.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from mmnet.benchmark.android.tool import Delegated, ToolResult
from mmnet.benchmark.errors import BenchmarkError, DeviceError
from mmnet.benchmark.latency import Latency

# The name of a delegate → the flag of the tool.
DELEGATES = {
    "xnnpack": "--use_xnnpack=true",
    "none": "--use_xnnpack=false",
    "gpu": "--use_gpu=true",
    "nnapi": "--use_nnapi=true",
}
# Delegates that do not compute on the CPU.
ACCELERATORS = ("gpu", "nnapi")

# Other programs of the same name: a text that only they print → what they are.
_OTHER_PROGRAMS = {
    "BENCHMARK RESULTS": "LiteRT's newer tool of that name, which does not take TensorFlow Lite's options",
    "Average inference timings in us": "from before 2020, and reports less than is needed",
}

# The ABI by byte 4 of an ELF file, its class (1: 32 bits, 2: 64 bits), and the 16-bit number at byte 18, its machine.
_ABIS = {
    (1, 3): "x86",
    (2, 62): "x86_64",
    (1, 40): "armeabi-v7a",
    (2, 183): "arm64-v8a",
    (2, 243): "riscv64",
}

_NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: {_NUMBER}, First inference: {_NUMBER}, "
    rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): {_NUMBER}\s*\n"
)
_COUNT = re.compile(r"\bcount=(\d+) (.*)$", re.MULTILINE)
_FIGURE = re.compile(rf"(\w+)={_NUMBER}")
_MEMORY = re.compile(
    rf"(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): init={_NUMBER} "
    rf"overall={_NUMBER}"
)
_UNKNOWN_FLAG = re.compile(r"Unconsumed cmdline flags: .*|unrecognized commandline flag: .*")
_NOT_DELEGATED = re.compile(r"Though (.*?) is explicitly applied, the model graph will not be executed")
_WHOLLY_DELEGATED = "the model graph will be completely executed by the delegate"
_PARTLY_DELEGATED = re.compile(r"the model graph will be partially executed by the delegate w/ (\d+) delegate kernel")
# The GPU delegate counts operations; TensorFlow Lite itself logs what it hands to a delegate, if it is verbose.
_OPERATIONS = re.compile(
    r"(\d+) operations? will run on the \w+, and the remaining (\d+) (?:operations? )?will run on the CPU"
)
_REPLACED = re.compile(r"Replacing (\d+) out of (\d+) node\(s\) with delegate")
_UNSUPPORTED = re.compile(
    r"operations are not supported by [^\n]*:\s*\n(.*?)^[^\n]*\d+ operations? will run", re.DOTALL | re.MULTILINE
)
_OPERATOR = re.compile(r"^(?:(?:VERBOSE|INFO|WARNING|ERROR): )?(\w+):", re.MULTILINE)


def read_binary(path: Path, abis: str | None, serial: str) -> bytes:
    """Read the user's `benchmark_model`, and check that the device can run it.

    Args:
        path: the file: an ELF executable, or a script (`#!`) that starts one.
        abis: the device's `ro.product.cpu.abilist`, for example "arm64-v8a,armeabi-v7a"; None if it does not report it.
        serial: the device's serial number, for messages.

    Raises:
        BenchmarkError: there is no such file, or it is no program.
        DeviceError: it is built for another processor.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read: {error.strerror}") from error
    if content.startswith(b"#!"):
        return content
    if content[:4] != b"\x7fELF" or len(content) < 20:
        raise BenchmarkError(f"{path}: is no program; give TensorFlow Lite's benchmark_model, built for Android")
    machine = (content[4], int.from_bytes(content[18:20], "little"))
    abi = _ABIS.get(machine, f"ELF machine {machine[1]}")
    if abis is not None and abi not in abis.split(","):
        raise DeviceError(f"{path}: is built for {abi}, but {serial} runs {abis}; give the build for one of these")
    return content


def command(
    binary: str, model: str, *, threads: int, runs: int, warmup_runs: int, delegate: str, affinity: str | None
) -> str:
    """Return the command line for the device's shell. It measures exactly `runs` runs, however long they take."""
    flags = {
        "graph": model,
        "num_threads": threads,
        "num_runs": runs,
        "min_secs": 0,
        "max_secs": 3600,
        "warmup_runs": max(1, warmup_runs),
        "warmup_min_secs": 0,
    }
    words = ["taskset", affinity] if affinity else []
    words += [binary, *(f"--{name}={value}" for name, value in flags.items()), DELEGATES[delegate]]
    return shlex.join(words)


def parse(text: str, code: int, serial: str, model: str) -> ToolResult:
    """Parse the tool's output.

    Args:
        text: its standard output and error.
        code: its exit code.
        serial: the device's serial number, for messages.
        model: the name of the model, for messages.

    Raises:
        DeviceError: it failed, is another program, or the requested delegate does not run the model.
    """
    for mark, what in _OTHER_PROGRAMS.items():
        if mark in text:
            raise DeviceError(f"{serial}: this benchmark_model is {what}; give TensorFlow Lite's current one")
    if unknown := _UNKNOWN_FLAG.search(text):
        raise DeviceError(f"{serial}: this benchmark_model lacks an option ({unknown[0].strip()}); use a newer build")
    timings = _TIMINGS.search(text)
    counts = [
        (int(count), {name: float(value) for name, value in _FIGURE.findall(figures)})
        for count, figures in _COUNT.findall(text)
    ]
    if code or timings is None or len(counts) < 2:
        raise DeviceError(f"{serial}: benchmark_model failed on {model} (exit code {code}): {_reason(text)}")
    refused = _NOT_DELEGATED.search(text)
    if refused:
        raise DeviceError(f"{serial}: {refused[1]} does not run {model}; it would be measured on the CPU")
    init, first, warmup, mean = (float(value) / 1e3 for value in timings.groups())
    memory = _MEMORY.search(text)
    return ToolResult(
        load_ms=init,
        first_run_ms=first,
        warmup=_latency(*counts[0], warmup),
        # Older versions of the tool report neither median nor percentiles.
        stages={"invoke": _latency(*counts[1], mean)},
        times=None,
        peak_memory_bytes=round(float(memory[2]) * 2**20) if memory and float(memory[2]) > 0 else None,
        delegated=_delegated(text),
    )


def _delegated(text: str) -> Delegated | None:
    """Return the part of the model that the delegate runs; None where the output does not say."""
    if _WHOLLY_DELEGATED in text:
        return Delegated(whole=True)
    partly, counted, replaced = _PARTLY_DELEGATED.search(text), _OPERATIONS.search(text), _REPLACED.search(text)
    if partly is None and counted is None:
        return None
    operators, left = (int(counted[1]), int(counted[2])) if counted else (None, None)
    if replaced and not counted:
        operators, left = int(replaced[1]), int(replaced[2]) - int(replaced[1])
    listed = _UNSUPPORTED.search(text)
    return Delegated(
        whole=False,
        kernels=int(partly[1]) if partly else None,
        operators=operators,
        left=left,
        unsupported=tuple(_OPERATOR.findall(listed[1])) if listed else (),
    )


def _latency(count: int, figures: dict[str, float], mean: float) -> Latency:
    # If all runs took equally long, the tool prints the time once: `count=3 curr=1200(all same)`.
    same = figures.get("curr") if "min" not in figures else None
    known = {name: figures.get(name, same) for name in ("min", "median", "p95", "max")}
    return Latency(
        runs=count,
        mean_ms=mean,
        **{f"{name}_ms": None if value is None else value / 1e3 for name, value in known.items()},
    )


def _reason(text: str) -> str:
    """Return the line that says why the tool failed: the first error, or the last line of its output."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = (line for line in lines if re.search(r"error|failed|not found|denied|cannot|can't", line, re.IGNORECASE))
    return next(errors, lines[-1] if lines else "it printed nothing")
