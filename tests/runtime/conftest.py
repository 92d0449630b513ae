"""Models, photos and the command itself."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut
from support import PATIENCE

from mmnet.runtime.core import library
from mmnet.runtime.fullres import compiled, kernels, reference

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module", params=["compiled", "numpy"])
def both_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a module's tests twice: with the compiled kernels and with NumPy's."""
    if request.param == "compiled" and library.LIBRARY is None:
        pytest.skip("NO C COMPILER WAS THERE WHEN MMNET WAS INSTALLED: the compiled kernels were not tested")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "KERNELS", reference if request.param == "numpy" else compiled)
        if request.param == "numpy":
            patch.setattr(library, "LIBRARY", None)
        yield


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the models of build_models.py, by name."""
    pytest.importorskip("tensorflow", reason="TensorFlow builds the models these tests run; install mmnet[test]")
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("build_models.py")
    done = subprocess.run([sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def tiny_model(models: Path) -> Path:
    """A full-integer .tflite, 64×64, uint8 in and out."""
    return models / "uint8.tflite"


@pytest.fixture(scope="session")
def float_model(models: Path) -> Path:
    """The same network in float32."""
    return models / "float32.tflite"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A 200×160 JPEG of an astronaut."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(astronaut()[:160, 100:300]).save(path, quality=95)
    return path


@pytest.fixture(scope="session")
def mmnet() -> Run:
    """Runs `mmnet ARGUMENTS…`, the installed command, in a process of its own."""

    def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).with_name("mmnet")), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE, **options)

    return run


@pytest.fixture
def no_thread_stays() -> Iterator[None]:
    """Fail a test that leaves a thread behind. The core keeps its threads, which begin when they are first needed."""

    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if not thread.name.startswith("mmnet-core")}

    before = threads()
    yield
    assert threads() <= before


@pytest.fixture
def noise() -> Callable[..., np.ndarray[Any, Any]]:
    """noise(*shape) -> uint8, the same at every call."""
    return lambda *shape: np.random.default_rng(7).integers(0, 256, shape, np.uint8)
