"""The error of `mmnet web`."""

from __future__ import annotations

from mmnet.errors import MMNetError


class WebError(MMNetError):
    """The page cannot be served."""
