"""One video, or what a camera sees, matted into one output."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from mmnet.arrays import U8Array
from mmnet.errors import MMNetError
from mmnet.files import make_folder
from mmnet.runtime.fullres.alpha import AnyAlpha
from mmnet.runtime.fullres.rendering import ResultKind
from mmnet.runtime.matter import PortraitMatter
from mmnet.runtime.video.audio import AudioTrack
from mmnet.runtime.video.camera import Camera, newest_frames
from mmnet.runtime.video.formats import choose_encoding, is_sequence
from mmnet.runtime.video.interrupt import interruptible
from mmnet.runtime.video.reader import TimedFrame, VideoInput
from mmnet.runtime.video.stream import Matte
from mmnet.runtime.video.writer import FrameSink, NoFramesError, VideoSource, write_images, write_video

Render = Callable[[U8Array, AnyAlpha], U8Array]  # (frame, alpha) -> what is written
Advance = Callable[[int, int | None], Any]  # (frames done, frames in all if known)


class InterruptedEarlyError(MMNetError):
    """Ctrl-C before there was anything to write."""

    exit_code = 130


@dataclass(frozen=True)
class VideoOptions:
    """What the user may choose about a video.

    Attributes:
        crf: quality of the encoder, 0 the best; None: the format's own.
        audio: whether the audio is kept.
        salvage: whether a damaged video is matted as far as it goes.
    """

    crf: int | None = None
    audio: bool = True
    salvage: bool = False


@dataclass(frozen=True)
class VideoResult:
    """What became of one video.

    Attributes:
        width, height: of its frames, upright, in pixels.
        frames: written.
        seconds: that it took.
        tracks: the audio written.
        dropped: a camera's frames that were skipped.
        damage: what was passed over; None: nothing.
        interrupted: whether somebody ended it before its end.
    """

    width: int
    height: int
    frames: int
    seconds: float
    tracks: list[AudioTrack]
    dropped: int = 0
    damage: str | None = None
    interrupted: bool = False


def matte_video(
    matter: PortraitMatter,
    source: Path,
    output: Path,
    kind: ResultKind,
    render: Render,
    choices: VideoOptions,
    advance: Advance,
) -> VideoResult:
    """Matte a video file into a video file or numbered images.

    Ctrl-C ends it after the frames on their way: the output is whole up to there.

    Args:
        matter: computes the alphas, as of one video.
        source: any video that FFmpeg decodes.
        output: a video file, or a pattern such as frames/%06d.png.
        kind, render: what is made of a frame and its alpha.
        choices: see there.
        advance: called after every frame.

    Raises:
        VideoError: the video cannot be read, or is damaged.
        OutputError: the output cannot be written. Nothing is left of it.
        InterruptedEarlyError: Ctrl-C before the first frame.
        MissingExtraError: PyAV is not installed.
    """
    with interruptible() as stop, VideoInput(source, salvage=choices.salvage) as video:
        sink = _open(output, video, kind, choices, audio=source if choices.audio else None)
        result = _run(matter, video, video, sink, render, stop, lambda done: advance(done, video.length))
        return replace(result, damage=video.damage)


def matte_camera(
    matter: PortraitMatter,
    which: str,
    output: Path,
    kind: ResultKind,
    render: Render,
    choices: VideoOptions,
    advance: Advance,
    duration_s: float | None = None,
) -> VideoResult:
    """Matte what a camera or a live stream gives, until Ctrl-C, its end, or `duration_s` seconds.

    Frames that come while the one before is still being matted are skipped; all have the time at which they came. No
    audio is recorded. For the rest see `matte_video`.

    Raises:
        As `matte_video`; VideoError where there is no such camera.
    """
    with interruptible() as stop, Camera(which) as camera, newest_frames(camera, stop, duration_s) as frames:
        sink = _open(output, camera, kind, choices, audio=None)
        result = _run(matter, frames, camera, sink, render, stop, lambda done: advance(done, None))
        return replace(result, dropped=frames.dropped)


def _open(
    output: Path, video: VideoSource, kind: ResultKind, choices: VideoOptions, *, audio: Path | None
) -> AbstractContextManager[FrameSink]:
    if is_sequence(output):
        return write_images(output)
    encoding = choose_encoding(output, kind)
    make_folder(output.parent)
    return write_video(output, video, encoding, audio=audio, crf=choices.crf, salvage=choices.salvage)


def _run(
    matter: PortraitMatter,
    frames: Iterable[TimedFrame],
    video: VideoSource,
    opened: AbstractContextManager[FrameSink],
    render: Render,
    stop: threading.Event,
    advance: Callable[[int], Any],
) -> VideoResult:
    def pairs() -> Iterator[tuple[U8Array, Fraction]]:
        for timed in frames:
            yield timed.frame, timed.timestamp_ms

    def finish(matte: Matte) -> tuple[U8Array, Any]:
        return render(matte.frame, matte.alpha_u8), matte.timestamp_ms

    begin = time.monotonic()
    try:
        with opened as sink, closing(matter.stream(pairs(), finish, stop=stop)) as finished:
            for image, timestamp_ms in finished:
                sink.write(image, timestamp_ms)
                advance(sink.frames)
            sink.finish(cut=stop.is_set())
    except NoFramesError as error:
        if stop.is_set():
            raise InterruptedEarlyError("interrupted before the first frame; nothing was written") from error
        raise
    seconds = time.monotonic() - begin
    return VideoResult(video.width, video.height, sink.frames, seconds, sink.tracks, interrupted=stop.is_set())
