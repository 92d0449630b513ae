"""Progress of `mmnet matte` on a terminal: one bar for the sources and one for the frames of a video."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from mmnet.cli.process.quiet import take_native_messages
from mmnet.runtime.jobs.results import MatteResult

if TYPE_CHECKING:
    from rich.console import Console


# What libjpeg prints about data that it repairs; it goes on with grey or shifted blocks.
_DAMAGE = re.compile(r"^(Corrupt JPEG data|Premature end of JPEG)")


class MatteProgress:
    """A `MatteListener` that prints errors and warnings, and shows bars if its console is a terminal.

    The console and the bars are made when they are needed: one photo that succeeds needs neither, nor the time to load
    rich.

    Attributes:
        repaired: output of a photo whose data are damaged, and that was decoded nevertheless -> what is wrong with it.
    """

    def __init__(self, shown: Callable[[str], str] = str) -> None:
        """Show nothing yet; `bars` begins.

        Args:
            shown: turns a message into the text that is shown.
        """
        self.repaired: dict[str, str] = {}
        self._shown = shown
        self._bars: Any = None
        self._all: Any = None
        self._video: Any = None

    @cached_property
    def console(self) -> Console:
        """The console where all of it appears."""
        from mmnet.cli.console import message_console

        return message_console()

    @contextmanager
    def bars(self, jobs: int | None = None) -> Iterator[None]:
        """Show the bars while the context lasts.

        Args:
            jobs: how many jobs there are; None for a single one, which has no bar of its own.
        """
        try:
            if jobs is not None:
                self._all = self._started().add_task("Matting", total=jobs, unit="files")
            yield
        finally:
            if self._bars is not None:
                self._bars.stop()

    def frame_done(self, name: str, done: int, total: int | None) -> None:
        """See `MatteListener`."""
        bars = self._started()
        if self._video is None:
            from rich.markup import escape

            self._video = bars.add_task(escape(name), total=total, unit="frames")
        # A video may have more frames than its header says.
        bars.update(self._video, completed=done, total=None if total is None else max(total, done))

    def job_done(self, result: MatteResult) -> None:
        """See `MatteListener`."""
        if self._video is not None:
            self._bars.remove_task(self._video)
            self._video = None
        if self._all is not None:
            self._bars.advance(self._all)
        messages = [line for line in take_native_messages() if result.kind == "photo" and _DAMAGE.search(line)]
        if result.error is not None:
            self._print("[bold red]error:[/]", result.error)
            return
        if messages and not result.skipped:
            self.repaired[str(result.output)] = damage = f"damaged, repaired as far as it goes ({messages[0]})"
            self._print("[bold yellow]warning:[/]", f"{result.source}: {damage}")
        for warning in _warnings(result):
            self._print("[bold yellow]warning:[/]", warning)

    def _print(self, kind: str, text: str) -> None:
        from rich.markup import escape

        self.console.print(f"{kind} {escape(self._shown(text))}")

    def _started(self) -> Any:
        if self._bars is None:
            from mmnet.cli.progress import progress_bar, rate_column

            self._bars = progress_bar(self.console, rate_column())
            self._bars.start()
        return self._bars


def _warnings(result: MatteResult) -> Iterator[str]:
    video, presence = result.video, result.presence
    if presence is not None and presence.nobody:
        yield f"{result.source}: nobody found (confidence {presence.confidence:.2f})"
    if video is not None and video.damage is not None:
        yield video.damage
    if video is not None and video.interrupted:
        yield f"{result.source}: ended after {video.frames} frames; {result.output} is whole up to there"
