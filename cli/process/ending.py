"""The end of the process: right after the last line, where libraries would take seconds to take themselves apart."""

from __future__ import annotations

import atexit
import os
import sys
import weakref
from typing import Any, NoReturn

# Libraries that free their memory piece by piece when Python ends: a tenth to a fifth of the time of importing them.
_SLOW = ("jax", "numpy", "tensorflow")

_code: int | None = None


def end_quickly_later() -> None:
    """Prepare `end_process`: call it before anything else registers what to do at the end.

    What is registered last runs first. So this comes after all other handlers, and after all threads have ended.
    """
    atexit.register(_leave)


def end_process(code: int) -> NoReturn:
    """End the process with an exit code. The standard streams must be flushed.

    Threads are waited for, and every handler runs that was registered for the end, but the modules are not taken apart
    one by one where a library that takes long for that is loaded.
    """
    global _code
    if any(name in sys.modules for name in _SLOW):
        _code = code
    sys.exit(code)


def _leave() -> None:
    if _code is None:
        return
    finalizers: Any = weakref.finalize
    finalizers._exitfunc()  # folders of `tempfile`; it may have been registered before
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(_code)
