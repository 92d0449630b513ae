"""The kernels refuse whatever compiled code would read or write past: sizes, dtypes, indices, steps, numbers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support import PATIENCE

from mmnet.runtime import composite, estimate_foreground
from mmnet.runtime.core import library
from mmnet.runtime.fullres import compiled, reference
from mmnet.runtime.fullres.alpha import AlphaU8
from mmnet.runtime.fullres.cells import ColourDifference
from mmnet.runtime.imaging.preprocess import ImageError

HEIGHT, WIDTH, SIDE = 150, 70, 16
KERNELS = [
    pytest.param(
        compiled,
        marks=pytest.mark.skipif(library.LIBRARY is None, reason="NO C COMPILER: the compiled kernels were not tested"),
    ),
    reference,
]


def arguments() -> dict[str, list[Any]]:
    """Return what each kernel takes for one small photo."""
    random = np.random.default_rng(5)
    photo = random.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    alpha = random.random((HEIGHT, WIDTH)).astype(np.float32)
    small = random.random((SIDE, SIDE)).astype(np.float32)
    model_input = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    alpha_u8 = AlphaU8.of(alpha)
    difference = reference.colour_difference(photo, alpha_u8.values, 2)
    return {
        "guided_alpha": [small, model_input, photo],
        "colour_difference": [photo, alpha_u8.values, 2],
        "composite": [photo, alpha_u8, photo[::-1], difference],
    }


def spoilt(array: Any) -> Iterator[Any]:
    """Yield arrays of other sizes, dtypes and dimensions, and what is no array."""
    yield array[:-1]
    yield array[:, :-1]
    yield np.concatenate([array, array[:1]])
    yield array[None]
    yield array[:0]
    yield array.astype(np.float64)
    yield array.astype(np.uint8 if array.dtype != np.uint8 else np.int8)
    yield array.tolist()
    yield None


def wrong(name: str) -> Iterator[list[Any]]:
    """Yield arguments of a kernel of which one is wrong."""
    whole = arguments()[name]
    for index, argument in enumerate(whole):
        if isinstance(argument, np.ndarray):
            for number, bad in enumerate(spoilt(argument)):
                if name == "guided_alpha" and index == 2 and number < 3:
                    continue  # a photo of another size
                yield [*whole[:index], bad, *whole[index + 1 :]]
    if name == "colour_difference":
        for step in (0, -1, 3, 32, 1 << 40):
            yield [*whole[:2], step]
    if name == "composite":
        photo, alpha, background, difference = whole
        for field in ("values", "opaque", "edges"):
            for bad in spoilt(getattr(alpha, field)):
                yield [photo, replace(alpha, **{field: bad}), background, difference]
        for bad in spoilt(difference.cells):
            yield [photo, alpha, background, ColourDifference(bad, difference.step)]
        for step in (0, -2, 1, 4, 5):
            yield [photo, alpha, background, ColourDifference(difference.cells, step)]
        for value in (np.nan, np.inf, -1e9):
            yield [photo, alpha, background, ColourDifference(np.full_like(difference.cells, value), difference.step)]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("name", list(arguments()))
def test_wrong_arguments_are_refused(kernels: Any, name: str) -> None:
    kernel = getattr(kernels, name)
    kernel(*arguments()[name])
    several = list(wrong(name))
    assert len(several) > 20
    for bad in several:
        with pytest.raises(ImageError):
            kernel(*bad)


@pytest.mark.parametrize("kernels", KERNELS)
def test_any_layout_in_memory_gives_the_same_bytes(kernels: Any) -> None:
    def scattered(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            wide = np.empty((value.shape[0] * 2, *value.shape[1:]), value.dtype)
            wide[::2] = value
            return np.asfortranarray(wide)[::2]
        if isinstance(value, AlphaU8 | ColourDifference):
            arrays = {key: scattered(part) for key, part in vars(value).items() if isinstance(part, np.ndarray)}
            return replace(value, **arrays)
        return value

    for name, whole in arguments().items():
        expected, found = (getattr(kernels, name)(*given) for given in (whole, [*map(scattered, whole)]))
        for one, other in zip(parts(expected), parts(found), strict=True):
            np.testing.assert_array_equal(one, other)


def parts(result: Any) -> list[Any]:
    return [result] if isinstance(result, np.ndarray) else [v for v in vars(result).values() if not isinstance(v, int)]


def test_an_alpha_with_other_tiles_is_refused_where_users_give_it(portrait: Any) -> None:
    photo = portrait[:100, :90]
    alpha = AlphaU8.of(np.linspace(0, 1, photo.shape[0] * photo.shape[1], dtype=np.float32).reshape(photo.shape[:2]))
    bad = replace(alpha, edges=np.ones((1, 1), np.bool_))
    for function in (lambda: composite(photo, bad, (1, 2, 3)), lambda: estimate_foreground(photo, bad)):
        with pytest.raises(ImageError, match="edges"):
            function()


def test_no_input_of_a_user_ends_the_process() -> None:
    """Run apart, where a crash is seen: photos of every small size, with alphas that are no numbers or out of range."""
    script = """
import numpy as np
from mmnet.runtime import composite, cutout, estimate_foreground
from mmnet.runtime.fullres.upsampling import upsample
from mmnet.errors import MMNetError
for height in (1, 2, 15, 16, 17, 63, 64, 65, 129):
    for width in (1, 2, 15, 16, 17, 33):
        photo = np.full((height, width, 3), 77, np.uint8)
        for value in (0, 0.5, 1, 2, -1, np.nan, np.inf):
            alpha = np.full((height, width), value, np.float32)
            for use in (
                lambda: composite(photo, alpha, (1, 2, 3), estimate_foreground=True),
                lambda: cutout(photo, alpha),
                lambda: estimate_foreground(photo, alpha),
                lambda: upsample(alpha[:8, :8], photo),
            ):
                try:
                    use()
                except MMNetError:
                    pass
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=PATIENCE, check=False).returncode == 0
