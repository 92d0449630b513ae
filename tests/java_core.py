"""The Java core of the Android demo: requests to it, what Python answers to them, and a JVM that is asked.

A request is what `Answers.java` reads: big-endian, an int that says which kind, then its fields in their order; an
array of bytes has its length before it.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from support import ROOT

from mmnet.runtime import Fit, Orientation, YuvFrame, alpha_to_image, blurred_backdrop, composite, to_model_input
from mmnet.runtime.imaging.preprocess import Bytes

CORE = ROOT / "android_demo" / "core"
APP = ROOT / "android_demo" / "app" / "src" / "main" / "java" / "ai" / "mmnet" / "demo"
STAND_IN = ROOT / "tests" / "android" / "java"  # for LiteRT, and the adapter's tests
GOLDEN = CORE / "src" / "test" / "resources" / "golden.bin"
_JARS = [Path("/usr/share/java") / name for name in ("junit4.jar", "hamcrest-all.jar")]
_FITS = list(Fit)  # in Java's order


@dataclass(frozen=True)
class FrameCase:
    """Frame → upright image and model input."""

    frame: YuvFrame
    orientation: Orientation
    fit: Fit
    size: int

    def request(self) -> bytes:
        """See the module."""
        parts = [
            _ints(0, self.frame.height, self.frame.width, self.orientation.rotation, self.orientation.mirrored),
            _ints(_FITS.index(self.fit), self.size),
        ]
        for plane in (self.frame.y, self.frame.u, self.frame.v):
            parts += [_ints(plane.row_stride, plane.pixel_stride), _array(plane.data)]
        return b"".join(parts)

    def answer(self) -> bytes:
        """What Python computes."""
        image = self.orientation.apply(self.frame.to_rgb())
        return _ints(*image.shape[:2]) + image.tobytes() + to_model_input(image, self.size, self.fit).tobytes()


@dataclass(frozen=True)
class AlphaCase:
    """Model alpha → alpha of the image, and of the frame."""

    height: int
    width: int
    orientation: Orientation
    fit: Fit
    alpha: Bytes

    def request(self) -> bytes:
        """See the module."""
        return (
            _ints(1, self.height, self.width, self.orientation.rotation, self.orientation.mirrored)
            + _ints(_FITS.index(self.fit), len(self.alpha))
            + _array(self.alpha)
        )

    def answer(self) -> bytes:
        """What Python computes."""
        upright = self.orientation.apply(np.empty((self.height, self.width), np.uint8)).shape
        image = alpha_to_image(self.alpha, *upright, self.fit)
        return image.tobytes() + self.orientation.undo(image).tobytes()


@dataclass(frozen=True)
class CompositeCase:
    """Image over another, and over one colour: what the photos' `composite` computes."""

    image: Bytes
    alpha: Bytes
    behind: Bytes
    colour: tuple[int, int, int]

    def request(self) -> bytes:
        """See the module."""
        red, green, blue = self.colour
        return _ints(2, red << 16 | green << 8 | blue) + b"".join(map(_array, (self.image, self.alpha, self.behind)))

    def answer(self) -> bytes:
        """What Python computes."""
        alpha = self.alpha / np.float32(255)
        return b"".join(composite(self.image, alpha, behind).tobytes() for behind in (self.behind, self.colour))


@dataclass(frozen=True)
class BackdropCase:
    """Image and alpha → blurred background."""

    image: Bytes
    alpha: Bytes

    def request(self) -> bytes:
        """See the module."""
        return _ints(3, *self.alpha.shape) + _array(self.image) + _array(self.alpha)

    def answer(self) -> bytes:
        """What Python computes."""
        return blurred_backdrop(self.image, self.alpha).tobytes()


Case = FrameCase | AlphaCase | CompositeCase | BackdropCase


def statistics_request(text: str, values: list[float]) -> bytes:
    """A text and numbers → their JSON, and the statistics of the numbers."""
    characters = text.encode("utf-16-be", "surrogatepass")
    return _ints(4, len(characters) // 2) + characters + _ints(len(values)) + struct.pack(f">{len(values)}d", *values)


def compile_java(folder: Path) -> str:
    """Compile core, the adapter to LiteRT, and their tests, all warnings being errors; the class path.

    Skips where there is no JDK or JUnit.
    """
    if shutil.which("javac") is None:
        pytest.skip("NO JDK: the Java side is not tested; install Debian's default-jdk-headless")
    if missing := [str(jar) for jar in _JARS if not jar.exists()]:
        pytest.skip(f"NO JUNIT: {', '.join(missing)} missing, the Java side is not tested; install Debian's junit4")
    path = ":".join(map(str, [folder, CORE / "src" / "test" / "resources", *_JARS]))
    sources = [*CORE.glob("src/*/java/**/*.java"), *STAND_IN.glob("**/*.java")]
    sources += [APP / f"{name}.java" for name in ("LiteRtModel", "ModelException")]
    command = ["javac", "--release", "8", "-Xlint:all,-options", "-Werror", "-cp", path, "-d", str(folder)]
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


class JavaCore:
    """One JVM that answers requests."""

    def __init__(self, class_path: str) -> None:
        command = ["java", "-Xshare:auto", "-XX:+UseSerialGC", "-Xmx256m", "-cp", class_path]
        self._process = subprocess.Popen(
            [*command, "ai.mmnet.core.AnswerServer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(_ints(len(request)) + request)
        self._process.stdin.flush()
        header = self._process.stdout.read(4)
        assert len(header) == 4, "the JVM ended; its stderr says why"
        return self._process.stdout.read(int.from_bytes(header, "big"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _ints(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def _array(values: Bytes) -> bytes:
    return _ints(values.size) + values.tobytes()
