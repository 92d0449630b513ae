"""The programs that measure on the phone: what each provides, and what each returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mmnet.benchmark.latency import Latency, Times


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
    """

    load_ms: float
    first_run_ms: float
    warmup: Latency | None
    stages: dict[str, Latency]
    times: dict[str, Times] | None
    peak_memory_bytes: int | None


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
