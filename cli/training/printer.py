"""The progress of a training on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID, TextColumn

from mmnet.arrays import U8Array
from mmnet.cli.progress import progress_bar
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.resolve import OpenedCheckpoint
from mmnet.training.data.dataset import DataSet
from mmnet.training.listener import TrainingListener
from mmnet.training.recipes import Stage


@contextmanager
def training_printer(console: Console) -> Iterator[TrainingPrinter]:
    """Yield a listener that prints a training, with a progress bar that disappears at the end."""
    with progress_bar(console, TextColumn("{task.fields[note]}")) as progress:
        yield TrainingPrinter(console, progress)


class TrainingPrinter(TrainingListener):
    """A listener that prints what happens and moves a progress bar."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console, self._progress = console, progress
        self._activity: tuple[str, TaskID] | None = None
        self._training: TaskID | None = None

    def on_opened(self, role: str, opened: OpenedCheckpoint) -> None:
        self._print(role, f"{opened.source.path} ({opened.source.reason})")

    def on_progress(self, activity: str, done: int, total: int) -> None:
        if self._activity is None or self._activity[0] != activity:
            self._end_activity()
            self._activity = activity, self._progress.add_task(activity, total=None, note="")
        self._progress.update(self._activity[1], completed=done, total=total)

    def on_data(self, data: DataSet, size: int) -> None:
        self._end_activity()
        count = sum(len(part.indices) for part in data.training)
        validating = 0 if data.validation is None else len(data.validation)
        self._print(
            "data",
            f"{count} images to train on, {validating} to validate with, {len(data.backgrounds)} backgrounds, at "
            f"{size}×{size}",
        )

    def on_skipped(self, reason: str) -> None:
        self._print("skipped", reason, "yellow")

    def on_ranges(self, ranges: Ranges, images: int) -> None:
        self._end_activity()
        self._print("ranges", f"{len(ranges.limits)} measured on {images} images")

    def on_stage(self, stage: Stage, first: int, done: int, total: int) -> None:
        self._end_activity()
        if self._training is None:
            self._training = self._progress.add_task("training", total=total, completed=done, note="")
        self._print(
            "stage",
            f"steps {done} to {first + stage.steps} of {total}: {stage.batch} images at {stage.size}×{stage.size}, "
            f"learning rate {stage.learning_rate:g} to {stage.final_learning_rate:g}",
        )

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        assert self._training is not None
        note = f"loss {losses['loss']:.4f}, {images_per_second:.1f} images/s"
        self._progress.update(self._training, advance=1, note=note)

    def on_checkpoint(self, checkpoint: Checkpoint, folder: Path, images: U8Array) -> None:
        figures = ", ".join(f"{name} {value:.5f}" for name, value in checkpoint.metrics.items() if name != "mad")
        self._print("saved", f"{folder}: {figures}")

    def _print(self, label: str, text: str, style: str = "bold") -> None:
        self._console.print(f"[{style}]{label:<12}[/]{escape(text)}")

    def _end_activity(self) -> None:
        if self._activity is not None:
            self._progress.remove_task(self._activity[1])
            self._activity = None
