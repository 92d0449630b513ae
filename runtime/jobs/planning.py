"""Planning: which job each source becomes, checked before any work begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mmnet.errors import OutputError
from mmnet.files import check_name
from mmnet.listing import LeftOut
from mmnet.runtime.fullres.rendering import ResultKind
from mmnet.runtime.jobs.outputs import MatteJob, check_output, photo_extension, plan_outputs
from mmnet.runtime.jobs.request import RequestError
from mmnet.runtime.jobs.sources import EXTENSIONS, find_sources, is_video
from mmnet.runtime.video.formats import (
    check_images_folder,
    check_pattern,
    choose_encoding,
    default_extension,
    is_pattern,
)


@dataclass(frozen=True)
class MattePlan:
    """The jobs for some sources.

    Attributes:
        jobs: one per source.
        several: whether several sources were named, or a folder, which may hold several.
        left_out: what the folders hold besides the sources.
    """

    jobs: list[MatteJob]
    several: bool
    left_out: LeftOut = field(default_factory=LeftOut)


def plan_jobs(paths: Sequence[Path], output: Path | None, kind: ResultKind, *, recursive: bool = False) -> MattePlan:
    """Find the sources and name the output of each.

    Args:
        paths: photos, videos and folders of them.
        output: a folder, or a file for a single source, or None, which puts each result beside its source.
        kind: the kind of the results.
        recursive: whether the folders below the folders are searched, too; the results keep their place below `output`.

    Raises:
        RequestError: no source, or several sources without a folder for the results.
        PhotoError: a folder cannot be listed, or has neither photos nor videos.
        OutputError: the extension of `output` cannot hold `kind`.
    """
    if not paths:
        raise RequestError("name photos, videos or folders of them, or camera=N")
    several = len(paths) > 1 or paths[0].is_dir()
    is_folder = _is_folder(output, several)
    # The results of an earlier run are no sources, even where they lie among these.
    found = find_sources(paths, recursive=recursive, skip=[output] if output is not None and is_folder else [])
    sources = list(found.folders)
    if output is not None and not is_folder and is_video(sources[0]):
        check_video_output(output, kind)
        return MattePlan([MatteJob(sources[0], output, numbered=is_pattern(output))], several, found.left_out)
    jobs: dict[Path, MatteJob] = {}
    for folder in dict.fromkeys(found.folders.values()):
        members = [source for source in sources if found.folders[source] == folder]
        place = output / folder if output is not None and is_folder else output
        planned = plan_outputs(members, place, kind, is_folder=is_folder, extension_of=_extension)
        jobs.update({job.source: job for job in planned})
    return MattePlan([jobs[source] for source in sources], several, found.left_out)


def check_video_output(output: Path, kind: ResultKind) -> None:
    """Refuse the output of a video whose name cannot hold `kind`.

    Raises:
        OutputError: see `choose_encoding` and `check_pattern`.
    """
    if is_pattern(output):
        check_pattern(output, kind)
    else:
        choose_encoding(output, kind)


def check_job(job: MatteJob, inputs: Sequence[Path], *, force: bool) -> None:
    """Refuse a job whose output is one of the input files, or exists and may not be replaced.

    Args:
        job: the job.
        inputs: all files that are read; none of them may be overwritten, not even with `force`.
        force: whether files that exist may be replaced.

    Raises:
        OutputExistsError, OutputError: the output is refused.
    """
    if not job.numbered:
        check_output(job, inputs, force=force)
        return
    check_images_folder(job.output, force=force)
    folder = job.output.parent
    if any(path.parent.resolve() == folder.resolve() for path in inputs):
        raise OutputError(f"{job.output}: {folder} holds an input file; name another folder")


def output_exists(job: MatteJob) -> bool:
    """Whether the output of a job exists: a file with content, or a folder with numbered images."""
    if job.numbered:
        return job.output.parent.is_dir() and any(job.output.parent.iterdir())
    check_name(job.output)
    return job.output.is_file() and job.output.stat().st_size > 0


def _is_folder(output: Path | None, several: bool) -> bool:
    """Whether `output` is a folder: always for several sources; for one, if it is one already or has no extension."""
    if several:
        if output is None:
            raise RequestError("several sources need a folder for their results: -o OUT")
        is_dir = output.is_dir()
        if not is_dir and (output.exists() or output.suffix.lower() in EXTENSIONS):
            raise RequestError(f"{output} {'is' if output.exists() else 'names'} a file; several sources need a folder")
        return True
    return output is not None and (output.is_dir() or not output.suffix)


def _extension(source: Path, kind: ResultKind) -> str:
    return default_extension(source, kind) if is_video(source) else photo_extension(source, kind)
