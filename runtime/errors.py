"""What can be wrong with what the runtime is given."""

from __future__ import annotations

from mmnet.errors import MMNetError


class ModelError(MMNetError):
    """The file is not a .tflite model, is damaged, or cannot be run."""
