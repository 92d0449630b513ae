"""`mmnet batch`: folders, object stores and Parquet of photos, on every core of one machine or of many."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as ProgressBar,
)

from mmnet.cli.options import BackgroundOption, ForegroundOption, ModelOption, ProfileOption, UpsamplingOption
from mmnet.errors import MissingExtraError
from mmnet.files import atomic_file, check_writable
from mmnet.runtime.model import default_model
from mmnet.runtime.profiles import DEFAULT_PROFILE, choose_profile
from mmnet.runtime.tflite.contents import load_model

_SHOWN = 20  # bad images on the terminal; all are in the list of errors
_INTERRUPTED = 130


def batch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SRC",
            help="A folder of photos, all below it; a prefix of an object store (s3://, gs://, file://, whatever Arrow "
            "or fsspec opens); or Parquet, a file or a folder.",
            show_default=False,
        ),
    ],
    destination: Annotated[
        str, typer.Argument(metavar="DST", help="A folder or prefix for the results.", show_default=False)
    ],
    background: BackgroundOption = None,
    model: ModelOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    upsampling: UpsamplingOption = None,
    foreground: ForegroundOption = None,
    to: Annotated[
        str,
        typer.Option(metavar="files|parquet", help="A file an image, named as [b]mmnet matte[/] does; or Parquet."),
    ] = "files",
    shard_size: Annotated[
        int, typer.Option(min=1, help="Images a Parquet file; those of a Parquet source keep their row groups.")
    ] = 256,
    image_column: Annotated[str, typer.Option(help="Of a Parquet source: the photos' bytes, or a struct of them.")] = (
        "image"
    ),
    name_column: Annotated[
        str, typer.Option(help="Of a Parquet source: their names; image.path is one, too.")
    ] = "name",
    address: Annotated[
        str | None,
        typer.Option(
            envvar="RAY_ADDRESS",
            metavar="HOST:PORT",
            help="Of a Ray cluster; auto is the one that this machine is part of, local is this machine alone.",
            show_default="local",
        ),
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Actors, a core each.", show_default="one a core")] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try again what failed in an earlier run.")] = False,
    max_errors: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Stop when more than N have failed.", show_default="never")
    ] = None,
    errors: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where else to list the bad images.", show_default="DST/errors.jsonl"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", "-f", help="Begin anew: remove the results that are in DST first.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")] = False,
) -> None:
    """Matte any number of photos, on every core of this machine or of a Ray cluster.

    The results keep the relative names of the photos. What is there is skipped: after a crash, an interruption or with
    more photos, the same command does the rest. Another model or other options for the same DST are refused.

    \b
    Examples:
      mmnet batch photos/ mattes/
      mmnet batch photos/ cutouts/ -b transparent --workers 4
      mmnet batch s3://bucket/photos s3://bucket/mattes --address auto
      mmnet batch 's3://photos?endpoint_override=http://minio:9000' mattes/ --json
      mmnet batch portraits.parquet mattes/ --image-column photo --name-column id
      mmnet batch photos/ shards/ --to parquet --shard-size 1000
      mmnet batch photos/ mattes/ --retry     (the images that failed before)

    One bad photo does not stop the others. The exit code is 1 if any has no result, 130 after Ctrl-C.
    """
    _check_installed()
    from mmnet.batch.existing import FILES, PARQUET
    from mmnet.batch.job import Progress, Settings, run_job
    from mmnet.batch.pool import connected
    from mmnet.batch.rendering import Recipe
    from mmnet.batch.sources import Columns
    from mmnet.batch.store import open_store
    from mmnet.runtime.model import MattingModel

    if to not in (FILES, PARQUET):
        raise typer.BadParameter(f"--to {to}: give {FILES} or {PARQUET}")
    if errors is not None:
        check_writable(errors, force=True)
    content = default_model() if model is None else load_model(model)
    MattingModel(content if model is None else model, threads=1).close()  # refuse a bad one before anything starts
    chosen = choose_profile(profile).override(upsampling, foreground)
    recipe = Recipe.of(content, background, chosen.upsampling, chosen.foreground)
    settings = Settings(to, shard_size, Columns(image_column, name_column), retry, max_errors, force)
    photos, results = open_store(source), open_store(destination)

    console = Console(file=sys.stderr, soft_wrap=True, highlight=False)
    watch = _Watch(console)
    interrupted = False
    state = Progress()
    with watch.bar:
        try:
            state = run_job(recipe, photos, results, settings, partial(connected, address, workers), watch)
        except KeyboardInterrupt:
            interrupted = True
            state = watch.state or state
    if errors is not None:
        with atomic_file(errors) as temporary:
            lines = (json.dumps({"name": e.name, "error": e.error}, ensure_ascii=False) + "\n" for e in watch.failed)
            temporary.write_text("".join(lines), encoding="utf-8")

    if state.stopped:
        console.print(f"[bold red]error:[/] {escape(state.stopped)}")
    left = state.total - state.done - state.failed - state.skipped
    parts = [f"{state.done} matted", f"{state.failed} failed", f"{state.skipped} skipped"]
    if left:
        parts.append(f"{left} left; the same command goes on")
    console.print(("interrupted: " if interrupted else "") + ", ".join(parts))
    if state.failed and not interrupted:
        listed = f"{results.uri}/errors.jsonl" if errors is None else str(errors)
        console.print(f"the bad images are listed in {escape(listed)}; --retry tries them again")
    if as_json:
        typer.echo(
            json.dumps(_document(state, photos.uri, results.uri, recipe.describe(), left, interrupted), indent=2)
        )
    if interrupted:
        raise typer.Exit(_INTERRUPTED)
    if state.failed or left:
        raise typer.Exit(1)


def _check_installed() -> None:
    """Say which extra is missing before anything that needs it is imported."""
    for module, package in (("pyarrow", "Arrow"), ("ray", "Ray")):
        if find_spec(module) is None:
            raise MissingExtraError("ray", package)


class _Watch:
    """The progress bar, the first bad images, and what there is to say at the end."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.failed: list[Any] = []
        self.state: Any = None
        self.bar = ProgressBar(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self.bar.add_task("listing", total=None, counts="")

    def __call__(self, state: Any) -> None:
        self.state = state
        for entry in state.latest:
            if entry.error is not None:
                self.failed.append(entry)
                if len(self.failed) <= _SHOWN:
                    self.console.print(f"[bold red]error:[/] {escape(entry.error)}")
                elif len(self.failed) == _SHOWN + 1:
                    self.console.print(f"more than {_SHOWN} bad images; all of them come into the list of errors")
        counts = f"{state.done} matted, {state.failed} failed, {state.skipped} skipped"
        if state.rate is not None:
            counts += f", {state.rate:.1f} photos/s"
        self.bar.update(
            self._task,
            description=f"matting on {state.workers}" if state.done else "starting",
            total=state.total,
            completed=state.done + state.failed + state.skipped,
            counts=counts,
        )


def _document(
    state: Any, source: str, destination: str, recipe: dict[str, Any], left: int, interrupted: bool
) -> dict[str, Any]:
    found = asdict(state)
    return {
        "source": source,
        "destination": destination,
        **recipe,
        **{key: found[key] for key in ("total", "done", "failed", "skipped")},
        "left": left,
        "workers": state.workers,
        "seconds": round(state.seconds, 3),
        "core_seconds": round(state.core_seconds, 3),
        "photos_per_second": None if state.rate is None else round(state.rate, 3),
        "stopped": state.stopped,
        "interrupted": interrupted,
    }
