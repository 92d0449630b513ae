"""A measurement on this host, as an entry of the JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mmnet.benchmark.document import describe_model, measurement
from mmnet.benchmark.host.machine import host_warnings
from mmnet.benchmark.host.rounds import HostOptions, HostResult, measure_rounds
from mmnet.benchmark.host.stages import COMPOSITE, TOTAL
from mmnet.benchmark.latency import Latency, Ratio, Times
from mmnet.benchmark.progress import Progress
from mmnet.evaluation.models import Candidate


def measure_on_host(
    machine: Mapping[str, Any],
    candidates: Sequence[Candidate],
    baseline: str | None,
    options: HostOptions,
    progress: Progress,
    *,
    command: str | None = None,
) -> dict[str, Any]:
    """Measure models on this host.

    Args:
        machine: `describe_host`, taken before anything of this process loaded the machine.
        candidates: the models.
        baseline: the name of the model that the others are compared with; None for no comparison.
        options: how to measure.
        progress: the progress callback.
        command: the command line that was typed, if any.

    Returns:
        An entry of `measurements` (see `mmnet.benchmark.document`).

    Raises:
        ModelError: LiteRT cannot load or run a model; names it.
    """
    results, context_switches = measure_rounds(candidates, options, progress)
    height, width = options.frame
    settings = {
        "runs": options.runs,
        "warmup_runs": options.warmup_runs,
        "frame": {"height": height, "width": width},
        "fit": str(options.fit),
        "seed": options.seed,
        "involuntary_context_switches": context_switches,
    }
    entries = [_entry(result, options.runs_on) for result in results]
    return measurement(machine, settings, entries, baseline, list(host_warnings(machine)), command)


def _entry(result: HostResult, delegate: str) -> dict[str, Any]:
    """Return a RESULT of the document, without its ratio."""
    rounds: dict[str, Times] = {**result.times, TOTAL: np.sum(list(result.times.values()), axis=0)}
    startup = result.startup
    return {
        **describe_model(result.candidate),
        "threads": result.threads,
        "delegate": delegate,
        "load_ms": startup.load_ms,
        "first_run_ms": startup.first_run_ms,
        "warmup": asdict(Latency.of(np.array(startup.warmup_ms))) if startup.warmup_ms else None,
        "peak_memory_bytes": startup.peak_memory_bytes,
        "process_memory_bytes": startup.process_memory_bytes,
        "stages": {stage: asdict(Latency.of(times)) for stage, times in rounds.items()},
        "after_invoke": _after_invoke(rounds),
        "rounds_ms": {stage: times.round(6).tolist() for stage, times in rounds.items()},
    }


def _after_invoke(rounds: Mapping[str, Times]) -> dict[str, Any] | None:
    """Return the ratio of everything after the network to the network, round by round; None without composites."""
    if COMPOSITE not in rounds:
        return None
    return asdict(Ratio.of(rounds["postprocess"] + rounds[COMPOSITE], rounds["invoke"]))
