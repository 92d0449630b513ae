"""Requests: what is asked for of every job."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmnet.errors import MMNetError
from mmnet.runtime.fullres.rendering import Renderer


class RequestError(MMNetError):
    """Sources and an output that do not go together; the command line treats it as wrong usage."""


@dataclass(frozen=True)
class VideoOptions:
    """The options of videos.

    Attributes:
        crf: constant rate factor of the encoder, 0 is the best quality; None takes the default of the encoding.
        audio: whether the audio is kept.
        salvage: whether a damaged video is matted as far as it can be decoded, instead of refused.
    """

    crf: int | None = None
    audio: bool = True
    salvage: bool = False


@dataclass(frozen=True)
class MatteRequest:
    """The settings that all jobs of a request share.

    Attributes:
        renderer: renders each image and its alpha.
        video: options for videos.
        force: whether files that exist are replaced.
        skip_existing: whether sources whose output exists are skipped.

    Raises:
        RequestError: `force` and `skip_existing` are both true.
    """

    renderer: Renderer
    video: VideoOptions = field(default_factory=VideoOptions)
    force: bool = False
    skip_existing: bool = False

    def __post_init__(self) -> None:
        if self.force and self.skip_existing:
            raise RequestError(
                "force=True replaces results that exist, skip_existing=True keeps them: give one of the two"
            )
