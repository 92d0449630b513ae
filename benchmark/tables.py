"""Measurements as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from mmnet.benchmark.host.stages import TOTAL

_NOTHING = "–"

# Heading → what to show of a result; of the stage `invoke` where no other is named.
_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "threads": lambda result: str(result["threads"]),
    "load": lambda result: _ms(result["load_ms"]),
    "first run": lambda result: _ms(result["first_run_ms"]),
    "warm-up": lambda result: _ms(result["warmup"] and (result["warmup"]["median_ms"] or result["warmup"]["mean_ms"])),
    "min": lambda result: _ms(_of(result, "invoke", "min_ms")),
    "median": lambda result: _ms(_of(result, "invoke", "median_ms")),
    "p90": lambda result: _ms(_of(result, "invoke", "p90_ms")),
    "p95": lambda result: _ms(_of(result, "invoke", "p95_ms")),
    "spread": lambda result: _ms(_of(result, "invoke", "iqr_ms")),
    "preprocess": lambda result: _ms(_of(result, "preprocess", "median_ms")),
    "postprocess": lambda result: _ms(_of(result, "postprocess", "median_ms")),
    "composite": lambda result: _ms(_of(result, "composite", "median_ms")),
    "after/invoke": lambda result: _ratio({"invoke": result["after_invoke"]} if result.get("after_invoke") else None),
    "total": lambda result: _ms(_of(result, TOTAL, "median_ms")),
    "memory": lambda result: _mebibytes(result["peak_memory_bytes"]),
    "ratio": lambda result: _ratio(result["ratio"]),
}


def render(measurement: dict[str, Any]) -> Iterator[Table | Text | str]:
    """One measurement: its machine, its table, what the columns mean, and what makes it doubtful."""
    yield Text(describe_machine(measurement["machine"]), "bold")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("ms")
    results = measurement["results"]
    rows = [[show(result) for show in _COLUMNS.values()] for result in results]
    shown = [index for index in range(len(_COLUMNS)) if any(row[index] != _NOTHING for row in rows)]
    for index in shown:
        table.add_column(list(_COLUMNS)[index], justify="right", no_wrap=True)
    for result, row in zip(results, rows, strict=True):
        table.add_row(escape(result["name"]), *(row[index] for index in shown))
    yield table
    yield Text(_legend(measurement, {list(_COLUMNS)[index] for index in shown}), "dim")
    for warning in measurement["warnings"]:
        yield f"[yellow]warning:[/] {escape(warning)}"


def describe_machine(machine: dict[str, Any]) -> str:
    """One line: what it is."""
    if machine["kind"] == "device":
        system = f"Android {machine['android']}" if machine["android"] else "Android"
        return f"{machine['name']} ({', '.join(filter(None, [machine['processor'], system]))})"
    features = " ".join(machine["features"]) or "no features known"
    return f"{machine['processor']}, {machine['cores']} cores ({features})"


def _legend(measurement: dict[str, Any], shown: set[str]) -> str:
    settings = measurement["settings"]
    parts = [f"{settings['runs']} runs" + (f" in {settings['rounds']} rounds" if "rounds" in settings else "")]
    parts.append("min to spread: of invoke")
    if "spread" in shown:
        parts.append("spread: interquartile range")
    if "after/invoke" in shown:
        parts.append("after/invoke: postprocess and composite to invoke, median of the rounds")
    if "total" in shown:
        parts.append("the rest: medians")
    if "memory" in shown:
        parts.append("memory: peak, of the model alone")
    if "ratio" in shown:
        level = f"{measurement['interval']['level']:.0%}"
        parts.append(f"ratio: of invoke to {measurement['baseline']}, median of the rounds, {level} interval")
    return "; ".join(parts)


def _of(result: dict[str, Any], stage: str, figure: str) -> float | None:
    value: float | None = result["stages"].get(stage, {}).get(figure)
    return value


def _ms(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def _mebibytes(value: int | None) -> str:
    return _NOTHING if value is None else f"{value / 2**20:.1f} MiB"


def _ratio(ratios: dict[str, Any] | None) -> str:
    if not ratios or "invoke" not in ratios:
        return _NOTHING
    ratio = ratios["invoke"]
    interval = "" if ratio["low"] is None else f" [{ratio['low']:.3f}, {ratio['high']:.3f}]"
    return escape(f"{ratio['median']:.3f}{interval}")
