"""TensorFlow Lite's `benchmark_model`: its command line, and what it prints.

https://ai.google.dev/edge/litert/models/measurement tells where to get it for a phone.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from mmnet.benchmark.errors import BenchmarkError, DeviceError
from mmnet.benchmark.latency import Latency

# --delegate → the flag.
DELEGATES = {
    "xnnpack": "--use_xnnpack=true",
    "none": "--use_xnnpack=false",
    "gpu": "--use_gpu=true",
    "nnapi": "--use_nnapi=true",
}

# What else goes by the tool's name, and what only that prints.
_OTHERS = {
    "BENCHMARK RESULTS": "LiteRT's newer tool of that name, which does not take TensorFlow Lite's options",
    "Average inference timings in us": "from before 2020, and tells less than is needed",
}

# ELF: byte 4 is the class (1: 32 bits, 2: 64), the half word at 18 the machine.
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
_LACKING = re.compile(r"Unconsumed cmdline flags: .*|unrecognized commandline flag: .*")
_NOT_DELEGATED = re.compile(r"Though (.*?) is explicitly applied, the model graph will not be executed")


@dataclass(frozen=True)
class Output:
    """What one start of the tool measured, in milliseconds.

    Attributes:
        load_ms: reading, delegating, allocating.
        first_run_ms: the first run.
        warmup: the runs before those that count, the first included.
        invoke: those that count; older versions of the tool tell neither median nor percentiles.
        peak_memory_bytes: by how much the process grew, as the tool estimates it; None if it does not tell.
    """

    load_ms: float
    first_run_ms: float
    warmup: Latency
    invoke: Latency
    peak_memory_bytes: int | None


def read_binary(path: Path, abis: str | None, serial: str) -> bytes:
    """The user's `benchmark_model`, if the device can run it.

    Args:
        path: of the file: an ELF executable, or a script (`#!`) around one.
        abis: the device's `ro.product.cpu.abilist`: "arm64-v8a,armeabi-v7a"; None if it does not tell.
        serial: for the message.

    Raises:
        BenchmarkError: no such file, or no program.
        DeviceError: for another processor.
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
    """The line for the device's shell. Exactly `runs` runs, however long or short they are."""
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


def parse(text: str, code: int, serial: str, model: str) -> Output:
    """Read the tool's output.

    Args:
        text: its standard output and error.
        code: its exit code.
        serial, model: for messages.

    Raises:
        DeviceError: it failed, is another tool, or the delegate that was asked for does not run the model.
    """
    for mark, what in _OTHERS.items():
        if mark in text:
            raise DeviceError(f"{serial}: this benchmark_model is {what}; give TensorFlow Lite's current one")
    if lacking := _LACKING.search(text):
        raise DeviceError(f"{serial}: this benchmark_model lacks an option ({lacking[0].strip()}); take a newer build")
    timings = _TIMINGS.search(text)
    counts = [
        (int(count), {name: float(value) for name, value in _FIGURE.findall(figures)})
        for count, figures in _COUNT.findall(text)
    ]
    if code or timings is None or len(counts) < 2:
        raise DeviceError(f"{serial}: benchmark_model failed on {model} (exit code {code}): {_reason(text)}")
    refused = _NOT_DELEGATED.search(text)
    if refused:
        raise DeviceError(f"{serial}: {refused[1]} does not run {model}: it would be measured on the processor")
    init, first, warmup, mean = (float(value) / 1e3 for value in timings.groups())
    memory = _MEMORY.search(text)
    return Output(
        load_ms=init,
        first_run_ms=first,
        warmup=_latency(*counts[0], warmup),
        invoke=_latency(*counts[1], mean),
        peak_memory_bytes=round(float(memory[2]) * 2**20) if memory and float(memory[2]) > 0 else None,
    )


def _latency(count: int, figures: dict[str, float], mean: float) -> Latency:
    # Of runs that took equally long, the tool gives one: `count=3 curr=1200(all same)`.
    same = figures.get("curr") if "min" not in figures else None
    found = {name: figures.get(name, same) for name in ("min", "median", "p95", "max")}
    return Latency(
        runs=count,
        mean_ms=mean,
        **{f"{name}_ms": None if value is None else value / 1e3 for name, value in found.items()},
    )


def _reason(text: str) -> str:
    """The line that tells why: the first error, or the last that was said."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = (line for line in lines if re.search(r"error|failed|not found|denied|cannot|can't", line, re.IGNORECASE))
    return next(telling, lines[-1] if lines else "it said nothing")
