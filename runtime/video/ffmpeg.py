"""PyAV, which brings FFmpeg: loaded only when a video is opened."""

from __future__ import annotations

from typing import Any

from mmnet.errors import MissingExtraError, MMNetError


class VideoError(MMNetError):
    """A file, camera or stream that cannot be read as a video."""


def pyav() -> Any:
    """Import and return the module `av`.

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
    """Return the reason that FFmpeg or the system gives for an error, in one line."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
