"""The progress bar that commands share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

_BAR_WIDTH = 40  # columns
_FIGURES_WIDTH = 76  # columns that description, counts, time and throughput may take


def wrapped_text(text: str) -> TextColumn:
    """Return a column of text that takes further lines on a narrow terminal, so that no figure is cut."""
    return TextColumn(text, table_column=Column(no_wrap=False, overflow="fold"))


def progress_bar(console: Console, *more: ProgressColumn) -> Progress:
    """Return a progress bar: description, bar, done of total, time left (or taken so far), and more columns.

    It disappears at the end. Nothing is shown where the console is no terminal. On a narrow terminal the bar is
    shorter, or missing, so that the figures have room.

    Args:
        console: where it is shown.
        more: further columns, to the right.
    """
    bar = [BarColumn(min(_BAR_WIDTH, console.width - _FIGURES_WIDTH))] if console.width > _FIGURES_WIDTH else []
    return Progress(
        wrapped_text("{task.description}"),
        *bar,
        MofNCompleteColumn(),
        _Time(),
        *more,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def rate_column() -> ProgressColumn:
    """Return a column that shows how many of its `unit` a task does per second."""
    return _Rate()


def stage_bars(progress: Progress) -> Callable[[str, int, int], None]:
    """Return a function that shows one stage after the other as a line of the bar.

    It is called with the name of a stage, the steps done, and the total, 0 if that is not known. The line of a stage
    goes when the stage is done or the next one begins.
    """
    current: dict[str, TaskID] = {}

    def show(stage: str, done: int, total: int) -> None:
        if stage not in current:
            for task in current.values():
                progress.remove_task(task)
            current.clear()
            current[stage] = progress.add_task(stage, total=None)
        finished = 0 < total <= done
        progress.update(current[stage], completed=done, total=total or None, visible=not finished)

    return show


class _Time(ProgressColumn):
    """The time that is left; until that is known, as in a long first step, the time since the beginning."""

    max_refresh = 0.5  # seconds; an estimate that changes more often cannot be read

    def render(self, task: Task) -> Text:
        seconds, what = (task.elapsed or 0, "so far") if task.time_remaining is None else (task.time_remaining, "left")
        return Text(f"{timedelta(seconds=int(seconds))} {what}", "progress.remaining")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} {task.fields['unit']}/s")
