"""Results as a table for people, as a JSON document, and as Markdown made from that document.

`python -m mmnet.evaluation.report FILE.json…` prints the Markdown.
"""

from __future__ import annotations

import json
import math
import platform
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from rich.table import Table
from rich.text import Text

from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import FIGURES, WORST_BY
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED

FORMAT = "mmnet-evaluation/1"
_CELL_WIDTH = len("0.00000–0.00000")
TOOLS = ("mmnet", "ai-edge-litert", "numpy", "opencv-python-headless")


def document(
    results: Sequence[Result],
    resize: Resize,
    data: dict[str, Any],
    command: str,
    *,
    worst: int,
    with_images: bool = True,
) -> dict[str, Any]:
    """Everything measured, and how, as plain JSON values (null where there is no figure).

    Args:
        results: one a model.
        resize: the one they were measured with.
        data: what they were measured on.
        command: the line that was typed.
        worst: how many of the worst images to name for every model.
        with_images: whether to give every image's figures.
    """
    return {
        "format": FORMAT,
        "command": command,
        "data": data,
        "resize": {"name": resize.name, "what": resize.what},
        **environment("percentile bootstrap of the mean"),
        "figures": {figure.name: figure.definition for figure in FIGURES},
        "models": [model_entry(result, worst, with_images) for result in results],
    }


def environment(interval: str) -> dict[str, Any]:
    """How intervals are computed (`interval`: in words), and on which machine with which versions all was."""
    return {
        "interval": {"level": LEVEL, "method": interval, "resamples": RESAMPLES, "seed": SEED},
        "machine": {"processor": processor(), "system": platform.system(), "python": platform.python_version()},
        "versions": {tool: version(tool) for tool in TOOLS},
    }


class Row(Protocol):
    """A row of a table: a figure's name, and which of its means is the best."""

    @property
    def name(self) -> str: ...

    @property
    def higher_is_better(self) -> bool: ...


def tables(results: Sequence[Result], width: int, figures: Sequence[Row] = FIGURES) -> Iterator[Table]:
    """A column a model, a row a figure: the mean (the best one bold), ± standard deviation, and the interval.

    Args:
        results: one a model.
        width: of the terminal in columns; models that do not fit beside the others come in a further table.
        figures: the rows.
    """
    columns = [max(_CELL_WIDTH, len(result.candidate.name)) for result in results]
    heading = max(len(figure.name) for figure in figures)
    shown: list[int] = []
    for index in range(len(results)):
        if shown and heading + sum(2 + columns[other] for other in [*shown, index]) > width:
            yield _table(results, shown, figures)
            shown = []
        shown.append(index)
    yield _table(results, shown, figures)


def _table(results: Sequence[Result], shown: Sequence[int], figures: Sequence[Row]) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    for index in shown:
        grid.add_column(Text(results[index].candidate.name), justify="right", overflow="fold")
    for figure in figures:
        row = [result.statistics[figure.name] for result in results]
        means = [entry.mean for entry in row if not math.isnan(entry.mean)]
        best = (max if figure.higher_is_better else min)(means, default=math.nan)
        cells = []
        for entry in (row[index] for index in shown):
            mean = Text(figure_text(entry.mean), "bold" if len(row) > 1 and entry.mean == best else "")
            spread = f"\n± {figure_text(entry.deviation)}\n{figure_text(entry.low)}–{figure_text(entry.high)}"
            cells.append(mean.append(spread, "not bold dim"))
        grid.add_row(figure.name, *cells)
    return grid


def markdown(found: dict[str, Any]) -> str:
    """A document of `document` as Markdown: the means with their intervals, the worst images, how it was measured."""
    models, figures, data, interval = (found[key] for key in ("models", "figures", "data", "interval"))
    split = f", split `{data['split']}`" if data["split"] else ""
    versions = ", ".join(f"{tool} {number}" for tool, number in found["versions"].items())
    lines = [
        f"## Resize `{found['resize']['name']}`: {found['resize']['what']}",
        "",
        f"{data['images']} images of `{data['folder']}`{split}. The mean of each figure, and its "
        f"{interval['level']:.0%} interval ({interval['method']}, {interval['resamples']:,} resamples).",
        "",
        *markdown_rows(
            ["", *(model["name"] for model in models)],
            ([name, *(with_interval(model["statistics"][name]) for model in models)] for name in figures),
        ),
        "",
        *(f"- {name}: {definition}" for name, definition in figures.items()),
        "",
        *markdown_rows(
            ["model", "what it is", f"worst by {WORST_BY}"],
            ([model["name"], _about(model), ", ".join(entry["image"] for entry in model["worst"])] for model in models),
        ),
        "",
        f"Measured on {found['machine']['processor']} with {versions}:",
        "",
        f"    {found['command']}",
    ]
    return "\n".join(lines) + "\n"


def _about(model: dict[str, Any]) -> str:
    recipe = model["recipe"]
    parts = [f"`{model['source']}`", f"{model['size']}²", recipe.get("precision", model["kind"])]
    if "checkpoint" in recipe:
        parts.append(f"of {recipe['checkpoint']['name']}")
    if recipe.get("calibration"):
        parts.append(f"calibrated on {recipe['calibration']['photos']} photos")
    return ", ".join(parts)


def model_entry(result: Result, worst: int, with_images: bool) -> dict[str, Any]:
    """One model as plain JSON values: what it is, its statistics, its worst images, perhaps all figures."""
    candidate = result.candidate
    entry: dict[str, Any] = {
        "name": candidate.name,
        "kind": candidate.kind,
        "source": candidate.source,
        "size": candidate.size,
        "sha256": candidate.sha256,
        "recipe": dict(candidate.recipe),
        "statistics": {name: nulls(asdict(entry)) for name, entry in result.statistics.items()},
        "worst": [{"image": name, WORST_BY: value} for name, value in result.worst(worst)],
    }
    if with_images:
        entry["images"] = {name: nulls(figures) for name, figures in result.images.items()}
    return entry


def nulls(values: dict[str, Any]) -> dict[str, Any]:
    """The same values with null for NaN and infinity, which JSON does not know."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def figure_text(value: float | None) -> str:
    """Four significant digits, but never more than five decimals."""
    if value is None or math.isnan(value):
        return "n/a"
    decimals = 5 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def with_interval(entry: dict[str, float | None]) -> str:
    """The mean of statistics in JSON, and its interval."""
    return f"{figure_text(entry['mean'])} ({figure_text(entry['low'])}–{figure_text(entry['high'])})"


def markdown_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


if __name__ == "__main__":
    documents = [json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:]]
    sys.stdout.write("\n".join(markdown(found) for found in documents))
