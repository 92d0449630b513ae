"""The treatment of photos in which nobody was found; `presence` finds out."""

from __future__ import annotations

from enum import StrEnum

from mmnet.errors import MMNetError


class NobodyError(MMNetError):
    """An image in which nobody was found, where that was to be an error."""


class IfNobody(StrEnum):
    """The treatment of a photo in which nobody was found.

    KEEP: its alpha stays as the network computed it.
    TRANSPARENT: its alpha is 0 everywhere.
    FAIL: it is an error.
    """

    KEEP = "keep"
    TRANSPARENT = "transparent"
    FAIL = "fail"


def choose_if_nobody(name: str) -> IfNobody:
    """Return the `IfNobody` called `name`.

    Raises:
        NobodyError: there is none; the message lists the names.
    """
    try:
        return IfNobody(name)
    except ValueError:
        raise NobodyError(f"unknown choice {name!r} for nobody; choose one of {', '.join(IfNobody)}") from None
