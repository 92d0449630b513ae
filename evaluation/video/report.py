"""`mmnet evaluate --video`: sequences read, measured, and shown; and Markdown made from what was measured.

`python -m mmnet.evaluation.video.report FILE.json` prints the Markdown.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from mmnet.cli.measure.console import show_worst, task_bar
from mmnet.evaluation.datasets.sequences import SequenceSummary, FrameSequence, check_sequences, load_sequences, read_motions
from mmnet.evaluation.figures import WORST_BY
from mmnet.evaluation.models import Candidate
from mmnet.evaluation.report import figure_text, markdown_rows, tables, with_interval
from mmnet.evaluation.resize import Resize
from mmnet.evaluation.video.evaluate import SMOOTHED, VIDEO_FIGURES, VideoResult, evaluate_sequences, video_document

_BY_MOTION = ("MAD", "dtSSD", "MESSDdt")


@dataclass(frozen=True)
class Sequences:
    """Sequences with their mattes, read once and found good."""

    folder: Path
    split: str | None
    clips: list[FrameSequence]
    checked: SequenceSummary

    @classmethod
    def read(cls, folder: Path, split: str | None, progress: Progress) -> Self:
        """Find and check them. Raises as `load_sequences` and `check_sequences`."""
        clips = load_sequences(folder, split)
        return cls(folder, split, clips, check_sequences(clips, task_bar(progress, "reading sequences")))

    @property
    def frames(self) -> int:
        """Of all sequences together."""
        return sum(self.checked.lengths)

    def measure(
        self, candidates: Sequence[Candidate], resize: Resize, threads: int | None, update: Callable[[int, int], None]
    ) -> SequencesReport:
        """Measure the models on them. Raises as `evaluate_sequences`."""
        results = evaluate_sequences(candidates, self.clips, resize, threads=threads, frames=self.frames, progress=update)
        return SequencesReport(self, resize, results)


@dataclass(frozen=True)
class SequencesReport:
    """What was measured on sequences."""

    sequences: Sequences
    resize: Resize
    results: list[VideoResult]

    def document(self, command: str, worst: int, with_images: bool) -> dict[str, Any]:
        """As JSON; see `mmnet.evaluation.video.evaluate.video_document`."""
        data = self.sequences
        described = {
            "folder": str(data.folder),
            "split": data.split,
            "sequences": len(data.clips),
            "frames": data.frames,
            "sha256": data.checked.sha256,
        }
        groups = read_motions(data.folder, data.split)
        return video_document(
            self.results, self.resize, described, command, groups=groups, worst=worst, with_sequences=with_images
        )

    def show(self, console: Console, worst: int) -> None:
        """As tables for people."""
        columns = [part for result in self.results for part in (result.frame_by_frame, result.smoothed)]
        for table in tables(columns, console.width, VIDEO_FIGURES):
            console.print(table)
            console.print()
        console.print("[dim]smoothed against frame by frame, each sequence with itself[/]")
        console.print(_changes(self.results))
        data = self.sequences
        console.print(
            f"\n[dim]{len(data.clips)} sequences, {data.frames} frames, resized {self.resize.what}[/]", soft_wrap=True
        )
        show_worst(console, columns, worst)


def _changes(results: Sequence[VideoResult]) -> Table:
    """A column a model, a row a figure: by how much smoothing moves its mean, and the interval of that."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("", no_wrap=True)
    for result in results:
        grid.add_column(result.frame_by_frame.candidate.name, justify="right", overflow="fold")
    changes = [result.change for result in results]
    for figure in VIDEO_FIGURES:
        cells = []
        for result, change in zip(results, changes, strict=True):
            entry, before = change[figure.name], result.frame_by_frame.statistics[figure.name].mean
            share = f" ({entry.mean / before:+.1%})" if before else ""
            cells.append(f"{_signed(entry.mean)}{share}\n{_signed(entry.low)} … {_signed(entry.high)}")
        grid.add_row(figure.name, *cells)
    return grid


def markdown(found: dict[str, Any]) -> str:
    """A document of `video_document` as Markdown: means with intervals, what smoothing changes, and by motion."""
    models, data, interval = (found[key] for key in ("models", "data", "interval"))
    versions = ", ".join(f"{tool} {number}" for tool, number in found["versions"].items())
    options = ", ".join(f"{name} {value:g}" for name, value in found["smoother"].items())
    heads = [name for model in models for name in (model["name"], model["name"] + SMOOTHED, "change")]
    lines = [
        f"{data['sequences']} sequences, {data['frames']} frames, of `{data['folder']}`, resized "
        f"{found['resize']['what']}. Smoothed with {options}. The mean of each figure over the sequences, and its "
        f"{interval['level']:.0%} interval ({interval['method']}, {interval['resamples']:,} resamples); the change is "
        "of each sequence against itself.",
        "",
        *markdown_rows(
            ["", *heads],
            (
                [
                    figure,
                    *(
                        cell
                        for model in models
                        for cell in (
                            with_interval(model["frame_by_frame"]["statistics"][figure]),
                            with_interval(model["smoothed"]["statistics"][figure]),
                            _change(model, figure),
                        )
                    ),
                ]
                for figure in found["figures"]
            ),
        ),
        "",
        *(f"- {name}: {definition}" for name, definition in found["figures"].items()),
        "",
    ]
    for model in models:
        lines += _motions(model)
        worst = ", ".join(entry["sequence"] for entry in model["smoothed"]["worst"])
        lines += [f"Worst by {WORST_BY}, smoothed, of {model['name']}: {worst}", ""] if worst else []
    lines += [f"Measured on {found['machine']['processor']} with {versions}:", "", f"    {found['command']}"]
    return "\n".join(lines) + "\n"


def _motions(model: dict[str, Any]) -> list[str]:
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


def _change(model: dict[str, Any], figure: str) -> str:
    entry, before = model["change"][figure], model["frame_by_frame"]["statistics"][figure]["mean"]
    if entry["mean"] is None:
        return "n/a"
    share = f" = {entry['mean'] / before:+.1%}" if before else ""
    return f"{_signed(entry['mean'])}{share} ({_signed(entry['low'])} … {_signed(entry['high'])})"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + figure_text(abs(value))


if __name__ == "__main__":
    for path in sys.argv[1:]:
        sys.stdout.write(markdown(json.loads(Path(path).read_text(encoding="utf-8"))))
