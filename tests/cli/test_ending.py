"""The end of a command: at once, with everything that was promised done before."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

# A library that takes ten seconds to take itself apart, a thread that still works, and handlers for the end.
SCRIPT = """
import atexit, sys, tempfile, threading, time, types
from mmnet.cli.process.ending import end_process, end_quickly_later
end_quickly_later()
class Slow:
    def __del__(self):
        time.sleep(10)
library = types.ModuleType(sys.argv[1])
library.resource = Slow()
sys.modules[sys.argv[1]] = library
folder = tempfile.TemporaryDirectory(dir=sys.argv[2])
atexit.register(lambda: print("handler", flush=True))
threading.Thread(target=lambda: (time.sleep(0.5), print("thread"))).start()
print("last line")
end_process(3)
"""


def ended(library: str, folder: Path) -> tuple[float, list[str]]:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, library, folder], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert not list(folder.iterdir())
    return time.monotonic() - begun, done.stdout.splitlines()


@pytest.mark.parametrize("library", ["tensorflow", "jax", "numpy"])
def test_a_command_with_a_large_library_ends_after_its_last_line(tmp_path: Path, library: str) -> None:
    seconds, printed = ended(library, tmp_path)
    assert printed == ["last line", "thread", "handler"]
    assert seconds < 8


def test_others_end_as_python_does(tmp_path: Path) -> None:
    seconds, printed = ended("other", tmp_path)
    assert printed == ["last line", "thread", "handler"]
    assert seconds >= 10
