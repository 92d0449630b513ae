"""The time of every operator of a model, and how far each one is from what this machine can do.

import mmnet

profile = mmnet.profile_model("mmnet-int8.tflite")
print(profile)                                    # kernels and the slowest layers
slowest = max(profile.operators, key=lambda operator: operator.microseconds)
profile.save_json("profile.json")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmnet.api.documents import json_text, save_text
from mmnet.arguments import checked_arguments
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.machine import describe_host
from mmnet.benchmark.profile.litert import run_profiler
from mmnet.benchmark.profile.operators import (
    KernelProfile,
    OperatorProfile,
    arithmetic,
    profile_kernels,
    profile_operators,
)
from mmnet.benchmark.profile.peak import Peak, measure_peak
from mmnet.runtime.model import default_model
from mmnet.runtime.tflite.contents import check_flatbuffer, load_model, read_graph
from mmnet.runtime.tflite.shipped import shipped_path

__all__ = ["KernelProfile", "ModelProfile", "OperatorProfile", "profile_model"]

PROFILE_FORMAT = "mmnet-profile/1"


@dataclass(frozen=True, repr=False)
class ModelProfile:
    """The operators of a model with their times. `print` shows its kernels and its slowest layers.

    Attributes:
        name: the model.
        operators: every operator, in the order in which they ran.
        invoke_microseconds: the time of the whole inference in the fastest run; with the profiler, each operator takes
            a little longer.
        runs: the number of runs.
        peak: what this machine can do at most.
        machine: this machine, as `mmnet benchmark` describes it.
    """

    name: str
    operators: tuple[OperatorProfile, ...]
    invoke_microseconds: int
    runs: int
    peak: Peak
    machine: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<ModelProfile of {self.name}: {len(self.operators)} operators, {self.microseconds / 1e3:.2f} ms>"

    def __str__(self) -> str:
        kernels = [f"{one.microseconds / 1e3:8.3f} ms  {one.operators:4}  {one.kernel}" for one in self.kernels]
        slowest = sorted(self.operators, key=lambda operator: -operator.microseconds)[:10]
        layers = [f"{operator.microseconds / 1e3:8.3f} ms  {operator.layer or operator.kernel}" for operator in slowest]
        return "\n".join([f"{self.name}: {self.microseconds / 1e3:.2f} ms", *kernels, "", *layers])

    @property
    def microseconds(self) -> int:
        """The sum of the times of all operators, each in its fastest run."""
        return sum(operator.microseconds for operator in self.operators)

    @property
    def kernels(self) -> tuple[KernelProfile, ...]:
        """The kernels, the slowest first."""
        return profile_kernels(self.operators)

    def document(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "format": PROFILE_FORMAT,
            "model": self.name,
            "machine": dict(self.machine),
            "peak": asdict(self.peak),
            "runs": self.runs,
            "invoke_microseconds": self.invoke_microseconds,
            "kernels": [asdict(kernel) for kernel in self.kernels],
            "operators": [asdict(operator) for operator in self.operators],
        }

    def to_json(self) -> str:
        """Return `document` as text, without a newline at its end."""
        return json_text(self.document())

    def save_json(self, path: str | Path, *, force: bool = False) -> None:
        """Write `document` to a file.

        Args:
            path: the file.
            force: whether an existing file is replaced.

        Raises:
            OutputExistsError: the file exists and `force` is false.
            OutputError: it cannot be written.
        """
        save_text(path, self.to_json() + "\n", force=force)


@checked_arguments
def profile_model(
    model: str | Path | bytes | None = None,
    *,
    threads: int = 1,
    runs: int = 100,
    progress: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> ModelProfile:
    """Measure the time of every operator of a model, and compare it with what this machine can do.

    LiteRT's own profiler measures, in a process of its own. Its clock counts microseconds. Inputs hold drawn values.
    Sizes that the model leaves open are 1.

    Args:
        model: any .tflite by its path, its shipped name or its bytes; the model that ships if None.
        threads: number of threads, >= 1.
        runs: number of runs, >= 1.
        progress: called with a stage, the steps done and their total.

    Raises:
        ProfileError: LiteRT refuses the model, or its profiler cannot be used.
        BenchmarkError: `threads` or `runs` is below 1.
        ModelError: the model is missing or damaged.
    """
    if threads < 1 or runs < 1:
        raise BenchmarkError(f"{threads} threads and {runs} runs: both have to be at least 1")
    name, content = _open(model)
    machine = describe_host()
    graph = read_graph(content)
    progress("measuring what this machine can do", 0, 2)
    peak = measure_peak(arithmetic(graph), threads)
    progress("running the model", 1, 2)
    events = run_profiler(content, threads, runs)
    operators = profile_operators(graph, events, peak)
    return ModelProfile(name, operators, min(events.invoke), runs, peak, machine)


def _open(model: str | Path | bytes | None) -> tuple[str, bytes]:
    """Return the name and the bytes of a model whose tables can be read."""
    if model is None:
        return "shipped", default_model()
    if isinstance(model, bytes):
        check_flatbuffer(model)
        return "model", model
    return shipped_path(Path(model)).stem, load_model(Path(model))
