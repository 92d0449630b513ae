"""Measurements as a JSON document: what every table and figure is made of.

    {"format": "mmnet-benchmark/1",
     "measurements": [{"command", "when", "machine", "settings", "baseline", "warnings", "results": [RESULT, …]}, …]}

A RESULT is one model on one number of threads: what the model is, its start, `stages` (a `Latency` each, in
milliseconds; `total` is their sum run by run), `ratio` to the baseline on as many threads, and `rounds_ms`, from which
all of that was computed. What was not measured is null.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.rounds import Measured
from mmnet.benchmark.host.stages import COMPOSITE, TOTAL
from mmnet.benchmark.latency import Latency, Milliseconds, Ratio
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED
from mmnet.files import atomic_file
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.inspection import inspect_model

FORMAT = "mmnet-benchmark/1"


def measurement(
    machine: Mapping[str, Any],
    settings: Mapping[str, Any],
    results: Sequence[dict[str, Any]],
    baseline: str | None,
    warnings: Sequence[str],
) -> dict[str, Any]:
    """One run of the benchmark on one machine, with the ratios of its results to the baseline's.

    Args:
        machine: what it ran on; taken before.
        settings: how it was measured.
        results: of `host_result` or of a phone, each with `rounds_ms`.
        baseline: the name of the model that the others are compared with; None for no comparison.
        warnings: what makes the figures doubtful.
    """
    return {
        "command": shlex.join(["mmnet", *sys.argv[1:]]),
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(machine),
        "settings": dict(settings),
        "interval": {
            "level": LEVEL,
            "method": "percentile bootstrap of the median of the rounds' ratios",
            "resamples": RESAMPLES,
            "seed": SEED,
        },
        "baseline": baseline,
        "warnings": list(warnings),
        "results": [result | {"ratio": _ratios(result, results, baseline)} for result in results],
    }


def host_result(measured: Measured, delegate: str) -> dict[str, Any]:
    """A RESULT of this host, without its ratio."""
    rounds = with_total(measured.times)
    cold = measured.cold
    return {
        **describe_model(measured.candidate),
        "threads": measured.threads,
        "delegate": delegate,
        "load_ms": cold.load_ms,
        "first_run_ms": cold.first_run_ms,
        "warmup": asdict(Latency.of(np.array(cold.warmup_ms))) if cold.warmup_ms else None,
        "peak_memory_bytes": cold.peak_memory_bytes,
        "process_memory_bytes": cold.process_memory_bytes,
        "stages": {stage: asdict(Latency.of(times)) for stage, times in rounds.items()},
        "after_invoke": _after_invoke(rounds),
        "rounds_ms": {stage: times.round(6).tolist() for stage, times in rounds.items()},
    }


def _after_invoke(rounds: dict[str, Milliseconds]) -> dict[str, Any] | None:
    """What everything after the network costs of what the network does, round by round; null without composites."""
    if COMPOSITE not in rounds:
        return None
    return asdict(Ratio.of(rounds["postprocess"] + rounds[COMPOSITE], rounds["invoke"]))


def with_total(rounds: dict[str, Milliseconds]) -> dict[str, Milliseconds]:
    """The stages' times, float64 [N] each, and their sum."""
    return {**rounds, TOTAL: np.sum(list(rounds.values()), axis=0)}


def describe_model(candidate: Candidate) -> dict[str, Any]:
    """What was measured: file, recipe, size; and what it costs on paper, null where that cannot be read."""
    described = {
        "name": candidate.name,
        "kind": candidate.kind,
        "source": candidate.source,
        "sha256": candidate.sha256,
        "bytes": len(candidate.content),
        "size": candidate.size,
        "recipe": dict(candidate.recipe),
    }
    try:
        report = inspect_model(candidate.content)
    except ModelError:
        return described | {"parameters": None, "multiply_adds": None, "xnnpack_partitions": None}
    return described | {
        "parameters": report.parameters,
        "multiply_adds": report.multiply_adds,
        "xnnpack_partitions": report.delegation.partitions,
    }


def _ratios(result: dict[str, Any], results: Sequence[dict[str, Any]], baseline: str | None) -> dict[str, Any] | None:
    others = (other for other in results if other["name"] == baseline and other["threads"] == result["threads"])
    base = next(others, None)
    if base is None or base is result:
        return None
    return {
        stage: asdict(Ratio.of(np.array(result["rounds_ms"][stage]), np.array(base["rounds_ms"][stage])))
        for stage in ("invoke", TOTAL)
        if stage in result["rounds_ms"] and stage in base["rounds_ms"]
    }


def read_document(path: Path) -> dict[str, Any]:
    """A document that `write_document` wrote.

    Raises:
        BenchmarkError: no such file, or something else is in it.
    """
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchmarkError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise BenchmarkError(f"{path}: is not JSON ({error}); give what `mmnet benchmark --json` wrote") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("measurements"), list):
        kind = found.get("format") if isinstance(found, dict) else None
        raise BenchmarkError(
            f"{path}: its format is {kind!r}, not {FORMAT!r}; give what `mmnet benchmark --json` wrote"
        )
    return found


def to_json(measurements: Sequence[dict[str, Any]]) -> str:
    """The document as text."""
    return json.dumps({"format": FORMAT, "measurements": list(measurements)}, indent=1, ensure_ascii=False)


def write_document(path: Path, measurements: Sequence[dict[str, Any]]) -> None:
    """Write the whole document or nothing.

    Raises:
        OutputError: the file system refused.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(to_json(measurements) + "\n", encoding="utf-8")
