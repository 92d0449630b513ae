"""`mmnet matte`: photos, videos or a camera in, mattes or composites out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from mmnet.cli.matte.progress import MatteProgress
from mmnet.cli.matte.report import report
from mmnet.cli.options import BackgroundOption, ForegroundOption, ModelOption, UpsamplingOption
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.fullres.upsample import DEFAULT, choose_upsampling
from mmnet.runtime.imaging.photos import PhotoError
from mmnet.runtime.jobs.matte import Making, Result, plan_jobs, run_camera, run_jobs
from mmnet.runtime.jobs.video import VideoOptions
from mmnet.runtime.matter import MatterOptions, PortraitMatter
from mmnet.runtime.video.smoothing import TemporalSmoother

_INTERRUPTED = 130  # 128 + SIGINT, as a shell has it


def matte(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SOURCE...", help="Photos, videos, or folders of them.", show_default=False),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="The file to write, or a folder; several sources need a folder. For a video also numbered images: "
            "frames/%06d.png. Without it, the result lies beside its source.",
            show_default=False,
        ),
    ] = None,
    background: BackgroundOption = None,
    model: ModelOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, help="Threads to run on.", show_default="one a core, at most 4")
    ] = None,
    upsampling: UpsamplingOption = DEFAULT,
    foreground: ForegroundOption = True,
    force: Annotated[bool, typer.Option("--force", "-f", help="Replace files that exist.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")] = False,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Record a camera (0 is the first; also a device, a URL or a pipe) until Ctrl-C.",
            show_default=False,
            rich_help_panel="Videos",
        ),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="End the camera's recording by itself.",
            show_default=False,
            rich_help_panel="Videos",
        ),
    ] = None,
    crf: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=51,
            help="Quality of H.264 and VP9: 0 is the best, 18 looks like the source.",
            show_default="the format's own",
            rich_help_panel="Videos",
        ),
    ] = None,
    audio: Annotated[bool, typer.Option("--audio/--no-audio", help="Keep the audio.", rich_help_panel="Videos")] = True,
    smoothing: Annotated[
        bool, typer.Option("--smoothing/--no-smoothing", help="Smooth the alphas over time.", rich_help_panel="Videos")
    ] = True,
    salvage: Annotated[
        bool,
        typer.Option(
            "--salvage",
            help="Matte what can be decoded of a damaged or truncated video, instead of refusing it.",
            rich_help_panel="Videos",
        ),
    ] = False,
) -> None:
    """Cut the person out of photos and videos: compute the alpha matte, and lay another background behind it.

    \b
    Examples:
      mmnet matte photo.jpg                   (writes photo-alpha.png)
      mmnet matte photo.jpg -b blur           (writes photo-composite.jpg)
      mmnet matte photo.jpg -b transparent -o me.png
      mmnet matte photo.jpg -b '#00ff00' -o green.jpg
      mmnet matte photo.jpg -b beach.jpg --model mmnet-1.0-256-int8.tflite
      mmnet matte holiday/ -o mattes/ --json
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
    making = Making(
        Renderer.of(background, foreground), VideoOptions(crf=crf, audio=audio, salvage=salvage), force=force
    )
    options = MatterOptions(
        model, threads, choose_upsampling(upsampling), smoothing=TemporalSmoother if smoothing else None
    )
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    try:
        if camera is None:
            if duration is not None:
                raise typer.BadParameter("--duration goes with --camera")
            reading = [path for path in (model, background and Path(background)) if path]
            several, jobs = plan_jobs(sources or [], output, making.render.kind)
            with (
                PortraitMatter.from_options(options) as matter,
                MatteProgress(console, len(jobs) if several else None) as progress,
            ):
                results = run_jobs(matter, jobs, making, reading, progress)
        else:
            if sources or output is None:
                raise typer.BadParameter("--camera takes no files to read, and needs one to write: -o OUT")
            several = False
            with (
                PortraitMatter.from_options(options) as matter,
                MatteProgress(console) as progress,
            ):
                results = [run_camera(matter, camera, output, making, progress, duration)]
    except OSError as error:  # a path that cannot even be looked at
        if isinstance(error, BrokenPipeError):
            raise
        raise PhotoError(f"{error.filename}: {error.strerror}") from error
    report(console, results, several=several, as_json=as_json)
    raise typer.Exit(_exit_code(results))


def _exit_code(results: list[Result]) -> int:
    if any(result.interrupted for result in results):
        return _INTERRUPTED
    return 0 if all(result.ok for result in results) else 1
