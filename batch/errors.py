"""What can be wrong with a job over many images."""

from __future__ import annotations

from mmnet.errors import MMNetError


class BatchError(MMNetError):
    """A job that cannot be begun, or cannot go on."""


class StoreError(BatchError):
    """A folder, bucket or file that cannot be reached, read or written."""


class OtherJobError(BatchError):
    """The destination holds the results of another model, of other options or of other images."""
