"""The progress callback of a measurement."""

from __future__ import annotations

from collections.abc import Callable

# Called with a description of the current step, how many steps are done, and how many there are.
Progress = Callable[[str, int, int], None]


def no_progress(description: str, done: int, total: int) -> None:
    """Ignore the progress."""
