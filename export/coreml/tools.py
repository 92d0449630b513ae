"""Importing coremltools late, and without its messages."""

from __future__ import annotations

import logging
import os
from typing import Any

from mmnet.errors import MissingExtraError


def load_coremltools() -> Any:
    """Import and return the module `coremltools`.

    Raises:
        MissingExtraError: it is not installed.
    """
    # It tells which versions of other frameworks it was not tested with, and that Core ML cannot run here. It imports
    # TensorFlow where that is installed, which tells which GPU it did not find.
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import coremltools
    except ImportError as error:
        raise MissingExtraError("coreml", "coremltools") from error
    return coremltools
