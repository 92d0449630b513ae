"""How far `mmnet matte` is: a bar over the sources, and one over the frames of a video."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import ProgressColumn, Task, TaskID
from rich.text import Text

from mmnet.cli.progress import progress_bar


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.1f} {task.fields['unit']}/s")


class MatteProgress:
    """Bars on a terminal; nothing elsewhere."""

    def __init__(self, console: Console, sources: int | None = None) -> None:
        """`sources`: how many there are; None for a single one, which has no bar of its own."""
        self.console = console
        self._bars = progress_bar(console, _Rate())
        self._all: TaskID | None = None
        if sources is not None:
            self._all = self._bars.add_task("Matting", total=sources, unit="files")
        self._video: TaskID | None = None

    def source_done(self) -> None:
        """A photo or video is done, well or badly."""
        if self._video is not None:
            self._bars.remove_task(self._video)
            self._video = None
        if self._all is not None:
            self._bars.advance(self._all)

    def frame_done(self, name: str, done: int, total: int | None) -> None:
        """`done` frames of the video `name` are done, of `total` if that is known."""
        if self._video is None:
            self._video = self._bars.add_task(escape(name), total=total, unit="frames")
        # A header may promise fewer frames than there are.
        self._bars.update(self._video, completed=done, total=None if total is None else max(total, done))

    def error(self, message: str) -> None:
        """Say above the bars what went wrong."""
        self.console.print(f"[bold red]error:[/] {escape(message)}")

    def warning(self, message: str) -> None:
        """Say above the bars what is not as it should be."""
        self.console.print(f"[bold yellow]warning:[/] {escape(message)}")

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
