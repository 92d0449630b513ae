"""The end of a command: at once, with everything that was promised done before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE

# A library that says when it is taken apart, a thread that still works, and handlers for the end.
SCRIPT = """
import atexit, os, sys, tempfile, threading, time, types
from mmnet.cli.process.ending import end_process, end_quickly_later
end_quickly_later()
class Resource:
    def __del__(self, write=os.write):
        write(1, b"taken apart")
library = types.ModuleType(sys.argv[1])
library.resource = Resource()
sys.modules[sys.argv[1]] = library
folder = tempfile.TemporaryDirectory(dir=sys.argv[2])
atexit.register(lambda: print("handler", flush=True))
threading.Thread(target=lambda: (time.sleep(0.5), print("thread"))).start()
print("last line")
end_process(3)
"""


def ended(library: str, folder: Path) -> list[str]:
    """Return the lines that the script printed."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, library, folder], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert done.returncode == 3, done.stderr
    assert not list(folder.iterdir())
    return done.stdout.splitlines()


@pytest.mark.parametrize("library", ["tensorflow", "jax", "numpy"])
def test_a_command_with_a_large_library_ends_after_its_last_line(tmp_path: Path, library: str) -> None:
    assert ended(library, tmp_path) == ["last line", "thread", "handler"]


def test_others_end_as_python_does(tmp_path: Path) -> None:
    assert ended("other", tmp_path) == ["last line", "thread", "handler", "taken apart"]
