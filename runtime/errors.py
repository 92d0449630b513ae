"""The exceptions of the runtime that belong to no single module."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ModelError(MMNetError):
    """A file that is not a .tflite model, is damaged, or cannot be run."""
