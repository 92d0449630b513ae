"""Results on frame sequences as a JSON document, and as Markdown made from that document.

`python -m mmnet.evaluation.video.report FILE.json…` prints the Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import WORST_BY
from mmnet.evaluation.report import (
    environment,
    figure_text,
    fit_text,
    markdown_origin,
    markdown_rows,
    model_entry,
    nulls,
    signed_figure_text,
    with_interval,
)
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.video.evaluate import NAMES, SMOOTHED, VIDEO_FIGURES, VideoResult
from mmnet.json_reader import read_json
from mmnet.runtime.imaging.fit import Fit
from mmnet.runtime.video.smoothing import TemporalSmoother

FORMAT = "mmnet-video-evaluation/1"
_BY_MOTION = ("MAD", "dtSSD", "MESSDdt")


def video_document(
    results: Sequence[VideoResult],
    resize: Resize,
    fit: Fit,
    data: dict[str, Any],
    command: str | None,
    *,
    motions: Mapping[str, str],
    worst: int,
    with_sequences: bool = True,
) -> dict[str, Any]:
    """Return all results, and how they were measured, as plain JSON values (null where a sequence has no figure).

    Args:
        results: one per model.
        resize: the resize that they were measured with.
        fit: the fit that they were measured with.
        data: the description of the sequences.
        command: the command line; None where there was none.
        motions: sequence name -> motion, as far as known; means are included for each motion.
        worst: the number of worst sequences to name for every model.
        with_sequences: whether to include the figures of every sequence.
    """
    return {
        "format": FORMAT,
        "command": command,
        "data": data,
        "resize": {"name": resize.name, "what": resize.what},
        "fit": str(fit),
        **environment("percentile bootstrap of the mean over sequences"),
        "figures": {figure.name: figure.definition for figure in VIDEO_FIGURES},
        "smoother": TemporalSmoother().options,
        "models": [_video_entry(result, motions, worst, with_sequences) for result in results],
    }


def _video_entry(result: VideoResult, motions: Mapping[str, str], worst: int, with_sequences: bool) -> dict[str, Any]:
    described = model_entry(result.frame_by_frame, 0, False)
    entry: dict[str, Any] = {key: value for key, value in described.items() if key not in ("statistics", "worst")}
    for key, part in (("frame_by_frame", result.frame_by_frame), ("smoothed", result.smoothed)):
        whole = model_entry(part, worst, with_sequences)
        entry[key] = {
            "statistics": whole["statistics"],
            "worst": [{"sequence": one["image"], WORST_BY: one[WORST_BY]} for one in whole["worst"]],
        }
        if motions:
            entry[key]["motions"] = {motion: nulls(means) for motion, means in _motion_means(part, motions).items()}
        if with_sequences:
            entry[key]["sequences"] = whole["images"]
    entry["change"] = {name: nulls(asdict(statistics)) for name, statistics in result.change.items()}
    return entry


def _motion_means(result: Result, motions: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Return motion -> figure name -> mean over the sequences of that motion."""
    means: dict[str, dict[str, float]] = {}
    for motion in dict.fromkeys(motions.values()):
        rows = [figures for name, figures in result.images.items() if motions.get(name) == motion]
        if rows:
            means[motion] = {name: float(np.nanmean([row[name] for row in rows])) for name in NAMES}
    return means


def markdown(document: dict[str, Any]) -> str:
    """Return a document of `video_document` as Markdown: means with intervals, changes by smoothing, and by motion."""
    models, data, interval = (document[key] for key in ("models", "data", "interval"))
    options = ", ".join(f"{name} {value:g}" for name, value in document["smoother"].items())
    heads = [name for model in models for name in (model["name"], model["name"] + SMOOTHED, "change")]
    lines = [
        f"{data['sequences']} sequences with {data['frames']} frames of `{data['folder']}`{fit_text(document)}, "
        f"resized {document['resize']['what']}. Smoothed with {options}. Each cell is the mean of a figure over the "
        f"sequences, and its {interval['level']:.0%} interval ({interval['method']}, {interval['resamples']:,} "
        "resamples). The change is the mean of the paired differences, smoothed − frame by frame.",
        "",
        *markdown_rows(
            ["", *heads],
            ([figure, *(cell for model in models for cell in _cells(model, figure))] for figure in document["figures"]),
        ),
        "",
        *(f"- {name}: {definition}" for name, definition in document["figures"].items()),
        "",
    ]
    for model in models:
        lines += _motion_rows(model)
        worst = ", ".join(entry["sequence"] for entry in model["smoothed"]["worst"])
        lines += [f"Worst sequences of {model['name']} by {WORST_BY}, smoothed: {worst}", ""] if worst else []
    return "\n".join([*lines, *markdown_origin(document)]) + "\n"


def _cells(model: dict[str, Any], figure: str) -> list[str]:
    before, after = (model[key]["statistics"][figure] for key in ("frame_by_frame", "smoothed"))
    return [with_interval(before), with_interval(after), change_text(model["change"][figure], before["mean"])]


def change_text(change: Mapping[str, Any], before: float | None) -> str:
    """Return the statistics of a change in JSON as text: absolute, relative to the mean `before`, and the interval."""
    if change["mean"] is None:
        return "n/a"
    relative = f" = {change['mean'] / before:+.1%}" if before else ""
    low, high = (signed_figure_text(change[end]) for end in ("low", "high"))
    return f"{signed_figure_text(change['mean'])}{relative} ({low} … {high})"


def _motion_rows(model: dict[str, Any]) -> list[str]:
    before, after = (model[key].get("motions", {}) for key in ("frame_by_frame", "smoothed"))
    if not before:
        return []
    rows = (
        [
            motion,
            *(
                f"{figure_text(before[motion][name])} → {figure_text(after[motion][name])}"
                + (f" ({after[motion][name] / before[motion][name] - 1:+.1%})" if before[motion][name] else "")
                for name in _BY_MOTION
            ),
        ]
        for motion in before
    )
    return [*markdown_rows([f"{model['name']}, by motion", *_BY_MOTION], rows), ""]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print evaluations of videos as Markdown.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE.json")
    for path in parser.parse_args().files:
        sys.stdout.write(markdown(read_json(path)))
