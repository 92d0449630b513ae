"""TensorFlow, loaded late and quietly: only some commands need it, and it takes seconds."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
        with quiet_stderr():
            import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("export", "TensorFlow") from error
    return tf


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keep what native code writes to file descriptor 2 off the terminal; Python's exceptions pass as they are."""
    saved = os.dup(2)
    try:
        with tempfile.TemporaryFile() as sink:
            os.dup2(sink.fileno(), 2)
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
