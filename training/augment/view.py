"""Geometry of the strong augmentation: which part of a photo the network sees, mirrored, turned and stretched."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray
from mmnet.training.augment.sample import Sample
from mmnet.training.augment.table import Draw


@dataclass(frozen=True)
class View:
    """A frame placed on an image: an affine map from unit coordinates of the image to those of the frame.

    Attributes:
        matrix: float64 [2, 3]; both coordinate systems run from 0 to 1, x to the right, y downwards.
        extended: left, top, right, bottom: whether the image is continued, mirrored, beyond that edge.
    """

    matrix: NDArray[np.float64]
    extended: tuple[bool, bool, bool, bool] = (True, True, True, True)

    def apply(self, image: AnyArray, size: int) -> AnyArray:
        """Return what the frame shows of an image: one bilinear warp, mirrored beyond the edges.

        Args:
            image: uint8 [P, P] or [P, P, 3].
            size: side of the result in pixels.
        """
        # Bilinear sampling reads 2×2 pixels, which is too few where the image shrinks to less than half.
        shrink = image.shape[0] / (size * math.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
        while shrink >= 2:
            half = max(1, image.shape[0] // 2)
            image, shrink = cv2.resize(image, (half, half), interpolation=cv2.INTER_AREA), shrink / 2
        matrix = self.matrix.copy()
        matrix[:, :2] *= size / image.shape[0]
        matrix[:, 2] = matrix[:, 2] * size + matrix[:, :2].sum(axis=1) / 2 - 0.5  # pixels have their centres at .5
        return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    def inside(self, size: int) -> AnyArray:
        """Return where the frame shows the image or its continuation: uint8 [size, size], 255 inside, 0 outside."""
        left, top, right, bottom = ((-1.0 if on else 0.0) for on in self.extended)
        corners = np.array([(left, top), (1 - right, top), (1 - right, 1 - bottom), (left, 1 - bottom)])
        corners = (corners @ self.matrix[:, :2].T + self.matrix[:, 2]) * size - 0.5
        mask = np.zeros((size, size), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        return mask


def choose_view(sample: Sample, draw: Draw, replaced: bool) -> View:
    """Draw a frame that does not show where the photo ends.

    A photo with its own background fills the frame, except for the corners of a rotated frame. Where the background is
    replaced, only those edges of the photo that cut the person must stay outside of the frame.

    Args:
        sample: the image.
        draw: the source of the random values.
        replaced: whether the background is replaced.
    """
    held = cut_edges(sample.matte) if replaced else (True, True, True, True)
    scale = draw.value("close_scale" if draw.happens("close") else "small_scale" if replaced else "scale")
    wide = sample.aspect  # the photo is wide×1, the frame width×height, both in heights of the photo
    relative = draw.value("aspect")
    height = min(1.0, 1 / relative) / scale
    width = wide * min(1.0, relative) / scale
    left, top, right, bottom = held
    fit = min(1.0, wide / width if left and right else 1.0, 1 / height if top and bottom else 1.0)
    width, height = width * fit, height * fit
    x = _centre(draw.value("shift") * width, wide, width, left, right)
    y = _centre(draw.value("shift") * height, 1.0, height, top, bottom)
    return place_frame(draw, wide, (x, y), (width, height), held)


def place_frame(
    draw: Draw, wide: float, centre: tuple[float, float], size: tuple[float, float], held: tuple[bool, bool, bool, bool]
) -> View:
    """Return a frame at a place, turned and mirrored at random. All lengths are in heights of the photo.

    Args:
        draw: the source of the random values.
        wide: width of the photo.
        centre: x and y of the frame's centre, from the photo's centre.
        size: width and height of the frame.
        held: left, top, right, bottom: whether the photo is continued, mirrored, beyond that edge.
    """
    angle = math.radians(draw.value("rotation")) if draw.happens("rotate") else 0.0
    mirror = -1.0 if draw.happens("flip") else 1.0
    cosine, sine = math.cos(angle), math.sin(angle)
    to_frame = np.array([[mirror / size[0], 0], [0, 1 / size[1]]]) @ np.array([[cosine, -sine], [sine, cosine]])
    linear = to_frame @ np.diag([wide, 1.0])  # from unit coordinates
    middle = np.array([centre[0] / wide + 0.5, centre[1] + 0.5])
    return View(np.column_stack([linear, 0.5 - linear @ middle]), held)


def _centre(shift: float, photo: float, frame: float, low_held: bool, high_held: bool) -> float:
    """Return the frame's centre, relative to the photo's, moved so that held edges of the photo lie outside of it."""
    slack = (photo - frame) / 2
    if low_held:
        shift = max(shift, -slack)
    if high_held:
        shift = min(shift, slack)
    return shift


def cut_edges(matte: AnyArray) -> tuple[bool, bool, bool, bool]:
    """Return which edges (left, top, right, bottom) of a matte cut the person: those whose mean alpha exceeds 1/50.

    Args:
        matte: uint8 [H, W].
    """
    left, top, right, bottom = (
        float(edge.mean()) > 255 / 50 for edge in (matte[:, 0], matte[0], matte[:, -1], matte[-1])
    )
    return left, top, right, bottom
