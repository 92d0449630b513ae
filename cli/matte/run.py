"""The work of `mmnet matte`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer

from mmnet.cli.matte.progress import MatteProgress
from mmnet.cli.matte.report import report
from mmnet.cli.matte.standard import standard_streams
from mmnet.cli.process.quiet import keep_native_messages
from mmnet.errors import OutputError
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.imaging.fit import choose_fit
from mmnet.runtime.imaging.nobody import choose_if_nobody
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.runtime.jobs.planning import MattePlan, plan_jobs
from mmnet.runtime.jobs.request import MatteRequest, RequestError, VideoOptions
from mmnet.runtime.jobs.results import MatteResult
from mmnet.runtime.jobs.runner import run_camera, run_jobs
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.profiles import choose_profile
from mmnet.runtime.video.smoothing import TemporalSmoother

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def run_matte(
    *,
    sources: list[Path] | None,
    output: Path | None,
    background: str | None,
    model: Path | None,
    threads: int | None,
    accelerator: str | None,
    profile: str,
    upsampling: str | None,
    foreground: bool | None,
    fit: str,
    if_nobody: str,
    recursive: bool,
    skip_existing: bool,
    force: bool,
    as_json: bool,
    camera: str | None,
    duration: float | None,
    crf: int | None,
    audio: bool,
    smoothing: bool,
    salvage: bool,
) -> None:
    """Run `mmnet matte` with its options, and end with its exit code.

    Raises:
        typer.Exit: always; with the exit code.
        typer.BadParameter: options that do not go together.
        MMNetError: see `PortraitMatter`, `plan_jobs` and `run_jobs`.
    """
    settings = choose_profile(profile).override(upsampling, foreground)
    renderer = Renderer.of(background, settings.foreground)
    open_matter = partial(
        PortraitMatter,
        model,
        threads,
        accelerator=accelerator,
        upsampling=settings.upsampling,
        fit=choose_fit(fit),
        if_nobody=choose_if_nobody(if_nobody),
        smoothing=TemporalSmoother if smoothing else None,
    )
    plan = MattePlan([], several=False)
    keep_native_messages()
    with (
        _usage_errors(),
        _path_errors(),
        standard_streams(sources or [], output, as_json=as_json, camera=camera is not None) as streams,
    ):
        progress = MatteProgress(streams.text)
        request = MatteRequest(renderer, VideoOptions(crf, audio, salvage), force, skip_existing)
        if camera is None:
            if duration is not None:
                raise RequestError("--duration goes with --camera")
            reading = [path for path in (model, background and Path(background)) if path]
            plan = plan_jobs(streams.sources, streams.output, renderer.kind, recursive=recursive)
            with open_matter() as matter, progress.bars(len(plan.jobs) if plan.several else None):
                results = run_jobs(matter, plan.jobs, request, progress, reading)
        else:
            if sources or output is None:
                raise RequestError("--camera takes no files to read, and needs one to write: -o OUT")
            with open_matter() as matter, progress.bars():
                results = [run_camera(matter, camera, output, request, progress, duration)]
        results = streams.named(results)
        if not streams.writes:
            report(progress, results, choose_fit(fit), plan, as_json=as_json)
        streams.deliver(results)
    raise typer.Exit(_exit_code(results))


@contextmanager
def _usage_errors() -> Iterator[None]:
    """Raise a request that does not go together as wrong usage: exit code 2."""
    try:
        yield
    except RequestError as error:
        raise typer.BadParameter(str(error)) from error


@contextmanager
def _path_errors() -> Iterator[None]:
    """Raise the system's refusal of a path (such as a name that is too long) as an error of one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            raise OutputError(f"standard output: cannot be written: {error.strerror}") from error
        raise PhotoError(f"{error.filename}: {error.strerror}") from error


def _exit_code(results: Sequence[MatteResult]) -> int:
    if any(result.interrupted for result in results):
        return _INTERRUPTED
    return 0 if all(result.ok for result in results) else 1
