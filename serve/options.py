"""The limits of a server, and the options of one request. This module needs no web framework."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mmnet.runtime.fullres.compositing import BLUR, COLOURS, TRANSPARENT, BackgroundError, parse_background
from mmnet.runtime.fullres.rendering import ALPHA, COMPOSITE, CUTOUT, ResultKind
from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit
from mmnet.runtime.imaging.nobody import IfNobody
from mmnet.runtime.imaging.stored import MAX_PIXELS
from mmnet.runtime.profiles import DEFAULT_PROFILE, Profile
from mmnet.serve.errors import ServeError

_WORDS = (BLUR, TRANSPARENT, *COLOURS)  # backgrounds


class ResultFormat(StrEnum):
    """The format of a result, whose value is its file extension."""

    PNG = "png"
    JPEG = "jpg"

    @property
    def media_type(self) -> str:
        """The value of the header Content-Type."""
        return {"png": "image/png", "jpg": "image/jpeg"}[self]


class RequestOptionError(ServeError):
    """A request has options that do not go together, or a background that is none."""


@dataclass(frozen=True)
class MatteRequest:
    """The options of one request. The same photo and options give the bytes of `mmnet matte`.

    Attributes:
        background: a colour (`#00ff00`, `white`), `blur`, or `transparent` for a cut-out; None: the alpha matte itself.
            Never a path.
        format: the format of the result.
        profile: how much work the matte gets after the network.
        fit: how the photo is brought into the network's square.
        if_nobody: what becomes of a photo in which nobody was found.

    Raises:
        RequestOptionError: the background is none of these; an alpha matte or a cut-out as JPEG.
    """

    background: str | None = None
    format: ResultFormat = ResultFormat.PNG
    profile: Profile = DEFAULT_PROFILE
    fit: Fit = DEFAULT_FIT
    if_nobody: IfNobody = IfNobody.KEEP

    def __post_init__(self) -> None:
        background = self.background
        if background is not None:
            # Other texts are paths to `mmnet matte`, and no client names files of the server.
            if not background.startswith("#") and background.lower() not in _WORDS:
                raise RequestOptionError(f"background {background!r}: give #rrggbb or one of {', '.join(_WORDS)}")
            try:
                parse_background(background)
            except BackgroundError:
                raise RequestOptionError(f"background {background!r}: a colour is written #rrggbb") from None
        if self.kind.lossless and self.format is ResultFormat.JPEG:
            raise RequestOptionError(f"JPEG cannot hold this result ({self.kind.suffix}); ask for format=png")

    @property
    def kind(self) -> ResultKind:
        """The kind of the result."""
        if self.background is None:
            return ALPHA
        return CUTOUT if self.background.lower() == TRANSPARENT else COMPOSITE


@dataclass(frozen=True)
class ServerLimits:
    """The limits of a server.

    Attributes:
        workers: the number of worker processes, each with one core, >= 1.
        queue: how many further requests may wait for a worker, >= 0; all others are answered 503.
        connections: how many connections may be open at a time, >= 1; all others are closed without an answer. Each
            takes one of the files that the system lets a process open.
        max_bytes: the size of a photo file, >= 1.
        max_pixels: width times height of a photo, >= 1.
        seconds: how long a request may take to arrive, and a worker to answer it, > 0.

    Raises:
        ServeError: a limit is out of its range.
    """

    workers: int = 1
    queue: int = 16
    connections: int = 512
    max_bytes: int = 50 << 20
    max_pixels: int = 100_000_000
    seconds: float = 30.0

    def __post_init__(self) -> None:
        for name, value, least, most in (
            ("workers", self.workers, 1, 256),
            ("queue", self.queue, 0, 10_000),
            ("connections", self.connections, 1, 100_000),
            ("max_bytes", self.max_bytes, 1, 1 << 30),
            ("max_pixels", self.max_pixels, 1, MAX_PIXELS),
        ):
            if not least <= value <= most:
                raise ServeError(f"{name} is {value}; give {least} to {most:,}")
        if not 0 < self.seconds <= 3600:
            raise ServeError(f"seconds is {self.seconds:g}; give more than 0 and at most 3600")
