"""The edits of an alpha and the strength of a blur, in the page's JavaScript, are those of NumPy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from java_core import array_field, ints_field
from javascript_core import NODE, Node

from mmnet.runtime import box_blurred_background

Points = Sequence[tuple[float, float]]

_SIDE, _SEED = st.integers(1, 60), st.integers(0, 2**32 - 1)
_POINT = st.tuples(st.floats(-0.2, 1.2), st.floats(-0.2, 1.2))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node process that answers requests."""
    if NODE is None:
        pytest.skip("NO NODE: the edits of the page were NOT tested; install Debian's nodejs")
    with Node() as running:
        yield running


def _alpha(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def _edit(node: Node, alpha: np.ndarray, softness: float = 0, strokes: Sequence[object] = ()) -> np.ndarray:
    edits = np.frombuffer(json.dumps({"softness": softness, "strokes": list(strokes)}).encode(), np.uint8)
    answer = node.send(ints_field(21, *alpha.shape) + array_field(edits) + array_field(alpha))
    return np.frombuffer(answer, np.uint8).reshape(alpha.shape)


def _soft(alpha: np.ndarray, radius: int) -> np.ndarray:
    """Three box filters over rows and columns; levels go on beyond the border."""
    for _ in range(3):
        for axis in (1, 0):
            padding = [(0, 0), (0, 0)]
            padding[axis] = (radius, radius)
            windows = np.lib.stride_tricks.sliding_window_view(np.pad(alpha, padding, "edge"), 2 * radius + 1, axis)
            alpha = ((windows.sum(-1, dtype=np.int64) + radius) // (2 * radius + 1)).astype(np.uint8)
    return alpha


def _covered(shape: tuple[int, int], radius: float, points: Points) -> np.ndarray:
    """The levels of a stroke, float [H, W], 0-255."""
    unit = max(shape)
    reach = max(0.5, radius * unit)
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    nearest = np.full(shape, np.inf)
    for start, end in zip([points[0], *points], points, strict=False):
        (ax, ay), (bx, by) = np.multiply(start, unit), np.multiply(end, unit)
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / ((dx * dx + dy * dy) or 1), 0, 1)
        nearest = np.minimum(nearest, np.hypot(x - ax - along * dx, y - ay - along * dy))
    return 255 * np.clip((reach - nearest) / max(1, reach / 5), 0, 1)


@settings(max_examples=150, deadline=None)
@given(_SIDE, _SIDE, _SEED)
def test_a_blur_of_the_usual_strength_is_the_cores(node: Node, height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    scale = random.integers(1, 5)  # larger and smaller than the blur's own size
    image = random.integers(0, 256, (scale * height, scale * width, 3), np.uint8)
    alpha = random.integers(0, 256, image.shape[:2], np.uint8)
    answer = node.send(ints_field(20, 100, *alpha.shape) + array_field(image) + array_field(alpha))
    assert answer == box_blurred_background(image, alpha).tobytes()


def test_a_stronger_blur_has_less_contrast(node: Node) -> None:
    image = np.random.default_rng(1).integers(0, 256, (150, 200, 3), np.uint8)
    alpha = np.zeros((150, 200), np.uint8)
    spread = []
    for strength in (25, 50, 100, 200, 400):
        answer = node.send(ints_field(20, strength, 150, 200) + array_field(image) + array_field(alpha))
        spread.append(float(np.frombuffer(answer, np.uint8).astype(float).std()))
    assert spread == sorted(spread, reverse=True)
    assert spread[0] > 1.1 * spread[-1]


@settings(max_examples=150, deadline=None)
@given(_SIDE, _SIDE, _SEED, st.floats(0, 1))
def test_softer_edges(node: Node, height: int, width: int, seed: int, softness: float) -> None:
    alpha = _alpha(seed, 4 * height, 4 * width)
    radius = int(np.floor(softness * max(alpha.shape) / 64 + 0.5))
    np.testing.assert_array_equal(_edit(node, alpha, softness), _soft(alpha, radius) if radius else alpha)


def test_harder_edges(node: Node) -> None:
    alpha = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(_edit(node, alpha), alpha)
    harder = [_edit(node, alpha, softness).astype(int) for softness in (-0.25, -0.5, -1)]
    for before, after in zip([alpha.astype(int), *harder], harder, strict=False):
        assert (after[:, :128] <= before[:, :128]).all()
        assert (after[:, 128:] >= before[:, 128:]).all()
        assert (np.diff(after) >= 0).all()
    assert ((harder[-1] > 0) & (harder[-1] < 255)).sum() <= 32


@settings(max_examples=150, deadline=None)
@given(_SIDE, _SIDE, _SEED, st.floats(0, 0.4), st.lists(_POINT, min_size=1, max_size=5), st.booleans())
def test_strokes(node: Node, height: int, width: int, seed: int, radius: float, points: Points, erase: bool) -> None:
    alpha = _alpha(seed, height, width)
    stroke = {"mode": "erase" if erase else "restore", "radius": radius, "points": points}
    painted = _edit(node, alpha, strokes=[stroke]).astype(int)
    levels = _covered((height, width), radius, points)
    expected = np.minimum(alpha, 255 - levels) if erase else np.maximum(alpha, levels)
    assert np.abs(painted - expected).max() <= 0.51
    again = _edit(node, painted.astype(np.uint8), strokes=[stroke])  # a part of a stroke may be sent twice
    np.testing.assert_array_equal(again, painted)
