"""Running of jobs: one after the other, a result for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from mmnet.errors import OutputExistsError
from mmnet.failures import LOG, failure_line
from mmnet.runtime.jobs.interruption import InterruptedEarlyError
from mmnet.runtime.jobs.outputs import MatteJob
from mmnet.runtime.jobs.photo_jobs import matte_photo
from mmnet.runtime.jobs.planning import check_job, check_video_output, output_exists
from mmnet.runtime.jobs.request import MatteRequest
from mmnet.runtime.jobs.results import MatteListener, MatteResult
from mmnet.runtime.jobs.sources import is_video
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.video.formats import is_pattern


def run_jobs(
    matter: PortraitMatter,
    jobs: Sequence[MatteJob],
    request: MatteRequest,
    listener: MatteListener,
    reading: Sequence[Path] = (),
) -> list[MatteResult]:
    """Do every job. A bad source does not stop the others; a video that is interrupted does.

    Args:
        matter: computes the alphas.
        jobs: from `plan_jobs`.
        request: what is asked for of every job.
        listener: told how far the jobs are.
        reading: files that are read besides the sources, and so are never replaced.
    """
    inputs = [*(job.source for job in jobs), *reading]
    results: list[MatteResult] = []
    for job in jobs:
        start = time.monotonic()
        result = _run_job(matter, job, request, inputs, listener)
        if result.ok and not result.skipped:
            LOG.info("%s: matted into %s in %.2f s", result.source, result.output, time.monotonic() - start)
        results.append(result)
        listener.job_done(result)
        if result.interrupted:
            break
    return results


def run_camera(
    matter: PortraitMatter,
    camera: str,
    output: Path,
    request: MatteRequest,
    listener: MatteListener,
    duration_s: float | None = None,
) -> MatteResult:
    """Record a camera. Ctrl-C is the usual end of a recording, and so is no interruption.

    Args:
        matter, output, request: see `matte_camera`.
        camera, duration_s: see `matte_camera`.
        listener: told how far the recording is.

    Raises:
        OutputError: the extension of `output` cannot hold the result.
    """
    from mmnet.runtime.jobs.video_jobs import matte_camera  # not needed for photos

    check_video_output(output, request.renderer.kind)
    try:
        check_job(MatteJob(Path(camera), output, numbered=is_pattern(output)), [], force=request.force)
        on_frame = partial(listener.frame_done, f"camera {camera}")
        video = matte_camera(matter, camera, output, request, on_frame, duration_s)
    except Exception as error:
        interrupted = isinstance(error, InterruptedEarlyError)
        result = MatteResult("camera", camera, output, error=failure_line(error), interrupted=interrupted)
    else:
        result = MatteResult("camera", camera, output, (video.width, video.height), video)
    listener.job_done(result)
    return result


def _run_job(
    matter: PortraitMatter, job: MatteJob, request: MatteRequest, inputs: Sequence[Path], listener: MatteListener
) -> MatteResult:
    kind: Literal["photo", "video"] = "photo"
    try:
        kind = "video" if is_video(job.source) else "photo"
        if request.skip_existing and output_exists(job):
            return MatteResult(kind, str(job.source), job.output, skipped=True)
        check_job(job, inputs, force=request.force)
        if kind == "photo":
            matte = matte_photo(matter, job.source, job.output, request.renderer, force=request.force)
            height, width = matte.frame.shape[:2]
            size, seen = (width, height), matte.seen
            return MatteResult(kind, str(job.source), job.output, size, seen=seen, presence=matte.presence)
        from mmnet.runtime.jobs.video_jobs import matte_video  # not needed for photos

        on_frame = partial(listener.frame_done, job.source.name)
        video = matte_video(matter, job.source, job.output, request, on_frame)
        size = (video.width, video.height)
        return MatteResult(kind, str(job.source), job.output, size, video, interrupted=video.interrupted)
    except Exception as error:
        if isinstance(error, OutputExistsError) and request.skip_existing and output_exists(job):
            # Another process wrote it meanwhile.
            return MatteResult(kind, str(job.source), job.output, skipped=True)
        message, interrupted = failure_line(error, job.source), isinstance(error, InterruptedEarlyError)
        return MatteResult(kind, str(job.source), job.output, error=message, interrupted=interrupted)
