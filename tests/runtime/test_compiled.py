"""The compiled kernels give the bytes of NumPy's: on any number of threads, and in a forked process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import PATIENCE, ROOT

from mmnet.runtime import composite, estimate_foreground
from mmnet.runtime.core import library
from mmnet.runtime.fullres import compiled, kernels, reference
from mmnet.runtime.fullres.compositing import plain
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.runtime.imaging.resampling import resample, resample_with_numpy

pytestmark = pytest.mark.skipif(
    library.LIBRARY is None and shutil.which("cc") is None,
    reason="NO C COMPILER WAS THERE WHEN MMNET WAS INSTALLED: the compiled kernels were not tested",
)
SIDES = st.one_of(st.integers(1, 100), st.integers(1, 700))


def scene(height: int, width: int, size: int, seed: int) -> tuple[Any, Any, Any]:
    """A photo whose colours change slowly; an alpha of any softness; a background."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (1 + height // 5, 1 + width // 5, 3), np.uint8)
    photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    blotches = cv2.resize(random.random((5, 5)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    alpha = np.rint(((blotches - 0.5) * random.choice([1, 5, 40]) + 0.5).clip(0, 1) * 255) / 255
    return photo, alpha.astype(np.float32), random.integers(0, 256, photo.shape, np.uint8)


def everything(photo: Any, alpha: Any, background: Any) -> Iterator[Any]:
    upsampled = upsample(alpha, photo)
    yield upsampled if isinstance(upsampled, np.ndarray) else upsampled.values
    for each in (background, background[::-1], background[:, ::-1], plain((9, 120, 250), *photo.shape[:2])):
        yield composite(photo, upsampled, each, estimate_foreground=True)
    yield composite(photo, upsampled, background)
    yield estimate_foreground(photo, upsampled)


def with_numpy(*of: Any) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "KERNELS", reference)
        return list(everything(*of))


def assert_same(found: Iterator[Any], expected: list[Any]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_compiled_kernels_are_chosen() -> None:
    assert kernels.is_compiled()
    assert kernels.KERNELS is compiled


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from([1, 24, 256]), st.integers(0, 2**32 - 1))
def test_bytes_are_those_of_numpy(height: int, width: int, size: int, seed: int) -> None:
    of = scene(height, width, size, seed)
    assert_same(everything(*of), with_numpy(*of))


# From 2049 pixels on, colours are averaged over the largest cells; the widths are of tiles that are cut.
@pytest.mark.parametrize("shape", [(1080, 1920), (1635, 2062), (2301, 700)])
@pytest.mark.parametrize("seed", range(3))
def test_bytes_of_large_photos(shape: tuple[int, int], seed: int) -> None:
    of = scene(*shape, 256, seed)
    assert_same(everything(*of), with_numpy(*of))


@settings(max_examples=300, deadline=None)
@given(SIDES, SIDES, st.integers(1, 300), st.integers(1, 300), st.sampled_from([None, 1, 3, 2]), st.integers(0, 2**32))
def test_scaled_bytes_are_those_of_numpy(
    height: int, width: int, out_height: int, out_width: int, channels: int | None, seed: int
) -> None:
    random = np.random.default_rng(seed)
    shape = (height + 3, width + 5) if channels is None else (height + 3, width + 5, channels)
    whole = random.integers(0, 256, shape, np.uint8)
    views = [whole[2:-1, 1:-4], whole[2:-1, -5:0:-1], whole[::-1][1:-2, 5:], np.asfortranarray(whole)[:-3, :-5]]
    view = views[int(random.integers(len(views)))]
    expected = resample_with_numpy(view, out_height, out_width)
    np.testing.assert_array_equal(resample(view, out_height, out_width), expected)


@pytest.mark.parametrize("shape", [(720, 1280), (1080, 1920), (2301, 1701), (256, 256), (513, 70000)])
def test_scaled_photos(shape: tuple[int, int]) -> None:
    """Extremes of every sum, and a side that only NumPy takes."""
    image = np.random.default_rng(shape).integers(0, 2, (*shape, 3), np.uint8) * np.uint8(255)
    for size in (256, 192):
        np.testing.assert_array_equal(resample(image, size, size), resample_with_numpy(image, size, size))


def test_threads_change_nothing() -> None:
    of = scene(531, 803, 256, 1)
    before, expected = cv2.getNumThreads(), with_numpy(*of)
    try:
        for threads in (1, 2, 3, 8):
            cv2.setNumThreads(threads)
            assert_same(everything(*of), expected)
            scaled = resample(of[0], 100, 101)
            np.testing.assert_array_equal(scaled, resample_with_numpy(of[0], 100, 101))
    finally:
        cv2.setNumThreads(before)


def test_a_forked_process_has_threads_of_its_own() -> None:
    script = """
import os, sys, cv2, numpy as np
from mmnet.runtime import composite
cv2.setNumThreads(2)
photo = np.random.default_rng(0).integers(0, 256, (300, 200, 3), np.uint8)
alpha = np.linspace(0, 1, 300 * 200, dtype=np.float32).reshape(300, 200)
compose = lambda: composite(photo, alpha, (1, 2, 3), estimate_foreground=True)
expected = compose()
child = os.fork()
if child == 0:
    os._exit(0 if (compose() == expected).all() else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    command = [sys.executable, "-W", "ignore", "-c", script]
    assert subprocess.run(command, timeout=PATIENCE, check=False).returncode == 0


def test_a_library_of_another_machine_is_left_alone(tmp_path: Path) -> None:
    assert library.load(tmp_path) is None
    (tmp_path / f"_core{library.EXTENSION_SUFFIXES[0]}").write_bytes(b"\x7fELF of something else")
    assert library.load(tmp_path) is None


@pytest.mark.parametrize("version", [None, 0])
def test_a_library_of_other_sources_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, version: int | None
):
    if shutil.which("cc") is None:
        pytest.skip("needs a C compiler")
    source = "" if version is None else f"int mmnet_kernels_version(void) {{ return {version}; }}"
    built = tmp_path / f"_core{library.EXTENSION_SUFFIXES[0]}"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", built], input=source, text=True, check=True)
    assert library.load(tmp_path) is None
    assert "build it again: pip install -e ." in caplog.text


def test_the_version_is_that_of_the_header() -> None:
    header = (ROOT / "runtime" / "core" / "kernels.h").read_text()
    assert f"#define MMNET_KERNELS_VERSION {library._VERSION}\n" in header
