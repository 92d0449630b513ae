"""Write the golden vectors of the Android demo's Java core: requests, and Python's answers to them.

Run with: python tests/make_java_golden.py
"""

from __future__ import annotations

import itertools

import numpy as np
from core_cases import FinePhotoCase, fine_photo_case
from java_core import (
    GOLDEN,
    AlphaCase,
    BlurredBackgroundCase,
    Case,
    CompositeCase,
    CropCase,
    CropsCase,
    FrameCase,
    PresenceCase,
    VideoCase,
    crowd,
    walk,
)

from mmnet.files import atomic_file
from mmnet.runtime import Fit, Orientation, Plane, Rectangle, YuvFrame
from mmnet.runtime.imaging import resample
from mmnet.runtime.imaging.frames import ROTATIONS

# Frames that are smaller than the model input, larger, odd, and more than twice as large.
SIDES = [(1, 1), (2, 3), (17, 12), (33, 70)]


def cases() -> dict[str, Case | FinePhotoCase]:
    """Return all golden cases by their names."""
    random = np.random.default_rng(420)

    def noise(*shape: int) -> np.ndarray:
        return random.integers(0, 256, shape, np.uint8)

    named_cases: dict[str, Case | FinePhotoCase] = {}
    layouts = {"i420": YuvFrame.from_i420, "nv12": YuvFrame.from_nv12, "nv21": YuvFrame.from_nv21}
    turns = itertools.cycle(Orientation(angle, mirror) for angle in ROTATIONS for mirror in (False, True))
    for (height, width), fit, (layout, build) in itertools.product(SIDES, Fit, layouts.items()):
        data = noise(height * width + 2 * ((height + 1) // 2) * ((width + 1) // 2))
        turn = next(turns)
        name = f"{layout} {width}x{height} turned by {turn.rotation}, mirrored {turn.mirrored}, {fit}"
        named_cases[name] = FrameCase(build(data, height, width), turn, fit, 16)

    # Strides are longer than the samples need. Samples are 0 or 255: the extremes of each colour.
    extremes = np.array([0, 255], np.uint8)
    planes = [
        Plane(random.choice(extremes, (rows - 1) * row + (columns - 1) * pixel + 1), row, pixel)
        for rows, columns, row, pixel in ((9, 11, 40, 3), (5, 6, 21, 4), (5, 6, 13, 2))
    ]
    named_cases["strides"] = FrameCase(YuvFrame(9, 11, *planes), Orientation(), Fit.STRETCH, 9)

    for (height, width), fit in itertools.product([*SIDES, (3, 50)], Fit):
        turn = next(turns)
        name = f"alpha to {width}x{height} turned by {turn.rotation}, mirrored {turn.mirrored}, {fit}"
        named_cases[name] = AlphaCase(height, width, turn, fit, noise(16, 16))

    image, background, alpha = noise(16, 256, 3), noise(16, 256, 3), np.arange(4096).astype(np.uint8).reshape(16, 256)
    named_cases["composite"] = CompositeCase(image, alpha, background, (1, 128, 255))
    for height, width in [*SIDES, (20, 131), (150, 9)]:  # the last two are larger than the small image that is blurred
        image, alpha = noise(height, width, 3), noise(height, width)
        named_cases[f"blurred background {width}x{height}"] = BlurredBackgroundCase(image, alpha)

    for (height, width), levels in itertools.product([(9, 16), (300, 200)], (2, 3, 256)):
        whole, part = Rectangle(0, 0, height, width), Rectangle(2, 3, height - 4, width // 2)
        alpha = random.integers(0, levels, (16, 16)).astype(np.uint8) * np.uint8(255 // (levels - 1))
        named_cases[f"crop of {width}x{height}, {levels} levels"] = CropCase(height, width, whole, alpha)
        alpha = np.where(np.arange(16)[:, None] < 8, np.uint8(0), alpha)
        named_cases[f"crop of a part of {width}x{height}, {levels} levels"] = CropCase(height, width, part, alpha)
    for size, low in itertools.product((1, 7, 40, 64), (0, 200)):
        named_cases[f"confidence {size}, from {low}"] = PresenceCase(random.integers(low, 256, (size, size), np.uint8))
    for number in range(2):
        named_cases[f"video {number}"] = VideoCase(walk(random, 35, 40), 16)
    for number in range(8):
        photo = crowd(random)
        height, width = photo.shape
        named_cases[f"crops {number}"] = CropsCase(height, width, resample(photo, 32, 32))
        named_cases[f"photo {number}"] = fine_photo_case(random, 32)
    return named_cases


def content() -> bytes:
    """Return the bytes of the file.

    They are the number of cases, and then the name, the request and the answer of each case, each preceded by its
    length. All numbers are big-endian.
    """
    named_cases = cases()
    parts = [len(named_cases).to_bytes(4, "big")]
    for name, case in named_cases.items():
        text, request, answer = name.encode(), case.request(), case.answer()
        parts += [len(text).to_bytes(2, "big"), text]
        parts += [part for value in (request, answer) for part in (len(value).to_bytes(4, "big"), value)]
    return b"".join(parts)


if __name__ == "__main__":
    with atomic_file(GOLDEN) as temporary:
        temporary.write_bytes(content())
