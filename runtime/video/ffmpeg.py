"""PyAV, loaded when a video is at hand, and its errors as this project's."""

from __future__ import annotations

from typing import Any

from mmnet.errors import MissingExtraError, MMNetError


class VideoError(MMNetError):
    """A file, camera or stream cannot be read as a video."""


def pyav() -> Any:
    """The module `av`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import av
        import av.error
    except ImportError as error:
        raise MissingExtraError("video", "PyAV") from error
    return av


def reason(error: BaseException) -> str:
    """What FFmpeg or the system says, in one line."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
