"""Tests that the Java core computes the same bytes as Python."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from core_cases import fine_alpha_case, fine_composite_case, fine_photo_case, smoothing_case
from hypothesis import given, settings
from hypothesis import strategies as st
from java_core import (
    CORE,
    GOLDEN,
    LIBRARY,
    STAND_IN,
    AlphaCase,
    BlurredBackgroundCase,
    CompositeCase,
    CropCase,
    CropsCase,
    FrameCase,
    JavaCore,
    PresenceCase,
    ReducedFrameCase,
    VideoCase,
    blobs,
    crowd,
    statistics_request,
    walk,
)
from java_core import java as java_command
from make_java_golden import content

from mmnet.benchmark.latency import Latency
from mmnet.runtime import Fit, Orientation, Plane, Rectangle, YuvFrame
from mmnet.runtime.imaging import resample
from mmnet.runtime.imaging.frames import ROTATIONS

_SIDE, _SIZE, _SEED = st.integers(1, 48), st.integers(1, 20), st.integers(0, 2**32 - 1)
_ORIENTATION = st.builds(Orientation, st.sampled_from(ROTATIONS), st.booleans())
_FIT = st.sampled_from(list(Fit))
_LARGE_SIDE = st.one_of(st.integers(1, 90), st.integers(1, 300))
_PADDING, _PIXEL_STRIDE, _LEVELS = st.integers(0, 5), st.integers(1, 4), st.sampled_from([2, 3, 256])


@st.composite
def frames(draw: st.DrawFn) -> YuvFrame:
    """Draw a frame of noise with any sides, any strides, and few or all levels."""
    height, width, random = draw(_SIDE), draw(_SIDE), np.random.default_rng(draw(_SEED))
    levels = draw(_LEVELS)

    def plane(rows: int, columns: int) -> Plane:
        pixel = draw(_PIXEL_STRIDE)
        row = (columns - 1) * pixel + 1 + draw(_PADDING)
        length = (rows - 1) * row + (columns - 1) * pixel + 1 + draw(_PADDING)
        return Plane(_noise(random, levels, length), row, pixel)

    half = (height + 1) // 2, (width + 1) // 2
    return YuvFrame(height, width, plane(height, width), plane(*half), plane(*half))


def _noise(random: np.random.Generator, levels: int, *shape: int) -> np.ndarray:
    """Return noise of evenly spaced levels from 0 to 255; two levels give the extremes of every sum."""
    return (random.integers(0, levels, shape) * 255 // (levels - 1)).astype(np.uint8)


@settings(max_examples=2000, deadline=None)
@given(frames(), _ORIENTATION, _FIT, _SIZE)
def test_frames(java: JavaCore, frame: YuvFrame, orientation: Orientation, fit: Fit, size: int) -> None:
    case = FrameCase(frame, orientation, fit, size)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=500, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, st.integers(1, 60), st.integers(1, 60), _SEED, _LEVELS)
def test_frames_that_are_reduced_for_a_view(
    java: JavaCore, height: int, width: int, orientation: Orientation, high: int, wide: int, seed: int, levels: int
) -> None:
    random = np.random.default_rng(seed)
    half = (height + 1) // 2, (width + 1) // 2
    planes = [Plane(_noise(random, levels, *sides).ravel(), sides[1], 1) for sides in ((height, width), half, half)]
    case = ReducedFrameCase(YuvFrame(height, width, *planes), orientation, high, wide)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=1000, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, _FIT, _SIZE, _SEED, _LEVELS)
def test_alpha(
    java: JavaCore, height: int, width: int, orientation: Orientation, fit: Fit, size: int, seed: int, levels: int
) -> None:
    alpha = _noise(np.random.default_rng(seed), levels, size, size)
    case = AlphaCase(height, width, orientation, fit, alpha)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=300, deadline=None)
@given(_SIDE, _SIDE, _SEED, _LEVELS)
def test_composite(java: JavaCore, height: int, width: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    image, background = (_noise(random, levels, height, width, 3) for _ in range(2))
    red, green, blue = random.integers(0, 256, 3).tolist()
    case = CompositeCase(image, _noise(random, 256, height, width), background, (red, green, blue))
    assert java.send(case.request()) == case.answer()


def test_every_pair_of_bytes_with_many_alphas(java: JavaCore) -> None:
    pairs = (side.astype(np.uint8) for side in np.mgrid[:256, :256])
    foreground, background = (np.repeat(side[..., None], 3, axis=2) for side in pairs)
    for alpha in range(0, 256, 3):  # 255 is a multiple of 3
        case = CompositeCase(foreground, np.full((256, 256), alpha, np.uint8), background, (0, alpha, 255))
        assert java.send(case.request()) == case.answer()


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), _SEED, _LEVELS)
def test_blurred_background(java: JavaCore, height: int, width: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    case = BlurredBackgroundCase(_noise(random, levels, height, width, 3), _noise(random, levels, height, width))
    assert java.send(case.request()) == case.answer()


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40), _SEED, st.data())
def test_crops(java: JavaCore, height: int, width: int, size: int, seed: int, data: st.DataObject) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    seen = Rectangle(top, left, rows, columns) if seed % 2 else Rectangle(0, 0, height, width)
    case = CropCase(height, width, seen, blobs(np.random.default_rng(seed), size))
    assert java.send(case.request()) == case.answer()


@settings(max_examples=600, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40), _SEED)
def test_crops_of_photos(java: JavaCore, height: int, width: int, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    alpha = blobs(random, size) if seed % 2 else resample(crowd(random), size, size)
    case = CropsCase(height, width, alpha)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=200, deadline=None)
@given(_SEED, st.sampled_from([8, 16, 32]))
def test_photos(java: JavaCore, seed: int, size: int) -> None:
    case = fine_photo_case(np.random.default_rng(seed), size)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=60, deadline=None)
@given(_SEED, st.sampled_from([16, 32]), st.booleans())
def test_videos_with_a_crop_that_follows(java: JavaCore, seed: int, size: int, smoothed: bool) -> None:
    case = VideoCase(walk(np.random.default_rng(seed), 40), size, smoothed)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.integers(1, 70), st.just(128)), _SEED)
def test_smoothing(java: JavaCore, size: int, seed: int) -> None:
    case = smoothing_case(np.random.default_rng(seed), size)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 70), _SEED)
def test_confidence(java: JavaCore, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    case = PresenceCase(np.maximum(blobs(random, size), random.choice([0, 220])).astype(np.uint8))
    assert java.send(case.request()) == case.answer()


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, st.sampled_from([1, 2, 7, 24, 64]), _SEED)
def test_fine_alpha(java: JavaCore, height: int, width: int, size: int, seed: int) -> None:
    case = fine_alpha_case(np.random.default_rng(seed), height, width, size)
    assert java.send(case.request()) == case.answer()


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, _SEED)
def test_fine_composite(java: JavaCore, height: int, width: int, seed: int) -> None:
    case = fine_composite_case(np.random.default_rng(seed), height, width)
    assert java.send(case.request()) == case.answer()


@pytest.mark.parametrize(("height", "width", "rotation"), [(480, 640, 90), (720, 1280, 270), (1080, 1920, 0)])
def test_frames_of_camera_sizes(java: JavaCore, height: int, width: int, rotation: int) -> None:
    data = np.random.default_rng(1).integers(0, 256, height * width * 3 // 2, np.uint8)
    case = FrameCase(YuvFrame.from_nv21(data, height, width), Orientation(rotation, True), Fit.STRETCH, 256)
    assert java.send(case.request()) == case.answer()
    alpha_case = AlphaCase(height, width, case.orientation, case.fit, data[: 256 * 256].reshape(256, 256))
    assert java.send(alpha_case.request()) == alpha_case.answer()


@settings(max_examples=300, deadline=None)
@given(
    st.text(st.characters()),
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40),
)
def test_statistics_are_those_of_mmnet_benchmark(java: JavaCore, text: str, values: list[float]) -> None:
    result = json.loads(java.send(statistics_request(text, values)))
    assert result["text"] == text
    assert result["values"] == values  # exactly
    expected = asdict(Latency.of(np.array(values)))
    assert result["statistics"] == pytest.approx(expected, rel=1e-12, abs=1e-12 * max(values))


def test_the_golden_vectors_are_what_python_computes() -> None:
    assert GOLDEN.read_bytes() == content(), "renew golden.bin with: python tests/make_java_golden.py"


def test_junit(class_path: str) -> None:
    tests = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for root in (CORE / "src" / "test" / "java", STAND_IN)
        for path in root.glob("**/*Test.java")
    ]
    done = subprocess.run(
        [*java_command(class_path), "org.junit.runner.JUnitCore", *tests], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    assert "OK (" in done.stdout
    assert len(tests) >= 6


def test_the_library_needs_litert_alone_and_in_two_classes() -> None:
    litert = {"InterpreterModel": "org.tensorflow.lite.", "AcceleratedModel": "com.google.ai.edge.litert."}
    for source in LIBRARY.glob("**/*.java"):
        own = filter(None, [litert.get(source.stem)])
        allowed = ("ai.mmnet.core.", "android.", "androidx.annotation.", "java.", *own)
        imported = re.findall(r"^import (?:static )?(\S+);", source.read_text(), re.MULTILINE)
        assert all(name.startswith(allowed) for name in imported), source.name


def test_what_the_library_takes_and_gives_says_whether_it_may_be_null() -> None:
    """The public classes of the Java core are part of the library."""
    primitive = r"(?:void|boolean|byte|int|long|float|double)"
    checked = 0
    for source in [*LIBRARY.glob("**/*.java"), *(CORE / "src" / "main" / "java").glob("**/*.java")]:
        text = source.read_text()
        kind = re.search(r"^public (?:final )?(class|interface)", text, re.MULTILINE)
        if kind is None:
            continue
        access = "" if kind[1] == "interface" else "public "
        method = rf"((?:^    @\w+\n)*)^    {access}(?:static |synchronized )*(?:([\w\[\]<>]+) )?(\w+)\(([^)]*)\)"
        for marks, result, name, parameters in re.findall(method, text, re.MULTILINE):
            marked = "@NonNull" in marks or "@Nullable" in marks
            assert name == source.stem or re.fullmatch(primitive, result) or marked, f"{source.name}: {name}"
            for parameter in filter(None, re.split(r",\s*", parameters)):
                assert re.match(rf"@(NonNull|Nullable) |{primitive} ", parameter), f"{source.name}: {parameter}"
            checked += 1
    assert checked > 60


@pytest.mark.slow
def test_the_javadoc_of_the_library_is_complete(class_path: str, tmp_path: Path) -> None:
    """Each public class and member has a comment without errors. A comment that begins with "Returns" needs no tag."""
    folder = class_path.split(":")[0]
    sources = [*LIBRARY.glob("**/*.java"), *(CORE / "src" / "main" / "java").glob("**/*.java")]
    checks = ["-Xdoclint:all", "-Xmaxwarns", "1000", "-encoding", "UTF-8", "--release", "8", "-cp", folder]
    command = ["javadoc", "-quiet", *checks, "-d", str(tmp_path), *map(str, sources)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    problems = re.findall(r"^.*: (?:warning|error).*$", done.stdout + done.stderr, re.MULTILINE)
    assert [line for line in problems if not re.search(r"no @(return|param|throws)", line)] == []
    for page in ("matting/Matting", "matting/FrameAnalyzer", "core/Compositor"):
        assert (tmp_path / "ai" / "mmnet" / f"{page}.html").exists()


def test_core_uses_no_android_class_and_no_newer_java() -> None:
    for source in (CORE / "src" / "main").glob("**/*.java"):
        text = source.read_text()
        for word in ("import android.", "->", "::", ".stream("):
            assert word not in text, f"{source.name}: {word}"
