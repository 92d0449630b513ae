"""JavaScript computes the bytes that Python computes: thousands of random images in node, hundreds in Chromium."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest
from core_cases import (
    FineAlphaCase,
    FineCompositeCase,
    FinePhotoCase,
    SmoothingCase,
    fine_alpha_case,
    fine_composite_case,
    fine_photo_case,
    smoothing_case,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from java_core import (
    AlphaCase,
    BlurredBackgroundCase,
    CompositeCase,
    CropCase,
    CropsCase,
    PresenceCase,
    VideoCase,
    blobs,
    crowd,
    statistics_request,
    walk,
)
from javascript_core import NODE, Node, RgbFrameCase
from playwright.sync_api import Page

from mmnet.benchmark.latency import Latency
from mmnet.runtime import Fit, Orientation, Rectangle
from mmnet.runtime.imaging import resample
from mmnet.runtime.imaging.frames import ROTATIONS
from mmnet.web.server import WebServer

_SIDE, _SIZE, _SEED = st.integers(1, 48), st.integers(1, 20), st.integers(0, 2**32 - 1)
_ORIENTATION = st.builds(Orientation, st.sampled_from(ROTATIONS), st.booleans())
_LARGE_SIDE = st.one_of(st.integers(1, 90), st.integers(1, 300))
_FIT, _LEVELS = st.sampled_from(list(Fit)), st.sampled_from([2, 3, 256])

Case = (
    RgbFrameCase
    | AlphaCase
    | CompositeCase
    | BlurredBackgroundCase
    | CropCase
    | VideoCase
    | PresenceCase
    | FineAlphaCase
    | FineCompositeCase
    | CropsCase
    | FinePhotoCase
    | SmoothingCase
)


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node process that answers requests."""
    if NODE is None:
        pytest.skip("NO NODE: the JavaScript core is compared with Python in Chromium only; install Debian's nodejs")
    with Node() as running:
        yield running


def _noise(random: np.random.Generator, levels: int, *shape: int) -> np.ndarray:
    """Return random bytes from `levels` values spread evenly over 0-255; two levels give the extremes of every sum."""
    return (random.integers(0, levels, shape) * 255 // (levels - 1)).astype(np.uint8)


@settings(max_examples=1500, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, _FIT, _SIZE, _SEED, _LEVELS)
def test_frames(
    node: Node, height: int, width: int, orientation: Orientation, fit: Fit, size: int, seed: int, levels: int
) -> None:
    frame = _noise(np.random.default_rng(seed), levels, height, width, 3)
    case = RgbFrameCase(frame, orientation, fit, size)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=1000, deadline=None)
@given(_SIDE, _SIDE, _ORIENTATION, _FIT, _SIZE, _SEED, _LEVELS)
def test_alpha(
    node: Node, height: int, width: int, orientation: Orientation, fit: Fit, size: int, seed: int, levels: int
) -> None:
    case = AlphaCase(height, width, orientation, fit, _noise(np.random.default_rng(seed), levels, size, size))
    assert node.send(case.request()) == case.answer()


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 150), st.integers(1, 150), _SEED, _LEVELS)
def test_blurred_background(node: Node, height: int, width: int, seed: int, levels: int) -> None:
    random = np.random.default_rng(seed)
    case = BlurredBackgroundCase(_noise(random, levels, height, width, 3), _noise(random, levels, height, width))
    assert node.send(case.request()) == case.answer()


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40), _SEED, st.data())
def test_crops(node: Node, height: int, width: int, size: int, seed: int, data: st.DataObject) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    rows, columns = data.draw(st.integers(1, height - top)), data.draw(st.integers(1, width - left))
    seen = Rectangle(top, left, rows, columns) if seed % 2 else Rectangle(0, 0, height, width)
    case = CropCase(height, width, seen, blobs(np.random.default_rng(seed), size))
    assert node.send(case.request()) == case.answer()


@settings(max_examples=600, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40), _SEED)
def test_crops_of_photos(node: Node, height: int, width: int, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    alpha = blobs(random, size) if seed % 2 else resample(crowd(random), size, size)
    case = CropsCase(height, width, alpha)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=200, deadline=None)
@given(_SEED, st.sampled_from([8, 16, 32]))
def test_photos(node: Node, seed: int, size: int) -> None:
    case = fine_photo_case(np.random.default_rng(seed), size)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=60, deadline=None)
@given(_SEED, st.sampled_from([16, 32]), st.booleans())
def test_videos_with_a_crop_that_follows(node: Node, seed: int, size: int, smoothed: bool) -> None:
    case = VideoCase(walk(np.random.default_rng(seed), 40), size, smoothed)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.integers(1, 70), st.just(128)), _SEED)
def test_smoothing(node: Node, size: int, seed: int) -> None:
    case = smoothing_case(np.random.default_rng(seed), size)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 70), _SEED)
def test_confidence(node: Node, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    case = PresenceCase(np.maximum(blobs(random, size), random.choice([0, 220])).astype(np.uint8))
    assert node.send(case.request()) == case.answer()


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, st.sampled_from([1, 2, 7, 24, 64]), _SEED)
def test_fine_alpha(node: Node, height: int, width: int, size: int, seed: int) -> None:
    case = fine_alpha_case(np.random.default_rng(seed), height, width, size)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=250, deadline=None)
@given(_LARGE_SIDE, _LARGE_SIDE, _SEED)
def test_fine_composite(node: Node, height: int, width: int, seed: int) -> None:
    case = fine_composite_case(np.random.default_rng(seed), height, width)
    assert node.send(case.request()) == case.answer()


def test_every_mixture_of_two_bytes_and_an_alpha(node: Node) -> None:
    front, behind = (side.astype(np.uint8) for side in np.mgrid[:256, :256])
    image, other = (np.repeat(side[..., None], 3, axis=2) for side in (front, behind))
    for alpha in range(0, 256, 15):  # 255 is a multiple of 15
        case = CompositeCase(image, np.full((256, 256), alpha, np.uint8), other, (0, alpha, 255))
        assert node.send(case.request()) == case.answer()


@pytest.mark.parametrize(("height", "width", "rotation"), [(480, 640, 90), (720, 1280, 270), (3024, 4032, 0)])
def test_images_as_cameras_give_them(node: Node, height: int, width: int, rotation: int) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), np.uint8)
    case = RgbFrameCase(frame, Orientation(rotation, True), Fit.STRETCH, 256)
    assert node.send(case.request()) == case.answer()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40))
def test_statistics_are_those_of_mmnet_benchmark(node: Node, values: list[float]) -> None:
    found = json.loads(node.send(statistics_request("", values)))
    assert found["values"] == values  # to the bit
    expected = asdict(Latency.of(np.array(values)))
    assert found["statistics"] == pytest.approx(expected, rel=1e-12, abs=1e-12 * max(values))


def test_the_same_in_chromium(served: WebServer, page: Page) -> None:
    """The engine of the browser computes the same, too."""
    random = np.random.default_rng(420)
    cases = [case for _ in range(60) for case in _random_cases(random)]
    page.goto(served.url)
    answers = page.evaluate(
        """async (requests) => {
          const {answer} = await import('/tests/web/request_handler.mjs');
          const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
          const text = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
          return requests.map((request) => text(answer(bytes(request))));
        }""",
        [base64.b64encode(case.request()).decode() for case in cases],
    )
    for case, answer in zip(cases, answers, strict=True):
        assert base64.b64decode(answer) == case.answer(), case


def _random_cases(random: np.random.Generator) -> list[Case]:
    """Return one case of each kind."""
    height, width, size = random.integers(1, [80, 80, 24]).tolist()
    turn = Orientation(int(random.choice(ROTATIONS)), bool(random.integers(2)))
    fit = list(Fit)[random.integers(4)]
    levels = int(random.choice([2, 3, 256]))
    image, behind = (_noise(random, levels, height, width, 3) for _ in range(2))
    alpha = _noise(random, levels, height, width)
    red, green, blue = random.integers(0, 256, 3).tolist()
    return [
        RgbFrameCase(image, turn, fit, size),
        AlphaCase(height, width, turn, fit, _noise(random, levels, size, size)),
        CompositeCase(image, alpha, behind, (red, green, blue)),
        BlurredBackgroundCase(image, alpha),
        CropCase(height, width, Rectangle(0, 0, height, width), blobs(random, size)),
        VideoCase(walk(random, 12), size),
        PresenceCase(blobs(random, size)),
        CropsCase(height, width, blobs(random, size)),
        smoothing_case(random, 3 * size),
        fine_photo_case(random, size),
        fine_alpha_case(random, 3 * height, 3 * width, size),
        fine_composite_case(random, 3 * height, 3 * width),
    ]
