"""Accuracy and latency of the same models, joined from the documents of `mmnet evaluate` and `mmnet benchmark`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from mmnet.benchmark.document import read_document, read_format
from mmnet.benchmark.errors import BenchmarkError
from mmnet.benchmark.host.stages import STAGES, TOTAL
from mmnet.benchmark.table import describe_machine
from mmnet.evaluation.figures import FIGURES
from mmnet.evaluation.report import FORMAT as EVALUATION_FORMAT
from mmnet.json_reader import JsonError, is_of, shown

# The figures of an evaluation that can be drawn: errors, of which less is better.
_LARGEST = 1e12  # milliseconds, errors and parameters stay far below
ERRORS = tuple(figure.name for figure in FIGURES if not figure.higher_is_better)


@dataclass(frozen=True)
class Point:
    """One model on one machine and one set of images.

    Attributes:
        data: the images that the error was measured on, in words.
        label: the model's name.
        machine: the machine, in one line.
        threads: number of threads.
        latency_ms: the median latency.
        latency_low_ms: the 25th percentile of the latency; None where it is not known.
        latency_high_ms: the 75th percentile of the latency; None where it is not known.
        error: the mean error over the images.
        error_low: lower end of the interval of the mean; None where it is not known.
        error_high: upper end of that interval.
        parameters: number of parameters of the model; None if they could not be counted.
    """

    data: str
    label: str
    machine: str
    threads: int
    latency_ms: float
    latency_low_ms: float | None
    latency_high_ms: float | None
    error: float
    error_low: float | None
    error_high: float | None
    parameters: int | None


def join_results(
    evaluation: Mapping[str, Any], measurements: Sequence[Mapping[str, Any]], figure: str, stage: str, threads: int
) -> tuple[list[Point], list[str]]:
    """Join evaluation and latency of the same models.

    Two entries are the same model if their files have the same SHA-256; otherwise if they were made from the same
    checkpoint in the same precision and input size; otherwise if they have the same name. Of two measurements of one
    model on one machine, the later one counts.

    Args:
        evaluation: the document of `mmnet evaluate --json`.
        measurements: entries of the document of `mmnet benchmark --json`.
        figure: a figure of the evaluation, for example GAUSS_GRAD_800x600.
        stage: a stage of the measurements, for example invoke.
        threads: the number of threads.

    Returns:
        One point per model and machine, and the names of the models that were measured but not evaluated.
    """
    points: dict[tuple[str, str], Point] = {}
    missing: dict[str, None] = {}
    data = _describe_data(evaluation)
    for measurement in measurements:
        machine = describe_machine(measurement["machine"])
        for result in measurement["results"]:
            if result["threads"] != threads or stage not in result["stages"]:
                continue
            model = _evaluated(result, evaluation["models"])
            error = model["statistics"].get(figure) if model else None
            if error is None or error["mean"] is None:
                missing[result["name"]] = None
                continue
            points[machine, result["sha256"]] = _point(data, result, machine, stage, error)
    return list(points.values()), list(missing)


def _point(data: str, result: Mapping[str, Any], machine: str, stage: str, error: Mapping[str, Any]) -> Point:
    rounds = sorted(_figure(value) for value in result["rounds_ms"][stage])
    quarter = len(rounds) // 4
    known = len(rounds) >= 4
    return Point(
        data=data,
        label=str(result["name"]),
        machine=machine,
        threads=result["threads"],
        latency_ms=_figure(result["stages"][stage]["median_ms"]),
        latency_low_ms=rounds[quarter] if known else None,
        latency_high_ms=rounds[-1 - quarter] if known else None,
        error=_figure(error["mean"]),
        error_low=None if error["low"] is None else _figure(error["low"]),
        error_high=None if error["high"] is None else _figure(error["high"]),
        parameters=None if result["parameters"] is None else int(_figure(result["parameters"])),
    )


def _figure(value: object) -> float:
    if not is_of(value, float) or not 0 <= float(value) <= _LARGEST:  # type: ignore[arg-type]
        raise JsonError(f"a figure is {shown(value)}; it has to be a number of 0 or more")
    return float(value)  # type: ignore[arg-type]


def _evaluated(result: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the evaluation's entry of a measured model; None if the model was not evaluated."""
    for key in (lambda entry: entry["sha256"], _origin, lambda entry: entry["name"]):
        wanted = key(result)
        match = next((model for model in models if wanted is not None and key(model) == wanted), None)
        if match is not None:
            return match
    return None


def _origin(entry: Mapping[str, Any]) -> tuple[str, str, int] | None:
    """Return the checkpoint, precision and input size of a model; None where its recipe does not say the first two."""
    recipe = entry["recipe"]
    checkpoint, precision = recipe.get("checkpoint"), recipe.get("precision")
    return (checkpoint["sha256"], precision, entry["size"]) if checkpoint and precision else None


def _describe_data(evaluation: Mapping[str, Any]) -> str:
    """Return the images of an evaluation in words; a document without a fit is of images that were stretched."""
    data = evaluation["data"]
    split = f"/{data['split']}" if data["split"] else ""
    fit = f", fit {evaluation['fit']}" if "fit" in evaluation else ""
    folder = str(data["folder"])
    return f"{data['images']} images of {PurePath(folder).name or folder}{split}{fit}"


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other point of the same images and machine equals or beats in both error and latency.

    They are ordered by images, machine and latency.
    """
    chosen: list[Point] = []
    for point in sorted(points, key=lambda one: (one.data, one.machine, one.latency_ms, one.error)):
        last = chosen[-1] if chosen else None
        if last is None or (last.data, last.machine) != (point.data, point.machine) or point.error < last.error:
            chosen.append(point)
    return chosen


def read_points(
    evaluations: Sequence[Path], latencies: Sequence[Path], figure: str, stage: str, threads: int
) -> tuple[list[Point], list[str]]:
    """Read the documents and join them; see `join_results`.

    Args:
        evaluations: files that `mmnet evaluate --json` wrote, each of other images.
        latencies: files that `mmnet benchmark --json` wrote.
        figure: one of ERRORS.
        stage: preprocess, invoke, postprocess or total.
        threads: the number of threads.

    Raises:
        BenchmarkError: the figure or the stage is unknown, a file cannot be read or holds something else, two
            evaluations are of the same images, or no model of an evaluation was measured.
    """
    if figure not in ERRORS:
        raise BenchmarkError(f"unknown figure {figure!r}; choose one of {', '.join(ERRORS)}")
    if stage not in (*STAGES, TOTAL):
        raise BenchmarkError(f"unknown stage {stage!r}; choose one of {', '.join((*STAGES, TOTAL))}")
    evaluated = [(path, _read_evaluation(path)) for path in evaluations]
    measurements = [entry for path in latencies for entry in read_document(path)["measurements"]]
    points: list[Point] = []
    missing: dict[str, None] = {}
    for path, evaluation in evaluated:
        try:
            found, left_out = join_results(evaluation, measurements, figure, stage, threads)
            names = [str(model["name"]) for model in evaluation["models"]]
        except (KeyError, TypeError, AttributeError, LookupError, ArithmeticError, ValueError) as error:
            raise BenchmarkError(
                f"{path} or {', '.join(map(str, latencies))} is damaged or of another version ({error}); write them "
                "again with this version"
            ) from error
        if not found:
            raise BenchmarkError(
                f"no model is in both: {path} has {', '.join(names)}; "
                f"measured on {threads} threads and not evaluated are {', '.join(left_out) or 'none'}"
            )
        if any(point.data == found[0].data for point in points):
            raise BenchmarkError(f"{path}: is the second evaluation on {found[0].data}; give one of them")
        points += found
        missing.update(dict.fromkeys(left_out))
    return points, list(missing)


def _read_evaluation(path: Path) -> dict[str, Any]:
    return read_format(path, EVALUATION_FORMAT, "give what `mmnet evaluate --json` wrote")
