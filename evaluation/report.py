"""Results on photos as a JSON document, and as Markdown made from that document.

`python -m mmnet.evaluation.report FILE.json…` prints the Markdown.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import FIGURES, WORST_BY
from mmnet.evaluation.machine import processor, tool_versions
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.statistics import LEVEL, RESAMPLES, SEED
from mmnet.json_reader import read_json
from mmnet.runtime.imaging.fit import Fit

FORMAT = "mmnet-evaluation/1"


def document(
    results: Sequence[Result],
    resize: Resize,
    fit: Fit,
    data: dict[str, Any],
    command: str | None,
    *,
    worst: int,
    with_images: bool = True,
) -> dict[str, Any]:
    """Return all results, and how they were measured, as plain JSON values (null where an image has no figure).

    Args:
        results: one per model.
        resize: the resize that they were measured with.
        fit: the fit that they were measured with.
        data: the description of the images.
        command: the command line; None where there was none.
        worst: the number of worst images to name for every model.
        with_images: whether to include the figures of every image.
    """
    return {
        "format": FORMAT,
        "command": command,
        "data": data,
        "resize": {"name": resize.name, "what": resize.what},
        "fit": str(fit),
        **environment("percentile bootstrap of the mean"),
        "figures": {figure.name: figure.definition for figure in FIGURES},
        "models": [model_entry(result, worst, with_images) for result in results],
    }


def environment(interval: str) -> dict[str, Any]:
    """Return how intervals are computed (`interval` is the method), the machine, and the versions, as JSON values."""
    return {
        "interval": {"level": LEVEL, "method": interval, "resamples": RESAMPLES, "seed": SEED},
        "machine": {"processor": processor(), "system": platform.system(), "python": platform.python_version()},
        "versions": tool_versions(),
    }


def markdown(document: dict[str, Any]) -> str:
    """Return a document of `document` as Markdown: means with intervals, worst images, and how it was measured."""
    models, figures, data, interval = (document[key] for key in ("models", "figures", "data", "interval"))
    split = f", split `{data['split']}`" if data["split"] else ""
    resize = document["resize"]
    lines = [
        f"## Resize `{resize['name']}` ({resize['what']}){fit_text(document)}",
        "",
        f"{data['images']} images of `{data['folder']}`{split}. Each cell is the mean of a figure over the images, and "
        f"its {interval['level']:.0%} interval ({interval['method']}, {interval['resamples']:,} resamples).",
        "",
        *markdown_rows(
            ["", *(model["name"] for model in models)],
            ([name, *(with_interval(model["statistics"][name]) for model in models)] for name in figures),
        ),
        "",
        *(f"- {name}: {definition}" for name, definition in figures.items()),
        "",
        *markdown_rows(
            ["model", "file and recipe", f"worst images by {WORST_BY}"],
            ([model["name"], _about(model), ", ".join(entry["image"] for entry in model["worst"])] for model in models),
        ),
        "",
        *markdown_origin(document),
    ]
    return "\n".join(lines) + "\n"


def fit_text(document: dict[str, Any]) -> str:
    """Return `, fit …` of a document; empty for documents from before there were fits, which were stretched."""
    return f", fit `{document['fit']}`" if "fit" in document else ""


def markdown_origin(document: dict[str, Any]) -> list[str]:
    """Return the lines that name the processor, the versions and the command line of a document."""
    versions = ", ".join(f"{tool} {number}" for tool, number in document["versions"].items())
    measured = f"Measured on {document['machine']['processor']} with {versions}"
    return [f"{measured}:", "", f"    {document['command']}"] if document["command"] else [f"{measured}."]


def _about(model: dict[str, Any]) -> str:
    recipe = model["recipe"]
    parts = [f"`{model['source']}`", f"{model['size']}²", recipe.get("precision", model["kind"])]
    if "checkpoint" in recipe:
        parts.append(f"from {recipe['checkpoint']['name']}")
    if recipe.get("calibration"):
        parts.append(f"calibrated on {recipe['calibration']['photos']} photos")
    return ", ".join(parts)


def model_entry(result: Result, worst: int, with_images: bool) -> dict[str, Any]:
    """Return one model as plain JSON values: description, statistics, worst images, and all figures if wanted."""
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
    """Return the same values with None for NaN and infinity, which JSON cannot hold."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in values.items()
    }


def figure_text(value: float | None) -> str:
    """Return a figure with four significant digits, but at most five decimals; n/a for None and NaN."""
    if value is None or math.isnan(value):
        return "n/a"
    decimals = 5 if abs(value) < 1 else max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{decimals}f}"


def signed_figure_text(value: float) -> str:
    """Return a figure as `figure_text` does, with its sign."""
    return ("+" if value >= 0 else "−") + figure_text(abs(value))


def with_interval(entry: dict[str, float | None]) -> str:
    """Return the mean and the interval of statistics in JSON, as text."""
    return f"{figure_text(entry['mean'])} ({figure_text(entry['low'])}–{figure_text(entry['high'])})"


def markdown_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as plain text: the first column to the left, the others to the right, two spaces between them."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(head))]
    lines = (
        [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        for row in cells
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print evaluations that `mmnet evaluate --json` wrote as Markdown.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    documents = [read_json(path) for path in parser.parse_args().files]
    sys.stdout.write("\n".join(markdown(each) for each in documents))
