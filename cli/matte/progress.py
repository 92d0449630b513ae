"""Progress of `mmnet matte` on a terminal: one bar for the sources and one for the frames of a video."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import ProgressColumn, Task, TaskID
from rich.text import Text

from mmnet.cli.progress import progress_bar
from mmnet.runtime.jobs.results import MatteResult


class MatteProgress:
    """A `MatteListener` that prints errors and warnings, and shows bars if its console is a terminal.

    Attributes:
        console: where all of it appears.
    """

    def __init__(self, console: Console, shown: Callable[[str], str] = str) -> None:
        """Show nothing yet; `bars` begins.

        Args:
            console: where all of it appears.
            shown: turns a message into the text that is shown.
        """
        self.console = console
        self._shown = shown
        self._bars = progress_bar(console, _Rate())
        self._all: TaskID | None = None
        self._video: TaskID | None = None

    @contextmanager
    def bars(self, jobs: int | None = None) -> Iterator[None]:
        """Show the bars while the context lasts.

        Args:
            jobs: how many jobs there are; None for a single one, which has no bar of its own.
        """
        if jobs is not None:
            self._all = self._bars.add_task("Matting", total=jobs, unit="files")
        with self._bars:
            yield

    def frame_done(self, name: str, done: int, total: int | None) -> None:
        """See `MatteListener`."""
        if self._video is None:
            self._video = self._bars.add_task(escape(name), total=total, unit="frames")
        # A video may have more frames than its header says.
        self._bars.update(self._video, completed=done, total=None if total is None else max(total, done))

    def job_done(self, result: MatteResult) -> None:
        """See `MatteListener`."""
        if self._video is not None:
            self._bars.remove_task(self._video)
            self._video = None
        if self._all is not None:
            self._bars.advance(self._all)
        if result.error is not None:
            self.console.print(f"[bold red]error:[/] {escape(self._shown(result.error))}")
            return
        for warning in _warnings(result):
            self.console.print(f"[bold yellow]warning:[/] {escape(self._shown(warning))}")


def _warnings(result: MatteResult) -> Iterator[str]:
    video, presence = result.video, result.presence
    if presence is not None and presence.nobody:
        yield f"{result.source}: nobody found (confidence {presence.confidence:.2f})"
    if video is not None and video.damage is not None:
        yield video.damage
    if video is not None and video.interrupted:
        yield f"{result.source}: ended after {video.frames} frames; {result.output} is whole up to there"


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} {task.fields['unit']}/s")
