"""`to_model_input` follows preprocessing.md, written out here one pixel at a time, byte for byte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.runtime import ImageError, to_model_input

Plane = list[list[int]]


def reference(image: np.ndarray[Any, Any], size: int) -> np.ndarray[Any, Any]:
    """preprocessing.md, literally, in Python's own integers."""
    return np.dstack([np.array(_plane(image[..., channel].tolist(), size), np.uint8) for channel in range(3)])


def _plane(g: Plane, s: int) -> Plane:
    original_height, original_width = len(g), len(g[0])
    k_y = k_x = 0
    while len(g) >= 2 * s or len(g[0]) >= 2 * s:
        h, w = len(g), len(g[0])

        def at(y: int, x: int, g: Plane = g, h: int = h, w: int = w) -> int:
            return g[min(y, h - 1)][min(x, w - 1)]

        if h >= 2 * s and w >= 2 * s:
            g = [
                [
                    (at(2 * y, 2 * x) + at(2 * y, 2 * x + 1) + at(2 * y + 1, 2 * x) + at(2 * y + 1, 2 * x + 1) + 2) >> 2
                    for x in range((w + 1) // 2)
                ]
                for y in range((h + 1) // 2)
            ]
            k_y, k_x = k_y + 1, k_x + 1
        elif w >= 2 * s:
            g = [[(at(y, 2 * x) + at(y, 2 * x + 1) + 1) >> 1 for x in range((w + 1) // 2)] for y in range(h)]
            k_x += 1
        else:
            g = [[(at(2 * y, x) + at(2 * y + 1, x) + 1) >> 1 for x in range(w)] for y in range((h + 1) // 2)]
            k_y += 1
    across = [_tap(t, original_width, k_x, len(g[0]), s) for t in range(s)]
    down = [_tap(t, original_height, k_y, len(g), s) for t in range(s)]
    return [[_blend(g, i_y, j_y, f_y, i_x, j_x, f_x) for i_x, j_x, f_x in across] for i_y, j_y, f_y in down]


def _tap(t: int, original: int, k: int, side: int, s: int) -> tuple[int, int, int]:
    n, d = (2 * t + 1) * original, s * 2 ** (k + 1)
    q = n // d
    r = n - q * d
    p = q * 2048 + (r * 2048) // d - 1024
    p = min(max(p, 0), (side - 1) * 2048)
    return p >> 11, min((p >> 11) + 1, side - 1), p & 2047


def _blend(g: Plane, i_y: int, j_y: int, f_y: int, i_x: int, j_x: int, f_x: int) -> int:
    top = g[i_y][i_x] * (2048 - f_x) + g[i_y][j_x] * f_x
    bottom = g[j_y][i_x] * (2048 - f_x) + g[j_y][j_x] * f_x
    total = top * (2048 - f_y) + bottom * f_y + 2**21
    assert total < 2**31
    return total >> 22


@settings(max_examples=300, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
    st.sampled_from([2, 256]),
)
def test_equals_the_specification(height: int, width: int, size: int, seed: int, levels: int) -> None:
    image = np.random.default_rng(seed).integers(0, levels, (height, width, 3), np.uint8)
    image *= 255 // (levels - 1)  # two levels are black and white: the sums' extremes
    np.testing.assert_array_equal(to_model_input(image, size), reference(image, size))


S = 16
SHAPES = {
    "one pixel": (1, 1),
    "one column": (75, 1),
    "one row": (1, 75),
    "8192 wide": (9, 8192),
    "8191 high": (8191, 3),
    "4:1": (33, 132),
    "1:4": (133, 31),
    "the size itself": (S, S),
    "just under twice": (2 * S - 1, 2 * S - 1),
    "twice": (2 * S, 2 * S),
    "just over twice": (2 * S + 1, 2 * S + 1),
    "twice and not": (2 * S, 2 * S - 1),
    "odd at each halving": (16 * S + 1, 8 * S + 1),
    "several bands": (1030, 35),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_shapes(shape: tuple[int, int], noise: Any) -> None:
    image = noise(*shape, 3)
    np.testing.assert_array_equal(to_model_input(image, S), reference(image, S))


@pytest.mark.parametrize("side", [1, 2, 3, 255, 256, 257, 4095, 8192, 65535])
@pytest.mark.parametrize("size", [1, 64, 256, 4096])
def test_32_bits_suffice(side: int, size: int) -> None:
    halvings, halved = 0, side
    while halved >= 2 * size:
        halved, halvings = (halved + 1) // 2, halvings + 1
    denominator = size << (halvings + 1)
    assert (2 * size - 1) * side < 2**31
    assert (denominator - 1) * 2048 < 2**31


@given(st.integers(1, 200), st.integers(1, 200), st.integers(1, 64), st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_one_colour_stays(height: int, width: int, size: int, value: int) -> None:
    assert (to_model_input(np.full((height, width, 3), value, np.uint8), size) == value).all()


def test_the_size_itself_is_unchanged_and_a_copy(noise: Any) -> None:
    image = noise(256, 256, 3)
    result = to_model_input(image, 256)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)


def test_a_large_panorama(noise: Any) -> None:
    image = noise(700, 8192, 3)
    result = to_model_input(image, 256)
    assert result.shape == (256, 256, 3)
    assert abs(float(result.mean()) - float(image.mean())) < 2  # five roundings half up


def test_a_view_gives_what_its_copy_gives(noise: Any) -> None:
    mirrored = noise(130, 170, 3)[::-1, ::-1]
    np.testing.assert_array_equal(to_model_input(mirrored, 32), to_model_input(mirrored.copy(), 32))


@pytest.mark.parametrize("side", [512, 513, 600, 1021, 4097])
def test_an_odd_side_does_not_shift_the_image(side: int) -> None:
    def error(ramp: np.ndarray[Any, Any]) -> float:
        # Noise, so that ties are as rare as in a photo.
        noise = np.random.default_rng(1).uniform(-20, 20, (64, side, 3))
        row = to_model_input(np.rint(ramp[:, None] + noise).astype(np.uint8), 64).mean(axis=(0, 2))
        exact = np.interp((np.arange(64) + 0.5) * side / 64 - 0.5, np.arange(side), ramp)
        return float(np.mean(row[1:-1] - exact[1:-1]))

    # A shift moves a rising ramp one way and a falling one the other; rounding half up moves both up.
    rising, falling = error(np.linspace(25, 230, side)), error(np.linspace(230, 25, side))
    levels_a_pixel = 205 / 64
    assert abs(rising - falling) / 2 / levels_a_pixel < 0.03


BAD = {
    "a list": ([[1, 2, 3]], "is a list"),
    "grey": (np.zeros((4, 4), np.uint8), "grey"),
    "RGBA": (np.zeros((4, 4, 4), np.uint8), "RGBA"),
    "a batch": (np.zeros((1, 4, 4, 3), np.uint8), "batch"),
    "empty": (np.zeros((0, 4, 3), np.uint8), "empty"),
    "float": (np.zeros((4, 4, 3), np.float32), "float32"),
}


@pytest.mark.parametrize(("image", "says"), BAD.values(), ids=BAD.keys())
def test_refuses(image: Any, says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        to_model_input(image, 8)
    assert "\n" not in str(caught.value)


def test_refuses_a_size_below_one() -> None:
    with pytest.raises(ImageError, match="at least 1"):
        to_model_input(np.zeros((4, 4, 3), np.uint8), 0)
