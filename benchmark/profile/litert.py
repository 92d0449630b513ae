"""A run of a model under LiteRT's own profiler, in a process of its own.

The wheel of LiteRT has the profiler in its C library, but not in Python. XNNPACK reports the time of each operator
that it runs. The names and structures here are those of ai-edge-litert 2.3; with other ones the process may crash,
which `run_profiler` reports.

`python -m mmnet.benchmark.profile.litert THREADS RUNS < model` prints one line of JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.benchmark.errors import BenchmarkError
from mmnet.json_reader import parse_json

WARMUP_RUNS = 10
_TIMEOUT_SECONDS = 600
_CPU = 1  # kLiteRtHwAcceleratorCpu
_FLOAT32 = 1  # kLiteRtElementTypeFloat32
_OPERATOR, _DELEGATED_OPERATOR, _INVOKE = 2, (4, 8), "Invoke"

# XNNPACK has no name for conversions between integers, and reports them like an error.
_CONVERSION = "Invalid Unary Op", "Convert (integers)"


class ProfileError(BenchmarkError):
    """A model that cannot be profiled."""


@dataclass(frozen=True)
class Events:
    """The report of LiteRT's profiler.

    Attributes:
        kernels: the kernel of each operator, in the order in which they ran; XNNPACK's or TensorFlow Lite's name, or
            `Convert (integers)`, which has none there.
        outside: for each operator its index in the graph if a built-in kernel ran it, None if XNNPACK did.
        microseconds: the times of each operator, one per run.
        invoke: the times of the whole inference, in microseconds, one per run.
    """

    kernels: list[str]
    outside: list[int | None]
    microseconds: list[list[int]]
    invoke: list[int]


def run_profiler(model: bytes, threads: int, runs: int) -> Events:
    """Run a model under LiteRT's profiler.

    Args:
        model: the bytes of a .tflite that LiteRT can run.
        threads: number of threads, >= 1.
        runs: number of runs, >= 1, after some that are not counted.

    Raises:
        ProfileError: LiteRT refuses the model, or its profiler cannot be used.
    """
    command = [sys.executable, "-P", "-m", "mmnet.benchmark.profile.litert", str(threads), str(runs)]
    # The same modules, also where this process found them through a relative path.
    paths = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)
    environment = os.environ | {"PYTHONPATH": paths}
    try:
        done = subprocess.run(
            command, input=model, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise ProfileError(
            f"LiteRT was not done after {_TIMEOUT_SECONDS} s; profile with fewer runs (runs=N)"
        ) from error
    answer = parse_json(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else {}
    if "kernels" not in answer:
        reason = answer.get("error") or done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        ended = signal.Signals(-done.returncode).name if done.returncode < 0 else reason
        raise ProfileError(f"the profiler of ai-edge-litert {version('ai-edge-litert')} cannot be used: {ended}")
    return Events(**answer)


# --- in the process


class _Event(ctypes.Structure):
    """`ProfiledEventData` of litert/c/litert_profiler_event.h, with TensorFlow Lite's `MemoryUsage` twice."""

    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("kind", ctypes.c_int),
        ("started", ctypes.c_uint64),
        ("microseconds", ctypes.c_uint64),
        ("memory", ctypes.c_int64 * 6),
        ("index", ctypes.c_uint64),
        ("metadata", ctypes.c_uint64),
        ("source", ctypes.c_int),
    )


class _TensorType(ctypes.Structure):
    """`LiteRtRankedTensorType` of litert/c/litert_model_types.h."""

    _fields_ = (
        ("element", ctypes.c_int),
        ("rank", ctypes.c_uint, 7),
        ("has_strides", ctypes.c_uint, 1),
        ("sizes", ctypes.c_int32 * 8),
        ("strides", ctypes.c_uint32 * 8),
    )


class _LiteRt:
    """LiteRT's C library; every function but the destructors returns a status, which is 0 if it did what it should."""

    def __init__(self) -> None:
        spec = find_spec("ai_edge_litert")
        assert spec is not None
        assert spec.submodule_search_locations
        self._library = ctypes.CDLL(str(Path(spec.submodule_search_locations[0]) / "libLiteRt.so"))

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function.

        Raises:
            RuntimeError: it returned an error; names it.
        """
        status = getattr(self._library, function)(*arguments)
        if status:
            raise RuntimeError(f"{function} returned {status}")

    def made(self, function: str, *arguments: Any) -> ctypes.c_void_p:
        """Return the object that a function writes to its last argument."""
        handle = ctypes.c_void_p()
        self.call(function, *arguments, ctypes.byref(handle))
        return handle


class _Profiled:
    """A compiled model with its buffers and its profiler."""

    def __init__(self, content: bytes, threads: int) -> None:
        self._litert = litert = _LiteRt()
        self._content = content
        self._environment = litert.made("LiteRtCreateEnvironment", 0, None)
        self._model = litert.made("LiteRtCreateModelFromBuffer", self._environment, content, _size(len(content)))
        options = litert.made("LiteRtCreateOptions")
        litert.call("LiteRtSetOptionsHardwareAccelerators", options, _CPU)
        self._option(options, "runtime_options_string", "enable_profiling = true\n")
        self._option(options, "xnnpack", f"num_threads = {threads}\n")
        self._compiled = litert.made("LiteRtCreateCompiledModel", self._environment, self._model, options)
        self._profiler = litert.made("LiteRtCompiledModelGetProfiler", self._compiled)
        self._signature = litert.made("LiteRtGetModelSignature", self._model, _size(0))
        self._inputs, self._outputs = self._buffers("Input"), self._buffers("Output")

    def run(self) -> None:
        """Run the model once."""
        inputs, outputs = self._inputs, self._outputs
        self._litert.call(
            "LiteRtRunCompiledModel",
            self._compiled,
            _size(0),
            _size(len(inputs)),
            (ctypes.c_void_p * len(inputs))(*inputs),
            _size(len(outputs)),
            (ctypes.c_void_p * len(outputs))(*outputs),
        )

    def events(self) -> list[_Event]:
        """Run the model once, and return the events of this run."""
        self._litert.call("LiteRtResetProfiler", self._profiler)
        self._litert.call("LiteRtStartProfiler", self._profiler)
        self.run()
        self._litert.call("LiteRtStopProfiler", self._profiler)
        count = ctypes.c_int()
        self._litert.call("LiteRtGetNumProfilerEvents", self._profiler, ctypes.byref(count))
        events = (_Event * count.value)()
        self._litert.call("LiteRtGetProfilerEvents", self._profiler, count, events)
        return list(events)

    def _option(self, options: ctypes.c_void_p, kind: str, toml: str) -> None:
        libc = ctypes.CDLL(None)
        libc.strdup.restype = ctypes.c_void_p
        payload = ctypes.c_void_p(libc.strdup(toml.encode()))
        free = ctypes.cast(libc.free, ctypes.c_void_p)
        option = self._litert.made("LiteRtCreateOpaqueOptions", kind.encode(), payload, free)
        self._litert.call("LiteRtAddOpaqueOptions", options, option)

    def _buffers(self, which: str) -> list[int | None]:
        count = ctypes.c_size_t()
        self._litert.call(f"LiteRtGetNumSignature{which}s", self._signature, ctypes.byref(count))
        return [self._buffer(which, _size(index)) for index in range(count.value)]

    def _buffer(self, which: str, index: ctypes.c_size_t) -> int | None:
        """Make the buffer of one input or output; inputs hold drawn values."""
        litert = self._litert
        tensor = litert.made(f"LiteRtGetSignature{which}TensorByIndex", self._signature, index)
        kind = _TensorType()
        litert.call("LiteRtGetRankedTensorType", tensor, ctypes.byref(kind))
        sizes = (ctypes.c_int32 * kind.rank)(*(max(size, 1) for size in kind.sizes[: kind.rank]))
        if which == "Input" and list(sizes) != kind.sizes[: kind.rank]:
            litert.call(
                "LiteRtCompiledModelResizeInputTensor", self._compiled, _size(0), index, sizes, _size(kind.rank)
            )
        kind.sizes[: kind.rank] = sizes
        needs = litert.made(f"LiteRtGetCompiledModel{which}BufferRequirements", self._compiled, _size(0), index)
        buffer = litert.made(
            "LiteRtCreateManagedTensorBufferFromRequirements", self._environment, ctypes.byref(kind), needs
        )
        if which == "Input":
            size = ctypes.c_size_t()
            litert.call("LiteRtGetTensorBufferPackedSize", buffer, ctypes.byref(size))
            memory = litert.made("LiteRtGetTensorBufferHostMemory", buffer)
            draw = np.random.default_rng(0)
            is_float = kind.element == _FLOAT32
            values = draw.random(size.value // 4, np.float32).tobytes() if is_float else draw.bytes(size.value)
            ctypes.memmove(memory, values, len(values))
        return buffer.value


def _size(value: int) -> ctypes.c_size_t:
    return ctypes.c_size_t(value)


def _operators(events: list[_Event]) -> Iterator[tuple[str, int | None, int]]:
    """Yield the kernel of every operator, its index in the graph if it is outside of XNNPACK, and its microseconds."""
    for event in events:
        if event.kind in (_OPERATOR, *_DELEGATED_OPERATOR):
            outside = int(event.index) if event.kind == _OPERATOR else None
            yield event.tag.decode().replace(*_CONVERSION), outside, int(event.microseconds)


def _profile(content: bytes, threads: int, runs: int) -> Events:
    profiled = _Profiled(content, threads)
    for _ in range(WARMUP_RUNS):
        profiled.run()
    found: list[list[tuple[str, int | None, int]]] = []
    invoke = []
    for _ in range(runs):
        events = profiled.events()
        found.append(list(_operators(events)))
        invoke.append(next(int(event.microseconds) for event in events if event.tag and event.tag.decode() == _INVOKE))
    names = [(kernel, outside) for kernel, outside, _ in found[0]]
    if any([(kernel, outside) for kernel, outside, _ in run] != names for run in found):
        raise RuntimeError("the operators differ from run to run")
    times = [[run[index][2] for run in found] for index in range(len(names))]
    return Events([kernel for kernel, _ in names], [outside for _, outside in names], times, invoke)


if __name__ == "__main__":
    try:
        print(json.dumps(vars(_profile(sys.stdin.buffer.read(), int(sys.argv[1]), int(sys.argv[2])))))
    except (RuntimeError, AttributeError, OSError, ValueError, StopIteration) as error:
        print(json.dumps({"error": " ".join(str(error).split())}))
