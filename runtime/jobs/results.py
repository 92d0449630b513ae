"""Results of jobs, and the listener that is told about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from mmnet.runtime.imaging.fit import Rectangle
from mmnet.runtime.imaging.presence import Presence

if TYPE_CHECKING:
    from mmnet.runtime.video.audio import AudioTrack


@dataclass(frozen=True)
class VideoResult:
    """The result of one video or recording.

    Attributes:
        width, height: of its frames, upright, in pixels.
        frames: how many were written.
        seconds: how long it took.
        tracks: the audio tracks that were written.
        dropped: how many frames of a camera were skipped.
        damage: what was skipped of a damaged video; None if nothing was.
        interrupted: whether Ctrl-C ended it early.
    """

    width: int
    height: int
    frames: int
    seconds: float
    tracks: list[AudioTrack]
    dropped: int = 0
    damage: str | None = None
    interrupted: bool = False


@dataclass(frozen=True)
class MatteResult:
    """The result of one job.

    Attributes:
        kind: what the source is.
        source: the source as the user named it.
        output: the output; it exists if `ok`.
        size: width and height of the image or of the frames, in pixels; (0, 0) after an error.
        seen: the parts of a photo that the network saw last; empty for a video, and after an error.
        presence: how much of a photo people cover, and how sure the network is of them; None for a video, and after an
            error.
        video: details of a video or recording that was written.
        error: one line that says what went wrong; None if nothing did.
        interrupted: whether Ctrl-C ended it early.
        skipped: whether nothing was done, since the output exists.
    """

    kind: Literal["photo", "video", "camera"]
    source: str
    output: Path
    size: tuple[int, int] = (0, 0)
    video: VideoResult | None = None
    seen: tuple[Rectangle, ...] = ()
    presence: Presence | None = None
    error: str | None = None
    interrupted: bool = False
    skipped: bool = False

    @property
    def ok(self) -> bool:
        """Whether the output exists."""
        return self.error is None


class MatteListener(Protocol):
    """Told how far the jobs are. Its methods are called in the thread that runs the jobs."""

    def frame_done(self, name: str, done: int, total: int | None) -> None:
        """Note that a frame was written.

        Args:
            name: of the video or camera, for people.
            done: how many frames of it are written.
            total: how many it has, roughly; None if that is unknown.
        """

    def job_done(self, result: MatteResult) -> None:
        """Note that a job ended, with or without an error."""
