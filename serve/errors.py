"""The errors of the server."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ServeError(MMNetError):
    """A server that cannot start."""


class BusyError(MMNetError):
    """A request too many: as many as allowed are being worked on or wait."""
