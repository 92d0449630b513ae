"""The errors of jobs over many images."""

from __future__ import annotations

from mmnet.errors import MMNetError


class BatchError(MMNetError):
    """A job cannot start, or cannot continue."""


class StoreError(BatchError):
    """A folder, bucket or file cannot be reached, read or written."""


class NameRefusedError(StoreError):
    """A file cannot be written or read because of its name or of what it holds; other files can."""


class OtherJobError(BatchError):
    """The destination holds results of another model, of other options or of other images."""
