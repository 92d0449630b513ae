"""People cut out of photos, and composites of them over backgrounds, with their mattes.

`training_mix.py` makes training data with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import MMNetError
from mmnet.training.augment import estimate_training_foreground

Pair = tuple[Path, Path]  # image, matte

VISIBLE = 8  # alphas above it belong to the person, 0-255
SIDE_LIMIT, TOP_LIMIT = 12, 5  # an edge of the photo cuts the person if the mean alpha along it is higher, 0-255


class MixError(MMNetError):
    """The training data cannot be built from these folders."""


def read_image(path: Path, flags: int = cv2.IMREAD_COLOR) -> U8Array:
    """Read an image with OpenCV: uint8 [H, W] or [H, W, C], BGR.

    Raises:
        MixError: it cannot be read.
    """
    image = cv2.imread(str(path), flags)
    if image is None:
        raise MixError(f"{path}: this image cannot be read; replace or remove it")
    return np.asarray(image, np.uint8)


def write_image(path: Path, image: AnyArray, parameters: Sequence[int] = ()) -> None:
    """Write an image with OpenCV.

    Raises:
        MixError: it cannot be written.
    """
    if not cv2.imwrite(str(path), image, parameters):
        raise MixError(f"{path}: this image cannot be written; check the permissions and the free space of the disk")


class Scene:
    """A background that people are composited over, and their matte.

    Attributes:
        image: uint8 [H, W, 3], BGR.
        matte: uint8 [H, W].
        height, width: of the frame, pixels.
    """

    def __init__(self, background: Path, height: int, width: int, random: np.random.Generator) -> None:
        """Fill the frame with a random part of the background, mirrored or not."""
        self._random = random
        self.height, self.width = height, width
        self.matte: U8Array = np.zeros((height, width), np.uint8)
        image = read_image(background)
        rows, columns = image.shape[:2]
        scale = max(height / rows, width / columns) * random.uniform(1.0, 1.3)
        size = max(width, round(columns * scale)), max(height, round(rows * scale))
        filled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        y = random.integers(0, filled.shape[0] - height + 1)
        x = random.integers(0, filled.shape[1] - width + 1)
        part = np.asarray(filled[y : y + height, x : x + width], np.uint8)
        self.image: U8Array = part[:, ::-1].copy() if random.random() < 0.5 else part.copy()

    def add(self, person: U8Array, height: int, x: int, top: int, mirrored: bool | None = None) -> None:
        """Composite a person, darkened or lightened; what lies outside of the frame is cut off.

        Args:
            person: uint8 [H, W, 4], BGR and straight alpha.
            height: of the person in the scene, pixels.
            x, top: the left and the upper edge of the person in the scene, pixels.
            mirrored: whether to mirror the person; None draws it.
        """
        scale = height / person.shape[0]
        width = max(2, round(person.shape[1] * scale))
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        alpha: AnyArray = cv2.resize(person[..., 3], (width, height), interpolation=interpolation)
        alpha = alpha.astype(np.float32) / 255
        premultiplied: AnyArray = person[..., :3].astype(np.float32) * (person[..., 3:].astype(np.float32) / 255)
        premultiplied = cv2.resize(premultiplied, (width, height), interpolation=interpolation)
        if self._random.random() < 0.5 if mirrored is None else mirrored:
            alpha, premultiplied = alpha[:, ::-1], premultiplied[:, ::-1]
        gain = np.float32(self._random.uniform(0.75, 1.2))
        left, right = max(0, x), min(self.width, x + width)
        upper, lower = max(0, top), min(self.height, top + height)
        if left >= right or upper >= lower:
            return
        inside = slice(upper - top, lower - top), slice(left - x, right - x)
        frame = slice(upper, lower), slice(left, right)
        alpha = alpha[inside]
        image = premultiplied[inside] * gain + (1 - alpha[..., None]) * self.image[frame].astype(np.float32)
        matte = 255 * alpha + (1 - alpha) * self.matte[frame].astype(np.float32)
        self.image[frame] = np.rint(image.clip(0, 255)).astype(np.uint8)
        self.matte[frame] = np.rint(matte.clip(0, 255)).astype(np.uint8)

    def save(self, folder: Path, name: str, quality: int = 93) -> None:
        """Write image/NAME.jpg and mask/NAME.png."""
        write_image(folder / "image" / f"{name}.jpg", self.image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        write_image(folder / "mask" / f"{name}.png", self.matte)


def read_cutout(path: Path) -> U8Array:
    """Read an RGBA image and crop it to the person: uint8 [H, W, 4], BGR and alpha.

    Raises:
        MixError: it cannot be read, has no alpha, or shows nobody.
    """
    cutout = read_image(path, cv2.IMREAD_UNCHANGED)
    if cutout.ndim != 3 or cutout.shape[2] != 4:
        raise MixError(f"{path}: this image has no alpha channel; a cut-out is an RGBA image")
    rows, columns = _person_box(cutout[..., 3], path)
    return cutout[rows, columns]


def read_person(pair: Pair) -> U8Array:
    """Cut a person out of a photo by its matte: uint8 [H, W, 4], BGR of the foreground and alpha, not cropped."""
    photo, alpha = read_image(pair[0]), read_image(pair[1], cv2.IMREAD_GRAYSCALE)
    if photo.shape[:2] != alpha.shape:
        photo = np.asarray(cv2.resize(photo, (alpha.shape[1], alpha.shape[0])), np.uint8)
    return np.dstack([np.asarray(estimate_training_foreground(photo, alpha), np.uint8), alpha])


def crop_person(person: U8Array, matte: Path) -> U8Array:
    """Crop to the person above, on the left and on the right; the lower edge stays the photo's.

    Args:
        person: uint8 [H, W, 4], BGR and alpha.
        matte: the file of the alpha, for the error message.

    Raises:
        MixError: the matte shows nobody.
    """
    rows, columns = _person_box(person[..., 3], matte)
    return person[rows.start :, columns]


def _person_box(alpha: U8Array, path: Path) -> tuple[slice, slice]:
    """Return the rows and the columns that hold a person."""
    rows, columns = np.nonzero(alpha > VISIBLE)
    if not rows.size:
        raise MixError(f"{path}: this matte shows nobody; remove it")
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def cutting_edges(alpha: U8Array) -> tuple[bool, bool, bool]:
    """Whether the left, the right and the upper edge of a photo cut the person; `alpha` is its matte, uint8 [H, W]."""
    left, right, top = (float(edge.mean()) for edge in (alpha[:, 0], alpha[:, -1], alpha[0]))
    return left > SIDE_LIMIT, right > SIDE_LIMIT, top > TOP_LIMIT
