"""A separate environment for MediaPipe, which needs another version of absl than TensorFlow's tools."""

from __future__ import annotations

import fcntl
import subprocess
import venv
from pathlib import Path

import pytest

# These tests were written for 1.2.2; 0.10 has the same classes but was not tried.
MEDIAPIPE = "mediapipe>=1.2.2,<1.3"

_CACHE = Path(__file__).parents[2] / ".cache"


@pytest.fixture(scope="session")
def mediapipe_python() -> Path:
    """The Python of an environment with MediaPipe, which is made once under .cache/ and kept.

    Skips if MediaPipe cannot be installed. Fails if it is installed but does not load: then a system library is missing
    (Debian: libegl1 libgles2, and for its OpenCV libgl1 libglib2.0-0).
    """
    environment = _CACHE / "mediapipe-venv"
    python = environment / "bin" / "python"
    complete = environment / "complete"  # names what was installed, written last
    environment.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "mediapipe-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists() or complete.read_text() != MEDIAPIPE:
            venv.create(environment, clear=True, with_pip=True)
            pip = [str(python), "-m", "pip", "--quiet", "--retries", "1", "--timeout", "20", "install"]
            install = subprocess.run([*pip, MEDIAPIPE], capture_output=True, text=True, check=False)
            if install.returncode:
                reason = install.stderr.strip().splitlines()[-1]
                pytest.skip(f"{MEDIAPIPE} cannot be installed: {reason}")
            complete.write_text(MEDIAPIPE)
    load = [str(python), "-c", "from mediapipe.tasks.python.vision import ImageSegmenter"]
    loaded = subprocess.run(load, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, f"MediaPipe does not load: {loaded.stderr}"
    return python
