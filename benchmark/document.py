"""The JSON document of measurements, from which every table and figure is made.

    {"format": "mmnet-benchmark/1",
     "measurements": [{"command", "when", "machine", "settings", "baseline", "warnings", "results": [RESULT, …]}, …]}

A RESULT is one model with one number of threads: the description of the model, its start, `stages` (one `Latency` per
stage, in milliseconds; `total` is their sum, run by run), `ratio` (to the baseline with the same number of threads) and
`rounds_ms`, from which those were computed. A value that was not measured is null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.stages import TOTAL
from mmnet.benchmark.latency import Ratio
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED
from mmnet.files import atomic_file
from mmnet.json_reader import read_json
from mmnet.runtime.errors import ModelError
from mmnet.runtime.tflite.inspection import inspect_model
from mmnet.text import json_text

FORMAT = "mmnet-benchmark/1"
_FIX = "give what `mmnet benchmark --json` wrote"


def measurement(
    machine: Mapping[str, Any],
    settings: Mapping[str, Any],
    results: Sequence[dict[str, Any]],
    baseline: str | None,
    warnings: Sequence[str],
    command: str | None,
) -> dict[str, Any]:
    """Return one entry of `measurements`: a run of the benchmark on one machine, with ratios to the baseline.

    Args:
        machine: the description of the machine.
        settings: the options of the measurement.
        results: one RESULT per model and number of threads, with `rounds_ms` and without `ratio`.
        baseline: the name of the model that the others are compared with; None for no comparison.
        warnings: what makes the figures doubtful, one sentence each.
        command: the command line that was typed; None for a call from Python.
    """
    return {
        "command": command,
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


def describe_model(candidate: Candidate) -> dict[str, Any]:
    """Return what identifies a model (file, recipe, size) and what it costs by counting.

    Parameters, multiply-adds and XNNPACK partitions are None where the file cannot be analysed.
    """
    identity = {
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
        return identity | {"parameters": None, "multiply_adds": None, "xnnpack_partitions": None}
    return identity | {
        "parameters": report.parameters,
        "multiply_adds": report.multiply_adds,
        "xnnpack_partitions": report.delegation.partitions,
    }


def _ratios(result: dict[str, Any], results: Sequence[dict[str, Any]], baseline: str | None) -> dict[str, Any] | None:
    """Return the ratios of `invoke` and `total` to the baseline; None for the baseline itself, or without one."""
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
    """Read a document that `write_document` wrote.

    Raises:
        BenchmarkError: the file does not exist, or holds something else.
    """
    content = read_format(path, FORMAT, _FIX)
    if not isinstance(content.get("measurements"), list):
        raise BenchmarkError(f"{path}: holds no measurements; {_FIX}")
    return content


def read_format(path: Path, expected: str, fix: str) -> dict[str, Any]:
    """Read a JSON document of a format.

    Args:
        path: the file.
        expected: the format that the document has to name.
        fix: what messages say to do, for example "give what `mmnet benchmark --json` wrote".

    Raises:
        BenchmarkError: the file does not exist, or holds something else.
    """
    try:
        content = read_json(path)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        reason = "no such file" if missing else f"cannot be read: {error.strerror}"
        raise BenchmarkError(f"{path}: {reason}; {fix}") from error
    except ValueError as error:
        what = "is a folder" if path.is_dir() else f"is not JSON ({error})"
        raise BenchmarkError(f"{path}: {what}; {fix}") from error
    kind = content.get("format") if isinstance(content, dict) else None
    if kind != expected:
        raise BenchmarkError(f"{path}: its format is {kind!r}, not {expected!r}; {fix}")
    return dict(content)


def make_document(measurements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the document of these measurements."""
    return {"format": FORMAT, "measurements": [dict(entry) for entry in measurements]}


def to_json(document: Mapping[str, Any]) -> str:
    """Return a document as text, without a newline at its end."""
    return json_text(document)


def write_document(path: Path, measurements: Sequence[Mapping[str, Any]], *, replace: bool = True) -> None:
    """Write the document of these measurements; the file is either complete or not written.

    Raises:
        OutputError: the file cannot be written, or it exists and `replace` is false.
    """
    with atomic_file(path, replace=replace) as temporary:
        temporary.write_text(to_json(make_document(measurements)) + "\n", encoding="utf-8")
