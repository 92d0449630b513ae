"""The core and its JNI functions on an emulated Arm processor, and the core under the sanitizers of the compiler."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from core_cases import fine_alpha_case, fine_composite_case, smoothing_case
from java_core import AlphaCase, BlurredBackgroundCase, CompositeCase, FrameCase
from javascript_core import RgbFrameCase
from request_server import RequestServer
from support import ROOT

from mmnet.runtime import Fit, Orientation, YuvFrame
from mmnet.runtime.imaging.frames import ROTATIONS

CORE, HERE = ROOT / "runtime" / "core", ROOT / "tests" / "native"
FLAGS = ["-std=c11", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Werror"]
FLAGS += ["-Wno-missing-field-initializers", f"-I{CORE}", *map(str, sorted(CORE.glob("*.c")))]


def compile_program(compiler: str, source: str, program: Path, *flags: str) -> None:
    done = subprocess.run(
        [compiler, *flags, *FLAGS, str(HERE / source), "-o", str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module", params=["core", "JNI"])
def arm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestServer]:
    """The core on an emulated Arm processor: called directly, or by way of Android's JNI functions."""
    compiler, emulator, javac = map(shutil.which, ("aarch64-linux-gnu-gcc", "qemu-aarch64", "javac"))
    if compiler is None or emulator is None:
        pytest.skip(
            "THE CORE WAS NOT RUN ON ARM: install Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
        )
    flags = ["-O3", "-static"]
    if request.param == "JNI":
        if javac is None:
            pytest.skip("THE JNI FUNCTIONS WERE NOT RUN ON ARM: install Debian's default-jdk-headless")
        headers = Path(javac).resolve().parents[1] / "include"
        flags += ["-DTHROUGH_JNI", f"-I{headers}", f"-I{headers / 'linux'}"]
    program = tmp_path_factory.mktemp("arm") / "server"
    compile_program(compiler, "server.c", program, *flags)
    server = RequestServer(emulator, str(program))
    yield server
    assert server.close() == 0


def cases(random: np.random.Generator) -> Iterator[object]:
    """One case of each stage."""
    height, width, size = random.integers(1, [60, 60, 24]).tolist()
    turn = Orientation(int(random.choice(ROTATIONS)), bool(random.integers(2)))
    fit = list(Fit)[random.integers(4)]

    def noise(*shape: int) -> np.ndarray:
        return random.integers(0, 256, shape, np.uint8)

    image, alpha = noise(height, width, 3), noise(height, width)
    samples = noise(height * width + 2 * ((height + 1) // 2) * ((width + 1) // 2))
    yield FrameCase(YuvFrame.from_nv21(samples, height, width), turn, fit, size)
    yield RgbFrameCase(image, turn, fit, size)
    yield AlphaCase(height, width, turn, fit, noise(size, size))
    yield CompositeCase(image, alpha, noise(height, width, 3), (1, 2, 250))
    yield BlurredBackgroundCase(image, alpha)
    yield fine_alpha_case(random, 4 * height, 4 * width, size)
    yield fine_composite_case(random, 4 * height, 4 * width)
    yield smoothing_case(random, 3 * size)


@pytest.mark.parametrize("seed", range(60))
def test_arm_computes_the_same_bytes(arm: RequestServer, seed: int) -> None:
    for case in cases(np.random.default_rng(seed)):
        assert arm.send(case.request()) == case.answer(), case


def test_no_argument_makes_the_core_leave_its_arrays(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("NO C COMPILER: the core was not run under the sanitizers; install Debian's gcc and libc6-dev")
    program = tmp_path / "fuzz"
    sanitizers = ["-O1", "-g", "-DMMNET_ONE_TARGET", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    compile_program("gcc", "fuzz.c", program, *sanitizers)
    done = subprocess.run([str(program), "420", "4"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "calls computed" in done.stdout
