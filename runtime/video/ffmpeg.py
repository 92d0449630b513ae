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
    _accept_unknown_side_data()
    return av


def _accept_unknown_side_data() -> None:
    """Let PyAV list the side data of a frame even if FFmpeg knows kinds of it that PyAV does not, such as EXIF.

    Without this, a single unknown kind hides all the others, the rotation among them, behind a ValueError.
    """
    from av.sidedata.sidedata import Type

    def unknown(kind: type[Any], value: object) -> Any:
        member = object.__new__(kind)
        member._name_, member._value_ = f"UNKNOWN_{value}", value
        return kind._value2member_map_.setdefault(value, member)

    if "_missing_" not in vars(Type):
        Type._missing_ = classmethod(unknown)  # type: ignore[assignment]


def reason(error: BaseException) -> str:
    """Return the reason that FFmpeg or the system gives for an error, in one line."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
