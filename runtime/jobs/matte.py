"""The work of `mmnet matte`: which file goes where, and what becomes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from mmnet.cli.matte.progress import MatteProgress
from mmnet.errors import MMNetError, OutputError
from mmnet.files import make_folder
from mmnet.runtime.fullres.rendering import Renderer, ResultKind
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.runtime.jobs.outputs import MatteJob, check_output, photo_extension, plan_outputs
from mmnet.runtime.jobs.sources import find_sources, is_video
from mmnet.runtime.jobs.video import VideoOptions, VideoResult, matte_camera, matte_video
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.video.formats import check_pattern, choose_encoding, default_extension, is_sequence
from mmnet.runtime.video.writer import check_images_folder


@dataclass(frozen=True)
class Making:
    """What is made of every source.

    Attributes:
        render: image and alpha → what is written.
        choices: of videos.
        force: whether files that exist are replaced.
    """

    render: Renderer
    choices: VideoOptions
    force: bool


@dataclass(frozen=True)
class Result:
    """What became of one source.

    Attributes:
        kind: "photo", "video" or "camera".
        source: as it was named.
        output: what was written, if nothing went wrong.
        size: width and height in pixels.
        video: more of a video.
        error: one line; None if nothing went wrong.
        interrupted: whether it was ended before its end.
    """

    kind: str
    source: str
    output: Path
    size: tuple[int, int] = (0, 0)
    video: VideoResult | None = None
    error: str | None = None
    interrupted: bool = False

    @property
    def ok(self) -> bool:
        return self.error is None


def plan_jobs(arguments: Sequence[Path], output: Path | None, kind: ResultKind) -> tuple[bool, list[MatteJob]]:
    """Whether these are several sources, or may be, and the output of each.

    Raises:
        typer.BadParameter: no source, or several and no folder for them.
        PhotoError: a folder cannot be listed or has nothing in it.
        OutputError: the output's extension cannot hold `kind`.
    """
    if not arguments:
        raise typer.BadParameter("name photos, videos or folders of them, or --camera N")
    several = len(arguments) > 1 or arguments[0].is_dir()
    is_folder = _is_folder(output, several)
    sources = find_sources(arguments)
    if output is not None and not is_folder and is_video(sources[0]):
        _check_video_output(output, kind)
        return several, [MatteJob(sources[0], output)]
    return several, plan_outputs(sources, output, kind, is_folder=is_folder, extension_of=_extension)


def run_jobs(
    matter: PortraitMatter, jobs: Sequence[MatteJob], making: Making, reading: Sequence[Path], progress: MatteProgress
) -> list[Result]:
    """Do every job; a bad source does not stop the others, an interrupted one does.

    Args:
        matter: computes the alphas.
        jobs: see `plan_jobs`.
        making: what is made.
        reading: files that are read besides the sources, and so never replaced.
        progress: is told.
    """
    inputs = [*(job.source for job in jobs), *reading]
    results: list[Result] = []
    for job in jobs:
        result = _run_job(matter, job, making, inputs, progress)
        results.append(result)
        progress.source_done()
        _tell(result, progress)
        if result.interrupted:
            break
    return results


def run_camera(
    matter: PortraitMatter,
    which: str,
    output: Path,
    making: Making,
    progress: MatteProgress,
    duration_s: float | None,
) -> Result:
    """Record a camera (`matte_camera`).

    Raises:
        OutputError: the output's extension cannot hold what is made, or the output is there already.
    """
    _check_video_output(output, making.render.kind)
    check = MatteJob(Path(which), output)
    try:
        _check_place(check, [], making)
        video = matte_camera(
            matter,
            which,
            output,
            making.render.kind,
            making.render,
            making.choices,
            lambda done, total: progress.frame_done(f"camera {which}", done, total),
            duration_s,
        )
    except MMNetError as error:
        result = Result("camera", which, output, error=_line(error), interrupted=error.exit_code == 130)
    else:
        size = (video.width, video.height)
        # Ctrl-C is how a recording ends.
        result = Result("camera", which, output, size, video)
    progress.source_done()
    _tell(result, progress)
    return result


def _run_job(
    matter: PortraitMatter, job: MatteJob, making: Making, inputs: Sequence[Path], progress: MatteProgress
) -> Result:
    source, video = str(job.source), is_video(job.source)
    kind, interrupted = "video" if video else "photo", False
    try:
        _check_place(job, inputs, making)
        return _matte_video(matter, job, making, progress) if video else _matte_photo(matter, job, making)
    except MMNetError as error:
        message = _naming(job.source, _line(error))
        interrupted = error.exit_code == 130
    except OSError as error:
        message = f"{job.source}: {error.strerror}"
    except MemoryError:
        message = f"{job.source}: does not fit into memory"
    return Result(kind, source, job.output, error=message, interrupted=interrupted)


def _matte_photo(matter: PortraitMatter, job: MatteJob, making: Making) -> Result:
    photo = read_photo(job.source)
    image = making.render(photo, matter.photo(photo).alpha_u8)
    make_folder(job.output.parent)
    write_image(job.output, image)
    return Result("photo", str(job.source), job.output, (photo.shape[1], photo.shape[0]))


def _matte_video(matter: PortraitMatter, job: MatteJob, making: Making, progress: MatteProgress) -> Result:
    video = matte_video(
        matter,
        job.source,
        job.output,
        making.render.kind,
        making.render,
        making.choices,
        lambda done, total: progress.frame_done(job.source.name, done, total),
    )
    size = (video.width, video.height)
    return Result("video", str(job.source), job.output, size, video, interrupted=video.interrupted)


def _is_folder(output: Path | None, several: bool) -> bool:
    """Whether OUT is a folder: for several sources it must be; for one, if it is one, or has no extension."""
    if several:
        if output is None:
            raise typer.BadParameter("several sources need a folder to go to: -o OUT")
        if output.exists() and not output.is_dir():
            raise typer.BadParameter(f"{output} is a file; several sources need a folder")
        return True
    return output is not None and (output.is_dir() or not output.suffix)


def _extension(source: Path, kind: ResultKind) -> str:
    return default_extension(source, kind) if is_video(source) else photo_extension(source, kind)


def _check_video_output(output: Path, kind: ResultKind) -> None:
    if is_sequence(output):
        check_pattern(output, kind)
    else:
        choose_encoding(output, kind)


def _check_place(job: MatteJob, inputs: Sequence[Path], making: Making) -> None:
    if is_sequence(job.output):
        check_images_folder(job.output, force=making.force)
        if any(path.parent.resolve() == job.output.parent.resolve() for path in inputs):
            raise OutputError(f"{job.output}: {job.output.parent} holds a file this reads; name another folder")
    else:
        check_output(job, inputs, force=making.force)


def _tell(result: Result, progress: MatteProgress) -> None:
    if result.error is not None:
        progress.error(result.error)
    elif result.video is not None:
        if result.video.damage is not None:
            progress.warning(result.video.damage)
        if result.video.interrupted:
            progress.warning(f"{result.source}: ended after {result.video.frames} frames; {result.output} is whole")


def _line(error: MMNetError) -> str:
    return " ".join(str(error).split())


def _naming(source: Path, message: str) -> str:
    return message if str(source) in message else f"{source}: {message}"
