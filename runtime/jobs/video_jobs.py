"""Video jobs: one video, or what a camera sees, matted into one video file or numbered images."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmnet.arrays import U8Array
from mmnet.files import make_folder
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.jobs.interruption import InterruptedEarlyError, interruption_event
from mmnet.runtime.jobs.request import MatteRequest
from mmnet.runtime.jobs.results import VideoResult
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.video.camera import Camera, newest_frames
from mmnet.runtime.video.formats import choose_encoding, is_pattern
from mmnet.runtime.video.reader import TimedFrame, VideoInput
from mmnet.runtime.video.stream import Matte
from mmnet.runtime.video.writer import FrameSink, NoFramesError, VideoSource, write_images, write_video

OnFrame = Callable[[int, int | None], Any]  # (frames written, frames in all, None if unknown)


def matte_video(
    matter: PortraitMatter, source: Path, output: Path, request: MatteRequest, on_frame: OnFrame
) -> VideoResult:
    """Matte a video file into a video file or numbered images.

    Ctrl-C ends it after the frames that are being computed; the output is whole up to there.

    Args:
        matter: computes the alphas; the file is a video of its own.
        source: any video that FFmpeg decodes.
        output: a video file, or a pattern such as frames/%06d.png.
        request: what is rendered, and the options for videos.
        on_frame: called after every frame.

    Raises:
        VideoError: the video cannot be read, or is damaged.
        OutputError: the output cannot be written. Nothing is left of it.
        InterruptedEarlyError: Ctrl-C before the first frame.
        MissingExtraError: PyAV is not installed.
    """
    options = request.video
    with interruption_event() as stop, VideoInput(source, salvage=options.salvage) as video:
        sink = _open(output, video, request, audio=source if options.audio else None)
        result = _run(matter, video, video, sink, request.renderer, stop, lambda done: on_frame(done, video.length))
        return replace(result, damage=video.damage)


def matte_camera(
    matter: PortraitMatter,
    camera: str,
    output: Path,
    request: MatteRequest,
    on_frame: OnFrame,
    duration_s: float | None = None,
) -> VideoResult:
    """Matte what a camera or a live stream shows, until Ctrl-C, its end, or `duration_s` seconds.

    Frames that arrive while an earlier one is still being matted are skipped; all others keep the times of their
    arrival. No audio is recorded. All other arguments are those of `matte_video`.

    Args:
        matter, output, request, on_frame: see `matte_video`.
        camera: the number of a camera, or a device, URL, pipe or file that FFmpeg opens.
        duration_s: seconds to record; None records without a limit.

    Raises:
        VideoError: there is no such camera, or it stops.
        OutputError, InterruptedEarlyError, MissingExtraError: see `matte_video`.
    """
    with interruption_event() as stop, Camera(camera) as opened, newest_frames(opened, stop, duration_s) as frames:
        sink = _open(output, opened, request, audio=None)
        result = _run(matter, frames, opened, sink, request.renderer, stop, lambda done: on_frame(done, None))
        return replace(result, dropped=frames.dropped)


def _open(
    output: Path, video: VideoSource, request: MatteRequest, *, audio: Path | None
) -> AbstractContextManager[FrameSink]:
    if is_pattern(output):
        return write_images(output, replace=request.force, codes=video.colour.image_codes)
    encoding, options = choose_encoding(output, request.renderer.kind), request.video
    make_folder(output.parent)
    return write_video(
        output, video, encoding, audio=audio, crf=options.crf, salvage=options.salvage, replace=request.force
    )


def _run(
    matter: PortraitMatter,
    frames: Iterable[TimedFrame],
    video: VideoSource,
    opened: AbstractContextManager[FrameSink],
    renderer: Renderer,
    stop: threading.Event,
    on_frame: Callable[[int], Any],
) -> VideoResult:
    def pairs() -> Iterator[tuple[U8Array, Fraction]]:
        for timed in frames:
            yield timed.frame, timed.timestamp_ms

    def render(matte: Matte) -> tuple[U8Array, Any]:
        return renderer(matte.frame, matte.alpha_u8), matte.timestamp_ms

    begin = time.monotonic()
    try:
        with opened as sink, closing(matter.stream(pairs(), render, stop=stop)) as rendered:
            for image, timestamp_ms in rendered:
                sink.write(image, timestamp_ms)
                on_frame(sink.frames)
            sink.finish(cut=stop.is_set())
    except NoFramesError as error:
        if stop.is_set():
            raise InterruptedEarlyError("interrupted before the first frame; nothing was written") from error
        raise
    seconds = time.monotonic() - begin
    return VideoResult(video.width, video.height, sink.frames, seconds, sink.tracks, interrupted=stop.is_set())
