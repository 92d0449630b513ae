"""The verdicts on models as a JSON document, and as Markdown made from that document."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mmnet.evaluation.machine import processor, tool_versions
from mmnet.evaluation.release.measure import Measured
from mmnet.evaluation.release.suite import MEASURES, TOLERANCE, Measure
from mmnet.evaluation.release.verdict import Cell, ModelVerdict
from mmnet.evaluation.report import markdown_rows
from mmnet.evaluation.resize import Resize
from mmnet.runtime.imaging.fit import Fit

FORMAT = "mmnet-release/1"
OVER, WORSE = "✗", "↓"  # marks of a value over its limit, and of one that is worse than the older model's
_LABELS = {measure.name: measure for measure in MEASURES}


def document(
    suite: str,
    verdicts: Sequence[ModelVerdict],
    measured: Sequence[Measured],
    older: str | None,
    resize: Resize,
    fit: Fit,
    folder: str,
    command: str | None,
) -> dict[str, Any]:
    """Return all measures and verdicts, and how they were measured, as plain JSON values.

    Args:
        suite: the name of the suite.
        verdicts: from `judge`.
        measured: from `measure_sets`.
        older: the name of the model that the others may not be worse than; None if there is none.
        resize, fit: how photos and mattes were resized and placed.
        folder: the folder of the sets.
        command: the command line; None where there was none.
    """
    return {
        "format": FORMAT,
        "suite": suite,
        "command": command,
        "folder": folder,
        "passed": all(verdict.passed for verdict in verdicts if verdict.counts),
        "against": older,
        "tolerance": TOLERANCE,
        "resize": resize.name,
        "fit": str(fit),
        "machine": processor(),
        "versions": tool_versions(),
        "measures": {measure.name: measure.definition for measure in MEASURES},
        "sets": [
            {
                "name": one.data.set.name,
                "title": one.data.set.title,
                "images": len(one.data.pairs),
                "expected": one.data.expected or None,
                "complete": one.data.complete,
                "sha256": one.data.sha256,
                "limits": {criterion.measure.name: criterion.limit for criterion in one.data.set.criteria},
            }
            for one in measured
        ],
        "models": [_model_entry(verdict) for verdict in verdicts],
    }


def value_text(measure: Measure, value: float | None) -> str:
    """Return a value as text: a part of the images in per cent, any other with four digits after the point."""
    if value is None or math.isnan(value):
        return "n/a"
    if measure.counts:
        return f"{value:.0%}"
    return f"{value:.3f}" if measure.name.startswith("error") else f"{value:.{5 if 'GRAD' in measure.name else 4}f}"


def marked(measure: Measure, value: float | None, over_limit: bool, worse: bool) -> str:
    """Return a value as text with the marks of what is wrong with it."""
    marks = OVER * over_limit + WORSE * worse
    return f"{value_text(measure, value)} {marks}" if marks else value_text(measure, value)


def failure_text(cell: Cell) -> str:
    """Return what is wrong with a value, as one line."""
    measure, text = cell.criterion.measure, value_text
    reasons = []
    if cell.over_limit:
        reasons.append(f"is over the limit {text(measure, cell.criterion.limit)}")
    if cell.worse:
        reasons.append(f"is worse than {text(measure, cell.older)} before")
    return f"{cell.set.title}: {measure.label} {text(measure, cell.value)} {' and '.join(reasons)}"


def failure_texts(verdict: ModelVerdict) -> list[str]:
    """Return everything that keeps a model from passing: the values that are wrong, then the incomplete sets."""
    incomplete = [
        f"{one.set.title}: the set {one.set.name} has {one.count_text} images; add those that are missing"
        for one in verdict.incomplete
    ]
    return [*map(failure_text, verdict.failures), *incomplete]


def markdown(document: Mapping[str, Any]) -> str:
    """Return a document of `document` as Markdown: one row per set and measure, one column per model."""
    models, rows = document["models"], []
    for one in document["sets"]:
        # Documents from before sets could be incomplete do not say so.
        of = "" if one.get("complete", True) else f" of {one['expected']}, incomplete"
        name = f"{one['title']} ({one['images']}{of})"
        for key, limit in one["limits"].items():
            cells = (model["sets"][one["name"]][key] for model in models)
            rows.append(
                [
                    name,
                    _LABELS[key].label,
                    "" if limit is None else f"≤ {value_text(_LABELS[key], limit)}",
                    *(marked(_LABELS[key], cell["value"], cell["over_limit"], cell["worse"]) for cell in cells),
                ]
            )
            name = ""
    rows.append(["**verdict**", "", "", *("passes" if model["passed"] else "fails" for model in models)])
    lines = markdown_rows(["set (images)", "measure", "limit", *(model["name"] for model in models)], rows)
    worse = f"; {WORSE}: worse than {document['against']}" if document["against"] else ""
    lines += ["", f"{OVER}: over the limit{worse}. Fit `{document['fit']}`. Lower is better."]
    return "\n".join(lines) + "\n"


def _model_entry(verdict: ModelVerdict) -> dict[str, Any]:
    candidate = verdict.candidate
    sets: dict[str, dict[str, Any]] = {}
    for cell in verdict.cells:
        sets.setdefault(cell.set.name, {})[cell.criterion.measure.name] = {
            "value": None if math.isnan(cell.value) else cell.value,
            "over_limit": cell.over_limit,
            "older": None if cell.older is None or math.isnan(cell.older) else cell.older,
            "worse": cell.worse,
        }
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "source": candidate.source,
        "size": candidate.size,
        "sha256": candidate.sha256,
        "counts": verdict.counts,
        "passed": verdict.passed,
        "failures": failure_texts(verdict),
        "sets": sets,
    }
