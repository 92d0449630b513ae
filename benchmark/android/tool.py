"""The programs that measure on the phone: what each provides, and what each returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mmnet.benchmark.latency import Latency, Times


@dataclass(frozen=True)
class Delegated:
    """The part of a model that a delegate runs, as the tool reports it; None where it does not say.

    Attributes:
        whole: whether the delegate runs the whole model.
        kernels: the number of delegate kernels, each of which runs one connected part.
        operators: the number of operators that the delegate runs.
        left: the number of operators that run on the CPU instead.
        unsupported: the kinds of operators that the delegate refused.
    """

    whole: bool
    kernels: int | None = None
    operators: int | None = None
    left: int | None = None
    unsupported: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.whole:
            return "all"
        if self.operators is not None and self.left is not None:
            return f"{self.operators} of {self.operators + self.left}"
        return "part" if self.kernels is None else f"part, {self.kernels} kernels"

    @property
    def described(self) -> str:
        """The part in words, for a sentence."""
        parts = [] if self.kernels is None else [f"{self.kernels} delegate kernels"]
        if self.operators is not None:
            parts.append(f"{self.operators} operators")
        if self.left is not None:
            names = f": {', '.join(self.unsupported)}" if self.unsupported else ""
            parts.append(f"the remaining {self.left} run on the CPU{names}")
        return ", ".join(parts) or "the rest runs on the CPU"


@dataclass(frozen=True)
class ToolResult:
    """The measurements of one start of a tool on one model.

    Attributes:
        load_ms: milliseconds to read the model, prepare its delegate and allocate tensors.
        first_run_ms: milliseconds of the first run.
        warmup: the runs before the measured ones.
        stages: one `Latency` of the measured runs per stage; `invoke` is always there.
        times: every measured run of every stage, float64 [N] in milliseconds; None where the tool reports only their
            distribution.
        peak_memory_bytes: by how much the process grew, as the tool estimates it; None where it does not report it.
        delegated: the part that the delegate runs; None where the tool does not report it.
    """

    load_ms: float
    first_run_ms: float
    warmup: Latency | None
    stages: dict[str, Latency]
    times: dict[str, Times] | None
    peak_memory_bytes: int | None
    delegated: Delegated | None = None


class Tool(Protocol):
    """A program that measures on the phone."""

    name: str
    """Its name in the JSON document."""

    paths: tuple[str, ...]
    """The files and folders that it puts on the phone, which are removed at the end."""

    def prepare(self) -> None:
        """Put what it needs on the phone."""

    def measure(self, name: str, content: bytes, threads: int, runs: int) -> ToolResult:
        """Start it once on one model.

        Args:
            name: the name of the model, for messages.
            content: the .tflite.
            threads: number of threads, >= 1.
            runs: measured runs, >= 1.

        Raises:
            DeviceError: it fails or does not end in time, or the phone is gone.
        """
