"""The progress of a training on the terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, TaskID

from mmnet.api.training import SavedCheckpoint
from mmnet.arrays import U8Array
from mmnet.cli.progress import progress_bar, wrapped_text
from mmnet.network.checkpoint import Checkpoint
from mmnet.network.ranges import Ranges
from mmnet.network.resolve import OpenedCheckpoint
from mmnet.training.data.dataset import DataSet
from mmnet.training.listener import TrainingListener
from mmnet.training.recipes import Stage


@contextmanager
def training_printer(console: Console, *, compiles: bool = True) -> Iterator[TrainingPrinter]:
    """Yield a listener that prints a training, with a progress bar that disappears at the end.

    Args:
        console: where it is printed.
        compiles: whether the first step compiles the network.
    """
    with progress_bar(console, wrapped_text("{task.fields[note]}")) as progress:
        yield TrainingPrinter(console, progress, compiles=compiles)


def print_end(console: Console, last: SavedCheckpoint, best: SavedCheckpoint, options: str = "") -> None:
    """Print the last checkpoint of a run, the best if it is another, and the command that exports the best.

    Args:
        console: where it is printed.
        last: the last checkpoint.
        best: the checkpoint with the lowest MAD.
        options: further options of the command.
    """
    console.print(f"[bold]done[/]        {escape(str(last.folder))}")
    if best.folder != last.folder and "mad" in best.metrics and "mad" in last.metrics:
        compared = f"MAD {best.metrics['mad']:.5f}, the last has {last.metrics['mad']:.5f}"
        console.print(f"[bold]best[/]        {escape(str(best.folder))}: {compared}")
    console.print(f"[bold]next[/]        export-tflite --ckpt {escape(str(best.folder))}{options}")


class TrainingPrinter(TrainingListener):
    """A listener that prints what happens and moves a progress bar."""

    def __init__(self, console: Console, progress: Progress, *, compiles: bool = True) -> None:
        self._console, self._progress, self._compiles = console, progress, compiles
        self._activity: tuple[str, TaskID] | None = None
        self._training: TaskID | None = None
        self._compiling: float | None = None  # since when

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
        if self._compiles:
            self._print("compiling", "the network: the first step takes much longer than the others")
            self._progress.update(self._training, note="compiling the first step")
            self._compiling = time.monotonic()

    def on_step(self, step: int, losses: Mapping[str, float], learning_rate: float, images_per_second: float) -> None:
        assert self._training is not None
        if self._compiling is not None:
            self._print("compiled", f"and made the first step in {time.monotonic() - self._compiling:.0f} s")
            self._compiling = None
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
