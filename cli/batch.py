"""`mmnet batch`: folders, object stores and Parquet of photos, on every core of one machine or of many."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmnet.batch.options import ResultFormat
from mmnet.cli.options import (
    BackgroundOption,
    FitOption,
    ForegroundOption,
    IfNobodyOption,
    ModelOption,
    ProfileOption,
    UpsamplingOption,
)
from mmnet.cli.process.streams import echo_json
from mmnet.files import atomic_file, check_writable
from mmnet.runtime.imaging.fit import DEFAULT_FIT
from mmnet.runtime.imaging.nobody import IfNobody
from mmnet.runtime.profiles import DEFAULT_PROFILE
from mmnet.text import json_text

if TYPE_CHECKING:
    from rich.console import Console

    from mmnet.api.batching import BatchReport

if TYPE_CHECKING:
    from mmnet.batch.job import JobProgress

_SHOWN = 20  # failed images shown on the terminal; the list of errors has all of them
_INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it

_Source = Annotated[
    str,
    typer.Argument(
        metavar="SRC",
        help="A folder of photos, with all folders below it; a prefix of an object store (s3://, gs://, file://, "
        "whatever Arrow or fsspec opens); or Parquet, a file or a folder.",
        show_default=False,
    ),
]
_Destination = Annotated[
    str, typer.Argument(metavar="DST", help="A folder or prefix for the results.", show_default=False)
]
_To = Annotated[
    ResultFormat,
    typer.Option(metavar="files|parquet", help="One file per image, named as [b]mmnet matte[/] does; or Parquet."),
]
_ShardSize = Annotated[
    int, typer.Option(min=1, help="Images per Parquet file; images from Parquet keep their row groups.")
]
_ImageColumn = Annotated[
    str, typer.Option(help="The column of a Parquet source with the photos' bytes, or with a struct that has them.")
]
_NameColumn = Annotated[
    str, typer.Option(help="The column of a Parquet source with the photos' names; for example image.path.")
]
_Address = Annotated[
    str | None,
    typer.Option(
        envvar="RAY_ADDRESS",
        metavar="HOST:PORT",
        help="A Ray cluster; auto is the cluster that this machine is part of, local is this machine alone.",
        show_default="local",
    ),
]
_Workers = Annotated[int | None, typer.Option(min=1, help="Workers, each with one core.", show_default="one per core")]
_Retry = Annotated[bool, typer.Option("--retry", help="Try the images again that failed in an earlier run.")]
_MaxErrors = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Stop when more than N images have failed.", show_default="never")
]
_Errors = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="A second file that lists the failed images.", show_default="DST/errors.jsonl"),
]
_Force = Annotated[bool, typer.Option("--force", "-f", help="Start again: remove the results that are in DST first.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")]


def batch(
    source: _Source,
    destination: _Destination,
    background: BackgroundOption = None,
    model: ModelOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    upsampling: UpsamplingOption = None,
    foreground: ForegroundOption = None,
    fit: FitOption = DEFAULT_FIT,
    if_nobody: IfNobodyOption = IfNobody.KEEP,
    to: _To = ResultFormat.FILES,
    shard_size: _ShardSize = 256,
    image_column: _ImageColumn = "image",
    name_column: _NameColumn = "name",
    address: _Address = None,
    workers: _Workers = None,
    retry: _Retry = False,
    max_errors: _MaxErrors = None,
    errors: _Errors = None,
    force: _Force = False,
    as_json: _AsJson = False,
) -> None:
    """Matte any number of photos, on every core of this machine or of a Ray cluster.

    The results keep the relative names of the photos. Results that exist are skipped: after a crash, an interruption or
    with more photos, the same command does the rest. Another model or other options for the same DST are refused.

    \b
    Examples:
      mmnet batch photos/ mattes/
      mmnet batch photos/ cutouts/ -b transparent --workers 4
      mmnet batch portraits/ mattes/ --fit stretch
      mmnet batch s3://bucket/photos s3://bucket/mattes --address auto
      mmnet batch 's3://photos?endpoint_override=http://minio:9000' mattes/ --json
      mmnet batch portraits.parquet mattes/ --image-column photo --name-column id
      mmnet batch photos/ shards/ --to parquet --shard-size 1000
      mmnet batch photos/ mattes/ --retry     (the images that failed before)

    One bad photo does not stop the others. The exit code is 1 if any photo has no result, 130 after Ctrl-C.
    """
    from mmnet.api.batching import BatchInterrupted, BatchOptions, matte_batch
    from mmnet.cli.console import message_console

    if errors is not None:
        check_writable(errors, force=True)
    options = BatchOptions(to, shard_size, image_column, name_column, retry, max_errors, force)
    console = message_console(stream=sys.stderr)  # Ray needs `sys.stderr` redirected
    display = _Display(console)
    with display.bar:
        try:
            report = matte_batch(
                source,
                destination,
                model=model,
                background=background,
                profile=profile,
                upsampling=upsampling,
                foreground=foreground,
                fit=fit,
                if_nobody=if_nobody,
                options=options,
                address=address,
                workers=workers,
                listener=display,
            )
        except BatchInterrupted as interrupted:
            report = interrupted.report
    if errors is not None:
        _write_errors(errors, report)
    _show(console, report, f"{report.destination}/errors.jsonl" if errors is None else str(errors))
    if as_json:
        echo_json(json_text(report.document(), indent=2))
    if not report.complete:
        raise typer.Exit(_INTERRUPTED if report.interrupted else 1)


class _Display:
    """The progress bar, and the first failed images above it."""

    def __init__(self, console: Console) -> None:
        from mmnet.cli.progress import progress_bar, wrapped_text

        self._console = console
        self._failed = self._empty = 0
        self.bar = progress_bar(console, wrapped_text("{task.fields[counts]}"))
        self._task = self.bar.add_task("listing", total=None, counts="")

    def __call__(self, progress: JobProgress) -> None:
        from rich.markup import escape

        for entry in progress.latest:
            if entry.error is not None:
                self._failed += 1
                if self._failed <= _SHOWN:
                    self._console.print(f"[bold red]error:[/] {escape(entry.error)}")
                elif self._failed == _SHOWN + 1:
                    self._console.print(f"more than {_SHOWN} images failed; the list of errors has all of them")
            elif entry.nobody:
                self._empty += 1
                if self._empty <= _SHOWN:
                    self._console.print(f"[bold yellow]nobody found:[/] {escape(entry.name)}")
                elif self._empty == _SHOWN + 1:
                    self._console.print(f"more than {_SHOWN} images show nobody; the ledger has all of them")
        counts = f"{progress.done} matted, {progress.failed} failed, {progress.skipped} skipped"
        if progress.rate is not None:
            counts += f", {progress.rate:.1f} images/s"
        self.bar.update(
            self._task,
            description=f"matting on {progress.workers}" if progress.done else "starting",
            total=progress.total,
            completed=progress.done + progress.failed + progress.skipped,
            counts=counts,
        )


def _write_errors(path: Path, report: BatchReport) -> None:
    lines = [json_text({"name": image.name, "error": image.error}, indent=None) for image in report.failures]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _show(console: Console, report: BatchReport, errors: str) -> None:
    from rich.markup import escape

    if report.stopped:
        console.print(f"[bold red]error:[/] {escape(report.stopped)}")
    console.print(str(report))
    if report.failed and not report.interrupted:
        console.print(f"the failed images are listed in {escape(errors)}; --retry tries them again")
