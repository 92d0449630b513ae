"""The lines that `mmnet export` prints while it works."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from mmnet.cli.progress import stage_bars
from mmnet.export.choices import EXTENSIONS
from mmnet.export.exporter import ExportListener, ExportRequest
from mmnet.export.verify import ExportCheck
from mmnet.files import check_writable
from mmnet.network.resolve import OpenedCheckpoint
from mmnet.quantize.calibration import Calibration
from mmnet.quantize.precision import Precision


class ExportPrinter(ExportListener):
    """Prints what happens, and refuses a default file that exists before the work begins."""

    def __init__(self, console: Console, progress: Progress, folder: Path | None, force: bool | None) -> None:
        self._console = console
        self._folder = folder
        self._force = force
        self._show_stage = stage_bars(progress)

    def on_start(self, file_name: str) -> None:
        if self._force is not None:
            path = Path(file_name)
            check_writable(path, force=self._force, folder=path.suffix == EXTENSIONS["coreml"])

    def on_checkpoint(self, opened: OpenedCheckpoint, precision: Precision) -> None:
        self._console.print(f"[bold]checkpoint[/]   {plain(opened)}")

    def on_calibration(self, calibration: Calibration) -> None:
        for reason in calibration.unreadable.values():
            self._console.print(f"[yellow]skipped[/]      {plain(reason)}")
        unreadable = f", {len(calibration.unreadable)} unreadable" if calibration.unreadable else ""
        photos = f"{len(calibration.names)} photos of {plain(calibration.folder or self._folder)}"
        more = f", {len(calibration.held_out_names)} more to verify on" if calibration.held_out_names else ""
        self._console.print(f"[bold]calibration[/]  {photos}{unreadable}{more}")

    def on_request(self, request: ExportRequest) -> None:
        if request.ranges_origin:
            self._console.print(f"[bold]ranges[/]       {plain(request.ranges_origin)}")

    def on_progress(self, stage: str, done: int, total: int) -> None:
        self._show_stage(stage, done, total)

    def on_check(self, check: ExportCheck) -> None:
        mark = "[green]✓[/]" if check.passed else "[red]✗[/]" if check.required else "[yellow]![/]"
        accepted = f"[dim](accepted: {plain(check.accepted)})[/]"
        self._console.print(f"{mark} {check.name}: {plain(check.measured)} {accepted}")
        if not check.passed and not check.required:
            self._console.print(f"[yellow]warning[/]      {plain(check.advice)}")


def plain(value: object) -> str:
    """Return text that may hold brackets, which rich would take for markup."""
    return escape(str(value))
