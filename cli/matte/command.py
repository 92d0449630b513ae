"""The command `mmnet matte`: photos, videos or a camera in, mattes or composites out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import typer

from mmnet.cli.console import message_console
from mmnet.cli.matte.options import (
    AudioOption,
    CameraOption,
    CrfOption,
    DurationOption,
    ForceOption,
    JsonOption,
    OutputOption,
    RecursiveOption,
    SalvageOption,
    SkipOption,
    SmoothingOption,
    Sources,
    ThreadsOption,
)
from mmnet.cli.matte.progress import MatteProgress
from mmnet.cli.matte.report import report
from mmnet.cli.options import (
    BackgroundOption,
    FitOption,
    ForegroundOption,
    IfNobodyOption,
    ModelOption,
    ProfileOption,
    UpsamplingOption,
)
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.imaging.fit import DEFAULT_FIT, choose_fit
from mmnet.runtime.imaging.presence import IfNobody, choose_if_nobody
from mmnet.runtime.imaging.stored import PhotoError
from mmnet.runtime.jobs.planning import MattePlan, plan_jobs
from mmnet.runtime.jobs.request import MatteRequest, RequestError, VideoOptions
from mmnet.runtime.jobs.results import MatteResult
from mmnet.runtime.jobs.runner import run_camera, run_jobs
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.profiles import DEFAULT_PROFILE, choose_profile
from mmnet.runtime.video.smoothing import TemporalSmoother

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def matte(
    sources: Sources = None,
    output: OutputOption = None,
    background: BackgroundOption = None,
    model: ModelOption = None,
    threads: ThreadsOption = None,
    profile: ProfileOption = DEFAULT_PROFILE,
    upsampling: UpsamplingOption = None,
    foreground: ForegroundOption = None,
    fit: FitOption = DEFAULT_FIT,
    if_nobody: IfNobodyOption = IfNobody.KEEP,
    recursive: RecursiveOption = False,
    skip_existing: SkipOption = False,
    force: ForceOption = False,
    as_json: JsonOption = False,
    camera: CameraOption = None,
    duration: DurationOption = None,
    crf: CrfOption = None,
    audio: AudioOption = True,
    smoothing: SmoothingOption = True,
    salvage: SalvageOption = False,
) -> None:
    """Compute the alpha matte of the person in photos and videos, cut the person out, or change the background.

    \b
    Examples:
      mmnet matte photo.jpg                   (writes photo-alpha.png)
      mmnet matte photo.jpg -b blur           (writes photo-composite.jpg)
      mmnet matte photo.jpg -b transparent -o me.png
      mmnet matte photo.jpg -b '#00ff00' -o green.jpg
      mmnet matte photo.jpg -b beach.jpg --model mmnet-1.0-256-int8.tflite
      mmnet matte photo.jpg --fit stretch     (one look at the whole photo)
      mmnet matte holiday/ -o mattes/ --json
      mmnet matte holiday/ -o mattes/ --recursive --skip-existing
      mmnet matte holiday/ -o mattes/ --if-nobody transparent
    \b
      mmnet matte clip.mp4 -b blur            (writes clip-composite.mp4, with its audio)
      mmnet matte clip.mp4 -b '#00ff00' -o green.mp4
      mmnet matte clip.mp4 -b transparent -o clip.mov    (ProRes 4444; .webm is VP9, both with alpha)
      mmnet matte clip.mp4 -o alpha.mkv       (the alpha itself, without loss)
      mmnet matte clip.mp4 -b transparent -o frames/%06d.png
      mmnet matte --camera 0 -b blur -o me.mp4 --duration 10

    One bad file does not stop the others. The exit code is 1 if any failed. Ctrl-C ends a video early and leaves a
    file that plays; the exit code is 130 then.
    """
    settings = choose_profile(profile).override(upsampling, foreground)
    renderer = Renderer.of(background, settings.foreground)
    open_matter = partial(
        PortraitMatter,
        model,
        threads,
        upsampling=settings.upsampling,
        fit=choose_fit(fit),
        if_nobody=choose_if_nobody(if_nobody),
        smoothing=TemporalSmoother if smoothing else None,
    )
    progress = MatteProgress(message_console())
    plan = MattePlan([], several=False)
    with _usage_errors(), _path_errors():
        request = MatteRequest(renderer, VideoOptions(crf, audio, salvage), force, skip_existing)
        if camera is None:
            if duration is not None:
                raise RequestError("--duration goes with --camera")
            reading = [path for path in (model, background and Path(background)) if path]
            plan = plan_jobs(sources or [], output, renderer.kind, recursive=recursive)
            with open_matter() as matter, progress.bars(len(plan.jobs) if plan.several else None):
                results = run_jobs(matter, plan.jobs, request, progress, reading)
        else:
            if sources or output is None:
                raise RequestError("--camera takes no files to read, and needs one to write: -o OUT")
            with open_matter() as matter, progress.bars():
                results = [run_camera(matter, camera, output, request, progress, duration)]
    report(progress.console, results, choose_fit(fit), plan, as_json=as_json)
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
        raise PhotoError(f"{error.filename}: {error.strerror}") from error


def _exit_code(results: Sequence[MatteResult]) -> int:
    if any(result.interrupted for result in results):
        return _INTERRUPTED
    return 0 if all(result.ok for result in results) else 1
