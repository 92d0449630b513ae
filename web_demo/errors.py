"""What can go wrong between `mmnet web` and the page."""

from __future__ import annotations

from mmnet.errors import MMNetError


class WebError(MMNetError):
    """The page cannot be served."""
