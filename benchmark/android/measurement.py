"""A measurement on a phone, as an entry of the JSON document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmnet.benchmark.android import demo_app, native_tool
from mmnet.benchmark.android.benchmark_model import ACCELERATORS, DELEGATES
from mmnet.benchmark.android.demo_app import DemoApp
from mmnet.benchmark.android.device_state import read_state
from mmnet.benchmark.android.machine import describe_phone, phone_warnings
from mmnet.benchmark.android.native_tool import NativeTool
from mmnet.benchmark.android.phone import Phone
from mmnet.benchmark.android.rounds import RoundOptions, measure_rounds
from mmnet.benchmark.android.tool import Delegated, Tool
from mmnet.benchmark.document import measurement
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.progress import Progress
from mmnet.evaluation.models import Candidate


@dataclass(frozen=True)
class ToolOptions:
    """Options of the program that measures on the phone.

    Attributes:
        binary: TensorFlow Lite's `benchmark_model`, built for the phone; None measures with the installed demo app.
        delegate: one of `benchmark_model.DELEGATES`; the demo app runs `xnnpack` alone.
        affinity: hexadecimal mask of the processors to run on, as `taskset` takes it, with `binary` alone; None leaves
            the choice to Android.
        folder: the folder on the phone to work in, an absolute path of at least two parts. With `binary` it is removed
            at the end; for the demo app it is the app's external files directory. None takes the usual one.
        warmup_runs: runs before the measured ones, >= 0.

    Raises:
        BenchmarkError: a value is not accepted.
    """

    binary: Path | None = None
    delegate: str = "xnnpack"
    affinity: str | None = None
    folder: str | None = None
    warmup_runs: int = 10

    def __post_init__(self) -> None:
        delegates = ["xnnpack"] if self.binary is None else list(DELEGATES)
        if self.delegate not in delegates:
            raise BenchmarkError(f"unknown delegate {self.delegate!r}; choose one of {', '.join(delegates)}")
        if self.binary is None and self.affinity is not None:
            raise BenchmarkError("an affinity needs binary=FILE; the demo app runs where Android puts it")
        if self.affinity is not None and not re.fullmatch(r"[0-9a-fA-F]{1,16}", self.affinity):
            raise BenchmarkError(
                f"affinity {self.affinity!r}: give a hexadecimal mask, for example f0: the last four of eight"
            )
        if self.folder is not None and not re.fullmatch(r"(/[\w.-]+){2,}", self.folder):
            raise BenchmarkError(
                f"folder {self.folder!r} on the device: give an absolute path of at least two parts, for example "
                "/data/local/tmp/here"
            )
        if self.warmup_runs < 0:
            raise BenchmarkError(f"{self.warmup_runs} warm-up runs: give at least 0")

    def open(self, phone: Phone, timeout: float) -> Tool:
        """Prepare the tool for a phone.

        Args:
            phone: the phone.
            timeout: seconds to wait for one start of the tool to end.

        Raises:
            BenchmarkError: the binary cannot be read or is no program.
            DeviceError: the demo app is not installed, or the phone cannot run the binary.
        """
        if self.binary is None:
            return DemoApp(phone, self.folder or demo_app.FOLDER, timeout, self.warmup_runs)
        return NativeTool(
            phone,
            self.folder or native_tool.FOLDER,
            self.binary,
            timeout,
            delegate=self.delegate,
            affinity=self.affinity,
            warmup_runs=self.warmup_runs,
        )


def measure_on_phone(
    phone: Phone,
    candidates: Sequence[Candidate],
    baseline: str | None,
    tool_options: ToolOptions,
    round_options: RoundOptions,
    progress: Progress,
    *,
    command: str | None = None,
) -> dict[str, Any]:
    """Measure models on a phone, and leave nothing on it.

    Args:
        phone: the phone.
        candidates: the models.
        baseline: the name of the model that the others are compared with; None for no comparison.
        tool_options: the program that measures.
        round_options: how models take turns.
        progress: the progress callback.
        command: the command line that was typed, if any.

    Returns:
        An entry of `measurements` (see `mmnet.benchmark.document`).

    Raises:
        BenchmarkError: the binary cannot be read or is no program.
        DeviceError: the phone is gone, the tool fails or is missing, or the phone stays throttled.
    """
    tool = tool_options.open(phone, round_options.timeout)
    machine = describe_phone(phone)
    warnings = phone_warnings(machine, read_state(phone))
    results = measure_rounds(phone, tool, candidates, round_options, progress)
    warnings += partial_delegation(results, tool_options.delegate)
    discarded = sum(len(result["discarded_rounds"]) for result in results)
    if discarded:
        warnings.append(f"{discarded} rounds were throttled and measured again")
    settings = {
        "runs": round_options.runs_per_round * round_options.round_count,
        "rounds": round_options.round_count,
        "cool_down_s": round_options.cool_down,
        "tool": tool.name,
        "delegate": tool_options.delegate,
        "affinity": tool_options.affinity,
        "warmup_runs": tool_options.warmup_runs,
    }
    results = [result | {"delegate": tool_options.delegate} for result in results]
    return measurement(machine, settings, results, baseline, warnings, command)


def partial_delegation(results: Sequence[dict[str, Any]], delegate: str) -> list[str]:
    """Return a sentence for each model of which an accelerator runs only a part.

    XNNPACK leaves operators to TensorFlow Lite's own kernels, on the same processor: its times are still those of the
    CPU, so the table shows the part, and no sentence warns.

    Args:
        results: RESULTs (see `mmnet.benchmark.document`).
        delegate: one of `benchmark_model.DELEGATES`.
    """
    if delegate not in ACCELERATORS:
        return []
    parts = {
        result["name"]: Delegated(**result["delegated"])
        for result in results
        if result["delegated"] and not result["delegated"]["whole"]
    }
    return [
        f"{name}: {delegate} runs only a part of it ({part.described}); its times are not those of {delegate} alone"
        for name, part in parts.items()
    ]
