"""Frames, fits and blurred backgrounds follow preprocessing.md, written out here one pixel at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet.runtime import (
    Fit,
    ImageError,
    Orientation,
    Plane,
    YuvFrame,
    alpha_to_image,
    box_blurred_background,
    composite,
    to_model_input,
)
from mmnet.runtime.imaging.frames import ROTATIONS
from mmnet.runtime.imaging.resampling import resample

Array = np.ndarray[Any, Any]
Noise = Callable[..., Array]

_SIDE, _SEED = st.integers(1, 20), st.integers(0, 2**32 - 1)


@st.composite
def frames(draw: st.DrawFn) -> YuvFrame:
    """Any sides and strides."""
    height, width, random = draw(_SIDE), draw(_SIDE), np.random.default_rng(draw(_SEED))

    def plane(rows: int, columns: int) -> Plane:
        pixel = draw(st.integers(1, 3))
        row = (columns - 1) * pixel + 1 + draw(st.integers(0, 3))
        return Plane(random.integers(0, 256, (rows - 1) * row + (columns - 1) * pixel + 1, np.uint8), row, pixel)

    half = (height + 1) // 2, (width + 1) // 2
    return YuvFrame(height, width, plane(height, width), plane(*half), plane(*half))


@settings(max_examples=150, deadline=None)
@given(frames())
def test_colour_is_the_specifications(frame: YuvFrame) -> None:
    def sample(plane: Plane, r: int, c: int) -> int:
        return int(plane.data[r * plane.row_stride + c * plane.pixel_stride])

    def clamp(a: int) -> int:
        return min(max(a, 0), 255)

    rgb = frame.to_rgb()
    for y in range(frame.height):
        for x in range(frame.width):
            luma = sample(frame.y, y, x)
            u, v = (sample(plane, y // 2, x // 2) - 128 for plane in (frame.u, frame.v))
            assert tuple(rgb[y, x]) == (
                clamp(luma + ((91881 * v + 32768) >> 16)),
                clamp(luma + ((-22554 * u - 46802 * v + 32768) >> 16)),
                clamp(luma + ((116130 * u + 32768) >> 16)),
            )


def test_colour_is_within_one_of_the_real_numbers() -> None:
    y, u, v = np.meshgrid(np.arange(0, 256, 5), np.arange(256), np.arange(256), indexing="ij")
    exact = np.stack(
        [y + 1.402 * (v - 128), y - 0.344136 * (u - 128) - 0.714136 * (v - 128), y + 1.772 * (u - 128)], axis=-1
    ).clip(0, 255)
    planes = [Plane(np.repeat(plane.ravel(), 2).astype(np.uint8), 2 * plane.size) for plane in (y, u, v)]
    found = YuvFrame(1, 2 * y.size, planes[0], *(Plane(p.data[::2], p.row_stride) for p in planes[1:])).to_rgb()
    assert abs(found[0, ::2] - exact.reshape(-1, 3)).max() <= 0.51


def test_layouts_are_the_same_image_in_another_order(noise: Noise) -> None:
    height, width = 5, 7
    luma, u, v = noise(35), noise(3, 12)[:, :4].ravel(), noise(3, 9)[:, 5:].ravel()
    i420 = YuvFrame.from_i420(np.concatenate([luma, u, v]), height, width)
    nv12 = YuvFrame.from_nv12(np.concatenate([luma, np.stack([u, v], 1).ravel()]), height, width)
    nv21 = YuvFrame.from_nv21(np.concatenate([luma, np.stack([v, u], 1).ravel()]), height, width)
    assert (i420.to_rgb() == nv12.to_rgb()).all()
    assert (i420.to_rgb() == nv21.to_rgb()).all()


def test_grey_stays_grey() -> None:
    levels = np.arange(256, dtype=np.uint8)
    grey = Plane(np.full(128, 128, np.uint8), 128)
    assert (YuvFrame(1, 256, Plane(levels, 256), grey, grey).to_rgb()[0] == levels[:, None]).all()


@settings(max_examples=100, deadline=None)
@given(_SIDE, _SIDE, st.sampled_from(ROTATIONS), st.booleans())
def test_orientation_is_the_specifications(height: int, width: int, rotation: int, mirrored: bool) -> None:
    f = np.arange(height * width).reshape(height, width)
    orientation = Orientation(rotation, mirrored)
    image = orientation.apply(f)
    new_height, new_width = (width, height) if rotation % 180 else (height, width)
    assert image.shape == (new_height, new_width)
    for y in range(new_height):
        for x in range(new_width):
            turned = {
                0: lambda y, x: f[y][x],
                90: lambda y, x: f[height - 1 - x][y],
                180: lambda y, x: f[height - 1 - y][width - 1 - x],
                270: lambda y, x: f[x][width - 1 - y],
            }[rotation]
            assert image[y, x] == turned(y, new_width - 1 - x if mirrored else x)
    assert (orientation.undo(image) == f).all()


PLACES = [  # image height × width → seen top, left, height, width; filled the same
    ("crop", 10, 17, (0, 3, 10, 10), (0, 0, 8, 8)),
    ("crop", 17, 10, (3, 0, 10, 10), (0, 0, 8, 8)),
    ("letterbox", 10, 17, (0, 0, 10, 17), (1, 0, 5, 8)),  # 8 · 10 / 17 = 4.7
    ("letterbox", 17, 10, (0, 0, 17, 10), (0, 1, 8, 5)),
    ("letterbox", 3, 16, (0, 0, 3, 16), (3, 0, 2, 8)),  # 1.5 rounds up
    ("letterbox", 1, 900, (0, 0, 1, 900), (3, 0, 1, 8)),  # never nothing
    ("letterbox", 9, 9, (0, 0, 9, 9), (0, 0, 8, 8)),
    ("stretch", 10, 17, (0, 0, 10, 17), (0, 0, 8, 8)),
]


@pytest.mark.parametrize(("fit", "height", "width", "seen", "filled"), PLACES)
def test_fit(fit: str, height: int, width: int, seen: tuple[int, ...], filled: tuple[int, ...], noise: Noise) -> None:
    image = np.maximum(noise(height, width, 3), 1)
    top, left, h, w = filled
    result = to_model_input(image, 8, Fit(fit))
    part = image[seen[0] : seen[0] + seen[2], seen[1] : seen[1] + seen[3]]
    assert (result[top : top + h, left : left + w] == resample(part, h, w)).all()
    outside = np.ones((8, 8), bool)
    outside[top : top + h, left : left + w] = False
    assert (result[outside] == 0).all()

    alpha = np.maximum(noise(8, 8), 1)
    back = alpha_to_image(alpha, height, width, Fit(fit))
    inner = back[seen[0] : seen[0] + seen[2], seen[1] : seen[1] + seen[3]]
    assert (inner == resample(alpha[top : top + h, left : left + w], seen[2], seen[3])).all()
    assert back.shape == (height, width)
    assert np.count_nonzero(back) == inner.size


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize(("height", "width"), [(480, 640), (640, 480), (123, 457)])
def test_alpha_returns_to_where_it_came_from(fit: Fit, height: int, width: int) -> None:
    rows, columns = np.mgrid[:height, :width]
    disc = np.hypot(rows - 0.45 * height, columns - 0.55 * width) < 0.3 * min(height, width)
    image = np.repeat((disc * np.uint8(255))[..., None], 3, axis=2)
    back = alpha_to_image(to_model_input(image, 256, fit)[..., 0], height, width, fit)
    assert abs(back.astype(float) - image[..., 0]).mean() < 3  # soft along the edge, and nowhere else


@settings(max_examples=60, deadline=None)
@given(_SIDE, _SIDE, _SIDE, _SIDE, _SEED)
def test_channels_are_scaled_alike_and_apart(height: int, width: int, new_h: int, new_w: int, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    apart = np.dstack([resample(image[..., channel], new_h, new_w) for channel in range(4)])
    assert (resample(image, new_h, new_w) == apart).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), _SEED)
def test_blurred_background_is_the_specifications(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (height, width, 3), np.uint8)  # up to 128 a side nothing is scaled
    alpha = random.integers(0, 256, (height, width), np.uint8)
    sums = [
        [[(256 - int(alpha[y, x])) * int(c) for c in (*image[y, x], 255)] for x in range(width)] for y in range(height)
    ]
    for _ in range(3):
        sums = [[_box([sums[y][x] for x in range(width)], at) for at in range(width)] for y in range(height)]
        sums = [[_box([sums[y][x] for y in range(height)], at) for x in range(width)] for at in range(height)]
    expected = [
        [[min(255, (255 * v + n // 2) // n) for v in channels] for *channels, n in sums_row] for sums_row in sums
    ]
    np.testing.assert_array_equal(box_blurred_background(image, alpha), np.array(expected))


def _box(line: list[list[int]], at: int) -> list[int]:
    near = [line[min(max(at + step, 0), len(line) - 1)] for step in range(-2, 3)]
    return [(sum(values) + 2) // 5 for values in zip(*near, strict=True)]


def test_blurred_background_has_nothing_of_the_person() -> None:
    image, alpha = np.full((200, 300, 3), (0, 0, 255), np.uint8), np.zeros((200, 300), np.uint8)
    image[60:160, 100:200], alpha[60:160, 100:200] = (255, 0, 0), 255
    soft = box_blurred_background(image, alpha)
    assert soft[:40].min(axis=(0, 1)).tolist() == [0, 0, 255]
    assert soft[alpha == 0][:, 0].max() < 32  # of the pixels that are both; blurred without weights: 127 at the edge


def test_compositing_is_what_the_specification_says(noise: Noise) -> None:
    foreground, background, alpha = noise(256, 256, 3), noise(256, 256, 3)[::-1], noise(256, 256)
    a = alpha[..., None].astype(int)
    expected = (a * foreground + (255 - a) * background + 127) // 255
    assert (composite(foreground, alpha / np.float32(255), background) == expected).all()


BAD = {
    "a short plane": (lambda: YuvFrame.from_nv21(np.zeros(10, np.uint8), 4, 4).to_rgb(), "plane Y has 10 bytes"),
    "no stride": (lambda: YuvFrame(1, 1, *[Plane(np.zeros(1, np.uint8), 0)] * 3).to_rgb(), "at least 1"),
    "no pixels": (lambda: YuvFrame(0, 1, *[Plane(np.zeros(1, np.uint8), 1)] * 3).to_rgb(), "1×0"),
    "a float plane": (lambda: YuvFrame(1, 1, *[Plane(np.zeros(1), 1)] * 3).to_rgb(), "float64"),
    "45 degrees": (lambda: Orientation(45), "45"),
    "a float alpha": (lambda: alpha_to_image(np.zeros((2, 2)), 1, 1), "float64"),
    "an alpha that is not square": (lambda: alpha_to_image(np.zeros((2, 3), np.uint8), 1, 1), r"\[2, 3\]"),
    "an image without pixels": (lambda: alpha_to_image(np.zeros((2, 2), np.uint8), 0, 1), "1×0"),
    "an alpha of another size": (
        lambda: box_blurred_background(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 3), np.uint8)),
        r"\[2, 3\]",
    ),
}


@pytest.mark.parametrize(("call", "says"), BAD.values(), ids=BAD.keys())
def test_refuses(call: Callable[[], object], says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
