"""The path of `mmnet matte`, from the network's alpha to a composite: the same without tiles and from float alphas."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tilings import other_tilings

from mmnet.arrays import AnyArray
from mmnet.runtime import PortraitMatter, Upsampling, composite, cutout, estimate_foreground, upsample_alpha
from mmnet.runtime.fullres import kernels, reference
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.parameters import OFFSET_UNIT, OPAQUE_U16, SLOPE_UNIT
from mmnet.runtime.fullres.rendering import Renderer
from mmnet.runtime.fullres.tiles import TileBatch
from mmnet.runtime.fullres.upsampling import upsample

pytestmark = pytest.mark.usefixtures("both_kernels")

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
SIDES = st.one_of(st.integers(1, 12), st.integers(1, 200))


def scene(height: int, width: int, size: int, seed: int) -> tuple[Any, Any, Any]:
    """Photo, the network's alpha, and a background."""
    random = np.random.default_rng(seed)
    photo, background = random.integers(0, 256, (2, height, width, 3), np.uint8)
    blotches = cv2.resize(random.random((4, 4)).astype(np.float32), (size, size))
    alpha = np.rint(((blotches - 0.4) * random.choice([3, 12])).clip(0, 1) * 255) / 255
    return photo, alpha.astype(np.float32), background


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.sampled_from([1, 5, 24]), st.sampled_from(Upsampling), st.booleans(), st.integers(0, 2**32 - 1))
def test_alpha_in_bytes_and_in_float_give_the_same_results(
    height: int, width: int, size: int, method: Upsampling, foreground: bool, seed: int
) -> None:
    photo, small, background = scene(height, width, size, seed)
    handed, alpha = upsample(small, photo, method), upsample_alpha(small, photo, method)
    fused = composite(photo, handed, background, estimate_foreground=foreground)
    np.testing.assert_array_equal(fused, composite(photo, alpha, background, estimate_foreground=foreground))
    np.testing.assert_array_equal(
        cutout(photo, handed, estimate_foreground=foreground), cutout(photo, alpha, estimate_foreground=foreground)
    )
    # The formula gives the same, with the whole foreground in memory.
    front = estimate_foreground(photo, alpha) if foreground else photo
    alpha_u8 = np.rint(alpha * 255)[..., None].astype(int)
    np.testing.assert_array_equal(fused, (alpha_u8 * front + (255 - alpha_u8) * background + 127) // 255)


@settings(max_examples=25, deadline=None)
@given(st.integers(25, 260), st.integers(25, 260), st.integers(0, 2**32 - 1))
def test_guided_is_its_formula_at_every_pixel(height: int, width: int, seed: int) -> None:
    """Interpolated over the whole photo at once, without OpenCV's resizing."""
    size = 24
    photo, small, _ = scene(height, width, size, seed)
    seen = cv2.resize(photo, (size, size), interpolation=cv2.INTER_AREA)
    found = upsample_alpha(small, photo, model_input=seen)

    words = np.rint(small * OPAQUE_U16).astype(np.uint16)
    words[small <= 2 / 255], words[small >= 253 / 255] = 0, OPAQUE_U16
    changes = cv2.dilate(words, CROSS) != cv2.erode(words, CROSS)
    line = reference.fit_line(words, np.asarray(cv2.GaussianBlur(seen, (3, 3), 0), np.uint8), changes)
    step = max(step for step in (1, 2, 4, 8) if step == 1 or min(height, width) >= step * size)
    values = between_cells(between_network_pixels(line.astype(np.float64), step, height, width), step)[:height, :width]
    terms = (values[..., :3].astype(np.float32) * photo).astype(np.float32) * np.float32(1 / SLOPE_UNIT)
    total = (terms[..., 0] + terms[..., 1]) + terms[..., 2]
    expected = np.rint(total + (values[..., 3] / OFFSET_UNIT).astype(np.float32)).clip(0, 255)
    np.testing.assert_array_equal(np.rint(found * 255), expected)


def between_network_pixels(values: NDArray[np.float64], step: int, *sides: int) -> NDArray[np.float64]:
    """At the centres of cells: positions in 1/256, as preprocessing.md has them; rounded after each axis."""
    for axis, side in enumerate(sides):
        size = values.shape[axis]
        centres = (2 * np.arange(-(-side // step)) + 1) * step
        position = (centres * size * 256 // (2 * side) - 128).clip(0, 256 * (size - 1))
        near = position // 256
        weight = ((position % 256) / 256).reshape([-1 if each == axis else 1 for each in range(3)])
        far = np.minimum(near + 1, size - 1)
        values = np.rint(values.take(near, axis) * (1 - weight) + values.take(far, axis) * weight)
    return values


def between_cells(values: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """At the centres of pixels, exactly."""
    for axis in (0, 1):
        cells = values.shape[axis]
        position = ((np.arange(cells * step) + 0.5) / step - 0.5).clip(0, cells - 1)
        near = np.floor(position).astype(int)
        weight = (position - near).reshape([-1 if each == axis else 1 for each in range(3)])
        far = np.minimum(near + 1, cells - 1)
        values = values.take(near, axis) * (1 - weight) + values.take(far, axis) * weight
    return values


@pytest.mark.parametrize("shape", [(1, 1), (1, 4500), (9000, 3), (300, 211)])
def test_tiles_and_threads_change_nothing(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Some images are so large that each sample stands for 16×16 pixels."""
    photo, small, background = scene(*shape, 24, 7)
    whole = composite(photo, upsample(small, photo), background, estimate_foreground=True)
    for _ in other_tilings(monkeypatch):
        again = composite(photo, upsample(small, photo), background, estimate_foreground=True)
        np.testing.assert_array_equal(again, whole)
        np.testing.assert_array_equal(
            composite(photo, upsample_alpha(small, photo), background, estimate_foreground=True), whole
        )


def test_views_are_as_good_as_copies() -> None:
    photo, small, background = scene(170, 230, 24, 3)
    mirrored, turned = photo[:, ::-1], background.transpose(1, 0, 2)[:170, :170]
    alpha = upsample_alpha(small, mirrored)
    np.testing.assert_array_equal(
        composite(mirrored, alpha[:, ::-1], background[::-1]),
        composite(mirrored.copy(), alpha[:, ::-1].copy(), background[::-1].copy()),
    )
    part = mirrored[:, :170]
    np.testing.assert_array_equal(
        composite(part, alpha[:, :170], turned, estimate_foreground=True),
        composite(part.copy(), alpha[:, :170].copy(), turned.copy(), estimate_foreground=True),
    )
    np.testing.assert_array_equal(
        estimate_foreground(part, alpha[:, :170]), estimate_foreground(part.copy(), alpha[:, :170].copy())
    )


def test_the_command_s_path_is_that_of_a_matter(noise: Any) -> None:
    photo = cv2.GaussianBlur(noise(400, 500, 3), (0, 0), 9)
    render = Renderer.of("lime")
    with PortraitMatter(threads=1) as matter:
        handed, alpha = matter.photo(photo), matter(photo)
        (streamed,) = matter.stream([(photo, 0)], lambda matte: render(matte.frame, matte.alpha_u8))
    assert isinstance(handed.upsampled, AlphaU8)
    np.testing.assert_array_equal(handed.alpha, alpha)
    expected = composite(photo, alpha, (0, 255, 0), estimate_foreground=True)
    np.testing.assert_array_equal(render(photo, handed.alpha_u8), expected)
    np.testing.assert_array_equal(streamed, expected)


def test_only_the_edge_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest, at least four fifths of it, is copied."""
    photo, _, background = scene(640, 960, 24, 1)
    small = np.zeros((64, 64), np.float32)
    small[:, 30:] = 1
    pixels: list[int] = []
    gather = TileBatch.gather

    def counted(batch: TileBatch, image: AnyArray) -> AnyArray:
        pixels.append(batch.height * batch.width)
        return gather(batch, image)

    monkeypatch.setattr(TileBatch, "gather", counted)
    monkeypatch.setattr(kernels, "KERNELS", reference)
    composite(photo, upsample(small, photo), background)
    # The photo is gathered twice, the alpha and the background once.
    assert 0 < sum(pixels) < 4 * 0.2 * photo[..., 0].size
