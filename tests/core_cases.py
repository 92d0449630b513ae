"""Requests to the core in C, which Python answers with NumPy: the stages of the profile `fine`.

`java_core.py` has the other stages, and describes the requests.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from java_core import array_field, crowd, ints_field

from mmnet.arrays import U8Array
from mmnet.runtime import composite, estimate_foreground, find_crops
from mmnet.runtime.fullres import Upsampling, alpha_u8_of
from mmnet.runtime.fullres.placing import AlphaPart, upsample_placed
from mmnet.runtime.imaging import Fit, Placement, Rectangle
from mmnet.runtime.imaging.fit import place
from mmnet.runtime.imaging.preprocess import fill_square, to_model_input
from mmnet.runtime.imaging.presence import measure_presence
from mmnet.runtime.video.averaging import Before, average, to_bytes, to_grey


@dataclass(frozen=True)
class FineAlphaCase:
    """A request for the model's input of a part of an image, and for the guided alpha of the image."""

    image: U8Array
    placement: Placement
    alpha: U8Array  # the model's, [S, S]

    def request(self) -> bytes:
        """Return the bytes of the request."""
        rectangles = (
            (part.top, part.left, part.height, part.width) for part in (self.placement.seen, self.placement.filled)
        )
        numbers = (*self.image.shape[:2], len(self.alpha), *(number for each in rectangles for number in each))
        return ints_field(9, *numbers) + array_field(self.image) + array_field(self.alpha)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        model_input = fill_square(self.image, self.placement, len(self.alpha))
        part = AlphaPart(np.asarray(self.alpha / np.float32(255), np.float32), self.placement, model_input)
        upsampled = upsample_placed([part], self.image, Upsampling.GUIDED)
        return model_input.tobytes() + alpha_u8_of(self.image, upsampled).values.tobytes()


@dataclass(frozen=True)
class FinePhotoCase:
    """A request for the guided alpha of a photo, and its confidence, by a model whose alpha is its input's red channel.

    People who stand apart have a crop each.
    """

    image: U8Array
    size: int

    def request(self) -> bytes:
        """Return the bytes of the request."""
        return ints_field(12, *self.image.shape[:2], self.size) + array_field(self.image)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        height, width = self.image.shape[:2]
        crops = find_crops(to_model_input(self.image, self.size)[..., 0], height, width)
        placements = [Placement.of_crop(crop, self.size) for crop in crops or [Rectangle(0, 0, height, width)]]
        inputs = [fill_square(self.image, placement, self.size) for placement in placements]
        alphas = [np.asarray(seen[..., 0] / np.float32(255), np.float32) for seen in inputs]
        parts = [AlphaPart(*part) for part in zip(alphas, placements, inputs, strict=True)]
        upsampled = upsample_placed(parts, self.image, Upsampling.GUIDED)
        presence = measure_presence([(part.alpha, part.placement) for part in parts], height, width)
        return alpha_u8_of(self.image, upsampled).values.tobytes() + ints_field(round(presence.confidence * 255))


@dataclass(frozen=True)
class FineCompositeCase:
    """A request for the estimated foreground of an image, and for a composite with it."""

    image: U8Array
    alpha: U8Array
    background: U8Array

    def request(self) -> bytes:
        """Return the bytes of the request."""
        arrays = (self.image, self.alpha, self.background)
        return ints_field(10, *self.alpha.shape) + b"".join(map(array_field, arrays))

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        alpha = np.asarray(self.alpha / np.float32(255), np.float32)
        composed = composite(self.image, alpha, self.background, estimate_foreground=True)
        return estimate_foreground(self.image, alpha).tobytes() + composed.tobytes()


@dataclass(frozen=True)
class SmoothingCase:
    """A request for the smoothed alphas of a video."""

    frames: list[U8Array]  # [S, S, 3]
    alphas: list[U8Array]  # [S, S]
    least: int
    tolerance: int

    def request(self) -> bytes:
        """Return the bytes of the request."""
        head = ints_field(14, len(self.alphas[0]), self.least, self.tolerance, len(self.frames))
        pairs = zip(self.frames, self.alphas, strict=True)
        return head + b"".join(array_field(frame) + array_field(alpha) for frame, alpha in pairs)

    def answer(self) -> bytes:
        """Return the bytes that Python computes."""
        before, answer = None, b""
        for frame, alpha in zip(self.frames, self.alphas, strict=True):
            words, grey = alpha * np.uint16(257), to_grey(frame)
            if before is not None:
                words = average(words, grey, before, self.least, self.tolerance)
            before = Before(words, grey)
            answer += to_bytes(words).tobytes()
        return answer


def photo(random: np.random.Generator, height: int, width: int) -> U8Array:
    """Return a photo whose colours change slowly, or noise."""
    if random.integers(4) == 0:
        return random.integers(0, 256, (height, width, 3), np.uint8)
    coarse = random.integers(0, 256, (1 + height // 5, 1 + width // 5, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def soft_alpha(random: np.random.Generator, height: int, width: int) -> U8Array:
    """Return an alpha of any softness, of which a part may be empty."""
    blotches = cv2.resize(random.random((5, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    softness = float(random.choice([1, 5, 40]))
    alpha: U8Array = np.rint(((blotches - 0.5) * softness + 0.5).clip(0, 1) * 255).astype(np.uint8)
    if random.integers(2):
        alpha[: random.integers(height + 1)] = 0
        alpha[:, random.integers(width) :] = 0
    return alpha


def fine_alpha_case(random: np.random.Generator, height: int, width: int, size: int) -> FineAlphaCase:
    """Return a request for a random photo and alpha, with any fit or a crop."""
    kind = random.integers(4)
    if kind == 3:
        top, left = int(random.integers(height)), int(random.integers(width))
        rows, columns = int(random.integers(1, height - top + 1)), int(random.integers(1, width - left + 1))
        placement = Placement.of_crop(Rectangle(top, left, rows, columns), size)
    else:
        placement = place([Fit.STRETCH, Fit.CROP, Fit.LETTERBOX][kind], height, width, size)
    return FineAlphaCase(photo(random, height, width), placement, soft_alpha(random, size, size))


def fine_photo_case(random: np.random.Generator, size: int) -> FinePhotoCase:
    """Return a request for a random photo in which the red of up to seven people is bright."""
    red = crowd(random)
    image = photo(random, *red.shape)
    image[..., 0] = red
    return FinePhotoCase(image, size)


def fine_composite_case(random: np.random.Generator, height: int, width: int) -> FineCompositeCase:
    """Return a request for a random photo, alpha and background."""
    image, background = photo(random, height, width), photo(random, height, width)
    return FineCompositeCase(image, soft_alpha(random, height, width), background)


def smoothing_case(random: np.random.Generator, size: int) -> SmoothingCase:
    """Return a request for a video in which the camera, the person, the light and the scene may change."""
    frames, alphas, margin = [], [], 3 + size // 8
    scene, mattes = photo(random, size + 2 * margin, size + 2 * margin), soft_alpha(random, size, size)
    noise, light = int(random.choice([0, 2, 9])), int(random.choice([0, 40]))
    for _ in range(4):
        top, left = random.integers(0, 2 * margin + 1, 2)
        if random.integers(8) == 0:
            scene = photo(random, *scene.shape[:2])
        if random.integers(2):
            mattes = soft_alpha(random, size, size)
        change = random.integers(-noise, noise + 1, (size, size, 3)) + random.integers(-light, light + 1)
        frames.append((scene[top : top + size, left : left + size] + change).clip(0, 255).astype(np.uint8))
        alphas.append(mattes)
    least, tolerance = int(random.choice([1, 64, 64, 256])), int(random.choice([1, 1600, 1600, 102000]))
    return SmoothingCase(frames, alphas, least, tolerance)
