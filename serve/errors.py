"""The errors of the server."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ServeError(MMNetError):
    """The server cannot start."""


class BusyError(MMNetError):
    """As many requests as allowed are being worked on or wait."""
