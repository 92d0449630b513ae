"""Importing TensorFlow late, because it takes seconds and only some commands need it, and without its messages."""

from __future__ import annotations

import os
from typing import Any

from mmnet.errors import MissingExtraError


def load_tensorflow(extra: str = "tensorflow") -> Any:
    """Import and return the module `tensorflow`.

    Args:
        extra: the extra of this project that the message names.

    Raises:
        MissingExtraError: it is not installed.
    """
    # The messages at its start (no GPU, oneDNN) do not help the user of a command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError(extra, "TensorFlow") from error
    return tf
