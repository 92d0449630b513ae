"""What the commands that measure show on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.evaluation.evaluate import Result
from mmnet.evaluation.figures import WORST_BY


def task_bar(progress: Progress, description: str) -> Callable[[int, int], None]:
    """A line of the progress bar, to be called with what is done and the total; gone when all is done."""
    task = progress.add_task(description, total=None)

    def update(done: int, total: int) -> None:
        progress.update(task, completed=done, total=total, visible=done < total)

    return update


def show_worst(console: Console, results: Sequence[Result], count: int) -> None:
    """The worst images (or sequences) of every model, a line each; nothing for a count of 0."""
    if not count:
        return
    console.print(f"\n[dim]the worst by {WORST_BY}[/]")
    for result in results:
        names = ", ".join(f"{name} {value:.4f}" for name, value in result.worst(count))
        console.print(f"{escape(result.candidate.name)}: {escape(names)}", soft_wrap=True)
