"""Requests to the Java core of the Android demo, Python's answers to them, and a JVM that answers them in Java.

`RequestHandler.java` reads a request: an int for its kind, then its fields in their order. All numbers are big-endian.
An array of bytes is preceded by its length.
"""

from __future__ import annotations

import math
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from request_server import RequestServer
from support import ROOT

from mmnet.arrays import U8Array
from mmnet.runtime import (
    Fit,
    Orientation,
    Rectangle,
    TemporalSmoother,
    YuvFrame,
    alpha_to_image,
    box_blurred_background,
    composite,
    find_crops,
    to_model_input,
)
from mmnet.runtime.imaging import Placement, place_alpha, resample
from mmnet.runtime.imaging.framing import find_crop
from mmnet.runtime.imaging.presence import Presence, confidence_of
from mmnet.runtime.imaging.tracking import CropTracker

CORE = ROOT / "android_demo" / "core"
NATIVE = ROOT / "runtime" / "core"
LIBRARY = ROOT / "android_demo" / "matting" / "src" / "main" / "java"
APP = ROOT / "android_demo" / "app" / "src" / "main" / "java" / "ai" / "mmnet" / "demo"
ANNOTATIONS = ROOT / "android_demo" / "stubs" / "androidx" / "annotation"
STAND_IN = ROOT / "tests" / "android" / "java"  # replacements for LiteRT and Android, and tests
GOLDEN = CORE / "src" / "test" / "resources" / "golden.bin"
_JARS = [Path("/usr/share/java") / name for name in ("junit4.jar", "hamcrest-all.jar")]
_FITS = list(Fit)  # in the order of Java's enum


@dataclass(frozen=True)
class FrameCase:
    """A request that turns a camera frame into an upright image and the model input."""

    frame: YuvFrame
    orientation: Orientation
    fit: Fit
    size: int

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        parts = [
            ints_field(0, self.frame.height, self.frame.width, self.orientation.rotation, self.orientation.mirrored),
            ints_field(_FITS.index(self.fit), self.size),
        ]
        for plane in (self.frame.y, self.frame.u, self.frame.v):
            parts += [ints_field(plane.row_stride, plane.pixel_stride), array_field(plane.data)]
        return b"".join(parts)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        image = self.orientation.apply(self.frame.to_rgb())
        return ints_field(*image.shape[:2]) + image.tobytes() + to_model_input(image, self.size, self.fit).tobytes()


@dataclass(frozen=True)
class ReducedFrameCase:
    """A request for the upright image of a camera frame without padding, reduced to fit inside limits."""

    frame: YuvFrame
    orientation: Orientation
    max_height: int
    max_width: int

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        head = (self.frame.height, self.frame.width, self.orientation.rotation, self.orientation.mirrored)
        planes = (self.frame.y, self.frame.u, self.frame.v)
        return ints_field(13, *head, self.max_height, self.max_width) + b"".join(
            array_field(one.data) for one in planes
        )

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        image = self.orientation.apply(self.frame.to_rgb())
        height, width = image.shape[:2]
        ratio = min(Fraction(self.max_height, height), Fraction(self.max_width, width), Fraction(1))
        sides = [max(1, math.floor(side * ratio + Fraction(1, 2))) for side in (height, width)]
        return ints_field(*sides) + resample(image, *sides).tobytes()


@dataclass(frozen=True)
class AlphaCase:
    """A request that scales the model's alpha [S, S] to the upright image, and turns it back to the frame."""

    height: int
    width: int
    orientation: Orientation
    fit: Fit
    alpha: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        return (
            ints_field(1, self.height, self.width, self.orientation.rotation, self.orientation.mirrored)
            + ints_field(_FITS.index(self.fit), len(self.alpha))
            + array_field(self.alpha)
        )

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        height, width = self.orientation.apply(np.empty((self.height, self.width), np.uint8)).shape
        image_alpha = alpha_to_image(self.alpha, height, width, self.fit)
        return image_alpha.tobytes() + self.orientation.undo(image_alpha).tobytes()


@dataclass(frozen=True)
class CompositeCase:
    """A request that composites an image over another image and over one colour, as `composite` does for photos."""

    image: U8Array
    alpha: U8Array
    background: U8Array
    colour: tuple[int, int, int]

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        red, green, blue = self.colour
        arrays = (self.image, self.alpha, self.background)
        return ints_field(2, red << 16 | green << 8 | blue) + b"".join(map(array_field, arrays))

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        alpha = np.asarray(self.alpha / np.float32(255), np.float32)
        return b"".join(composite(self.image, alpha, over).tobytes() for over in (self.background, self.colour))


@dataclass(frozen=True)
class BlurredBackgroundCase:
    """A request that blurs the background of an image."""

    image: U8Array
    alpha: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        return ints_field(3, *self.alpha.shape) + array_field(self.image) + array_field(self.alpha)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        return box_blurred_background(self.image, self.alpha).tobytes()


@dataclass(frozen=True)
class CropCase:
    """A request for the one crop around the people of an image, of whose rectangle `seen` the alpha is."""

    height: int
    width: int
    seen: Rectangle
    alpha: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        seen = self.seen
        head = (self.height, self.width, seen.top, seen.left, seen.height, seen.width, len(self.alpha))
        return ints_field(6, *head) + array_field(self.alpha)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        crop = find_crop(self.alpha, self.height, self.width, self.seen)
        return rectangles_field([] if crop is None else [crop])


@dataclass(frozen=True)
class CropsCase:
    """A request for the crops around the people of a photo, of which the model computed an alpha."""

    height: int
    width: int
    alpha: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        return ints_field(11, self.height, self.width, len(self.alpha)) + array_field(self.alpha)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        return rectangles_field(find_crops(self.alpha, self.height, self.width))


@dataclass(frozen=True)
class VideoCase:
    """A request for the alphas of grey frames [H, W] by a model whose alpha is its input, with a crop that follows."""

    frames: list[U8Array]
    size: int
    smoothed: bool = False  # over time

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        head = ints_field(15 if self.smoothed else 7, self.size, *self.frames[0].shape, len(self.frames))
        return head + b"".join(map(array_field, self.frames))

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        tracker, smooth, answer = CropTracker(), TemporalSmoother(), b""
        for frame in self.frames:
            height, width = frame.shape

            def compute(crop: Rectangle, frame: U8Array = frame) -> U8Array:
                return resample(frame[crop.slices], self.size, self.size)

            crop, alpha = tracker.follow(height, width, compute)
            if tracker.jumped:
                smooth.reset()
            if self.smoothed:
                alpha = smooth(alpha, np.repeat(alpha[..., None], 3, axis=2))
            answer += place_alpha(alpha, Placement.of_crop(crop, self.size), height, width).tobytes()
        return answer


@dataclass(frozen=True)
class PresenceCase:
    """A request for the confidence that an alpha shows somebody, and for whether it shows nobody."""

    alpha: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request, as the module describes them."""
        return ints_field(8, len(self.alpha)) + array_field(self.alpha)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        confidence = confidence_of(self.alpha)
        return ints_field(confidence, Presence(0.0, confidence / 255).nobody)


def blobs(random: np.random.Generator, size: int) -> U8Array:
    """Return an alpha of rectangles and noise, few of which reach 128."""
    alpha = random.integers(0, random.choice([100, 140, 256]), (size, size)).astype(np.uint8)
    for _ in range(random.integers(0, 5)):
        top, left = random.integers(0, size, 2)
        rows, columns = random.integers(1, size + 1, 2)
        alpha[top : top + rows, left : left + columns] = random.integers(100, 256)
    return alpha


def walk(random: np.random.Generator, length: int, side: int = 90) -> list[U8Array]:
    """Return frames in which bright people of any size move, come and go before something dark."""
    height, width = random.integers(20, side, 2).tolist()
    places, steps = random.integers(-20, 80, (2, 2)), random.integers(-4, 5, (2, 2))
    sizes, shown = random.integers(3, 60, (2, 2)), random.integers(0, length, (2, 2))
    frames = []
    for number in range(length):
        frame = random.integers(0, 60, (height, width), np.uint8)
        for (top, left), (rows, columns), (first, last) in zip(places, sizes, shown, strict=True):
            if (first <= number) == (number <= last):
                frame[max(0, top) : max(0, top + rows), max(0, left) : max(0, left + columns)] = 220
        places = places + steps
        frames.append(frame)
    return frames


def crowd(random: np.random.Generator) -> U8Array:
    """Return a grey photo of up to seven bright people of any size before something dark."""
    height, width = random.integers(20, 200, 2).tolist()
    photo = random.integers(0, 60, (height, width), np.uint8)
    for _ in range(random.integers(0, 8)):
        top, left = random.integers(0, [height, width]).tolist()
        rows, columns = random.integers(2, [2 + height // 3, 2 + width // 5]).tolist()
        photo[top : top + rows, left : left + columns] = random.integers(130, 256)
    return photo


Case = FrameCase | AlphaCase | CompositeCase | BlurredBackgroundCase | CropCase | CropsCase | VideoCase | PresenceCase


def statistics_request(text: str, values: list[float]) -> bytes:
    """Return a request for the JSON of a text and of numbers in milliseconds, with the statistics of the numbers."""
    characters = text.encode("utf-16-be", "surrogatepass")
    return (
        ints_field(4, len(characters) // 2)
        + characters
        + ints_field(len(values))
        + struct.pack(f">{len(values)}d", *values)
    )


def compile_java(folder: Path) -> str:
    """Compile the Java core, the library, parts of the app and their tests into a folder, and return the class path.

    Warnings are errors. The test that calls this is skipped if there is no JDK or no JUnit.
    """
    if shutil.which("javac") is None:
        pytest.skip("NO JDK: the Java code is not tested; install Debian's default-jdk-headless")
    if missing := [str(jar) for jar in _JARS if not jar.exists()]:
        names = ", ".join(missing)
        pytest.skip(f"NO JUNIT: the Java code is not tested without {names}; install junit4 and libhamcrest-java")
    path = ":".join(map(str, [folder, CORE / "src" / "test" / "resources", *_JARS]))
    sources = [*CORE.glob("src/*/java/**/*.java"), *LIBRARY.glob("**/*.java"), *STAND_IN.glob("**/*.java")]
    sources += [APP / f"{name}.java" for name in ("CameraStream", "CameraThread", "SharedFolder")]
    sources += ANNOTATIONS.glob("*.java")
    sources.append(folder / "MainActivity.java")
    sources[-1].write_text(guide_screen())
    command = ["javac", "--release", "8", "-Xlint:all,-options", "-Werror", "-cp", path, "-d", str(folder)]
    done = subprocess.run([*command, *map(str, sources)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    compile_native(folder)
    return path


def guide_screen() -> str:
    """Return the source of the screen in the guide "From an empty project to a live matte"."""
    page = (ROOT / "docs" / "guides" / "android-from-zero.md").read_text()
    (screen,) = re.findall(r"^```java\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return str(screen)


def compile_native(folder: Path) -> None:
    """Compile the core and its JNI functions for this machine's JVM into a folder: `libmmnet.so`.

    Warnings are errors. The test that calls this is skipped if there is no C compiler.
    """
    if shutil.which("gcc") is None:
        pytest.skip("NO C COMPILER: the Java code is not tested; install Debian's gcc and libc6-dev")
    javac = shutil.which("javac")
    assert javac is not None
    headers = Path(javac).resolve().parents[1] / "include"
    flags = ["-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden"]
    flags += ["-Wall", "-Wextra", "-Wpedantic", "-Wno-missing-field-initializers", "-Werror", "-fPIC", "-shared"]
    includes = [f"-I{path}" for path in (headers, headers / "linux", NATIVE)]
    sources = [str(CORE / "src" / "main" / "cpp" / "jni.c"), *map(str, sorted(NATIVE.glob("*.c")))]
    command = ["gcc", *flags, *includes, *sources, "-o", str(folder / "libmmnet.so")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def java(class_path: str) -> list[str]:
    """Return the command that starts a JVM with the native core, without the class and its arguments."""
    folder = class_path.split(":")[0]
    options = ["-Xshare:auto", "-XX:+UseSerialGC", "-Xmx256m", "-Xcheck:jni", f"-Djava.library.path={folder}"]
    return ["java", *options, "-cp", class_path]


class JavaCore(RequestServer):
    """A JVM process that answers requests."""

    def __init__(self, class_path: str) -> None:
        super().__init__(*java(class_path), "ai.mmnet.core.RequestServer")


def ints_field(*values: int) -> bytes:
    """Return numbers as fields of a request."""
    return struct.pack(f">{len(values)}i", *values)


def rectangles_field(rectangles: list[Rectangle]) -> bytes:
    """Return rectangles as a field of an answer: their number, and the rectangles."""
    sides = [side for one in rectangles for side in (one.top, one.left, one.height, one.width)]
    return ints_field(len(rectangles), *sides)


def array_field(values: U8Array) -> bytes:
    """Return an array as a field of a request."""
    return ints_field(values.size) + values.tobytes()
