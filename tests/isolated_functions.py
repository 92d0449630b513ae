"""Functions for isolated processes, in a module that a new process can import by its name."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from typing import Any


class UnpicklableError(Exception):
    """An exception that cannot be sent to another process."""

    def __init__(self) -> None:
        super().__init__("with a lambda")
        self.function = lambda: None


def fail() -> None:
    raise UnpicklableError


def refuse() -> None:
    raise ValueError("refused")


def build_slowly() -> Callable[..., Any]:
    time.sleep(2.5)
    return operator.call
