"""A measurement as a table: what the command line and `print(report)` show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mmnet.benchmark.android.tool import Delegated
from mmnet.benchmark.host.stages import TOTAL

_NOTHING = "–"

# Heading → what the table shows of a result.
_COLUMNS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "threads": lambda result: str(result["threads"]),
    "delegated": lambda result: _delegated(result.get("delegated")),
    "load": lambda result: _milliseconds(result["load_ms"]),
    "first run": lambda result: _milliseconds(result["first_run_ms"]),
    "warm-up": lambda result: _warm_up(result["warmup"]),
    "min": lambda result: _stage(result, "invoke", "min_ms"),
    "median": lambda result: _stage(result, "invoke", "median_ms"),
    "p90": lambda result: _stage(result, "invoke", "p90_ms"),
    "p95": lambda result: _stage(result, "invoke", "p95_ms"),
    "spread": lambda result: _stage(result, "invoke", "iqr_ms"),
    "preprocess": lambda result: _stage(result, "preprocess", "median_ms"),
    "postprocess": lambda result: _stage(result, "postprocess", "median_ms"),
    "composite": lambda result: _stage(result, "composite", "median_ms"),
    "after/invoke": lambda result: _ratio(result.get("after_invoke")),
    "total": lambda result: _stage(result, TOTAL, "median_ms"),
    "memory": lambda result: _mebibytes(result["peak_memory_bytes"]),
    "ratio": lambda result: _ratio((result["ratio"] or {}).get("invoke")),
}


@dataclass(frozen=True)
class LatencyTable:
    """One measurement as text.

    Attributes:
        machine: the machine, in one line.
        headings: of the columns after the model's name; columns in which no result has a figure are left out.
        rows: one per result: the model's name, then the text of each column.
        legend: what the columns mean.
        warnings: what makes the figures doubtful, one sentence each.
    """

    machine: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    legend: str
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, measurement: Mapping[str, Any]) -> LatencyTable:
        """Return the table of a measurement, as `mmnet.benchmark.document` describes it."""
        cells = [{heading: show(result) for heading, show in _COLUMNS.items()} for result in measurement["results"]]
        headings = tuple(heading for heading in _COLUMNS if any(row[heading] != _NOTHING for row in cells))
        names = [result["name"] for result in measurement["results"]]
        return cls(
            machine=describe_machine(measurement["machine"]),
            headings=headings,
            rows=tuple((name, *(row[key] for key in headings)) for name, row in zip(names, cells, strict=True)),
            legend=_legend(measurement, headings),
            warnings=tuple(measurement["warnings"]),
        )

    def __str__(self) -> str:
        lines = [("ms", *self.headings), *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            [
                self.machine,
                *(_align(line, widths) for line in lines),
                self.legend,
                *(f"warning: {warning}" for warning in self.warnings),
            ]
        )


def _align(cells: tuple[str, ...], widths: list[int]) -> str:
    """Return one line of the table: the name to the left of its column, the figures to the right of theirs."""
    name, *figures = cells
    return "  ".join([name.ljust(widths[0]), *map(str.rjust, figures, widths[1:])])


def describe_machine(machine: Mapping[str, Any]) -> str:
    """Return one line about the machine of a measurement: its processor, and its cores or its Android version."""
    if machine["kind"] == "device":
        system = f"Android {machine['android']}" if machine["android"] else "Android"
        return f"{machine['name']} ({', '.join(filter(None, [machine['processor'], system]))})"
    features = " ".join(machine["features"]) or "no features known"
    return f"{machine['processor']}, {machine['cores']} cores ({features})"


def _legend(measurement: Mapping[str, Any], headings: tuple[str, ...]) -> str:
    settings = measurement["settings"]
    parts = [f"{settings['runs']} runs" + (f" in {settings['rounds']} rounds" if "rounds" in settings else "")]
    if "delegated" in headings:
        parts.append("delegated: operators that the delegate runs")
    parts.append("min to spread: of invoke")
    if "spread" in headings:
        parts.append("spread: interquartile range")
    if "after/invoke" in headings:
        parts.append("after/invoke: postprocess and composite to invoke, median of the rounds")
    if "total" in headings:
        parts.append("the rest: medians")
    if "memory" in headings:
        parts.append("memory: peak, of the model alone")
    if "ratio" in headings:
        level = f"{measurement['interval']['level']:.0%}"
        parts.append(f"ratio: of invoke to {measurement['baseline']}, median of the rounds, {level} interval")
    return "; ".join(parts)


def _stage(result: Mapping[str, Any], stage: str, figure: str) -> str:
    return _milliseconds(result["stages"].get(stage, {}).get(figure))


def _warm_up(latency: Mapping[str, Any] | None) -> str:
    return _NOTHING if latency is None else _milliseconds(latency["median_ms"] or latency["mean_ms"])


def _delegated(part: Mapping[str, Any] | None) -> str:
    return _NOTHING if part is None else str(Delegated(**part))


def _milliseconds(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _mebibytes(value: int | None) -> str:
    return _NOTHING if value is None else f"{value / 2**20:.1f} MiB"


def _ratio(ratio: Mapping[str, Any] | None) -> str:
    if not ratio:
        return _NOTHING
    interval = "" if ratio["low"] is None else f" [{ratio['low']:.3f}, {ratio['high']:.3f}]"
    return f"{ratio['median']:.3f}{interval}"
