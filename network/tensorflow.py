"""TensorFlow, loaded late and quietly: only some commands need it, and it takes seconds."""

from __future__ import annotations

import os
from typing import Any

from mmnet.errors import MissingExtraError


def load_tensorflow() -> Any:
    """The `tensorflow` module.

    Raises:
        MissingExtraError: it is not installed.
    """
    # Its start-up notes (no GPU, oneDNN) are no news to the user of a command line.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("export", "TensorFlow") from error
    return tf
