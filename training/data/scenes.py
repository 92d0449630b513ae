"""People cut out of photos, and scenes: composites of them over backgrounds, with their mattes.

`mmnet.training.data.scene_sets` writes data sets of such scenes. `tools/datasets/training_mix.py` makes its training
data with them.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mmnet.arrays import AnyArray, U8Array
from mmnet.errors import OutputError
from mmnet.evaluation.datasets.pairs import IMAGE, MASK
from mmnet.files import atomic_file
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.writing import write_image
from mmnet.training.augment import estimate_training_foreground
from mmnet.training.data.layouts import DataError, Pair

VISIBLE = 8  # alphas above it belong to the person, 0-255
SIDE_LIMIT, TOP_LIMIT = 12, 5  # an edge of the photo cuts the person if the mean alpha along it is higher, 0-255
QUALITY = 93  # of the JPEG files


class SceneError(DataError):
    """No scenes can be made of these people and backgrounds."""


class Scene:
    """A background that people are composited over, and their matte.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        matte: uint8 [H, W].
        height, width: of the frame, pixels.
    """

    def __init__(self, background: Path, height: int, width: int, random: np.random.Generator) -> None:
        """Fill the frame with a random part of the background, mirrored or not.

        Raises:
            PhotoError: the background cannot be read.
        """
        self._random = random
        self.height, self.width = height, width
        self.matte: U8Array = np.zeros((height, width), np.uint8)
        image = read_photo(background)
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
            person: uint8 [H, W, 4], RGB and straight alpha.
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

    def save(self, folder: Path, name: str, quality: int = QUALITY) -> None:
        """Write image/NAME.jpg and mask/NAME.png into a folder that has both folders.

        Args:
            folder: the data set.
            name: the stem of the files.
            quality: of the JPEG, 1-100.

        Raises:
            OutputError: a file cannot be written.
        """
        path = folder / IMAGE / f"{name}.jpg"
        done, encoded = cv2.imencode(".jpg", self.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        if not done:
            raise OutputError(
                f"{path}: {self.width}×{self.height} pixels cannot be written as JPEG; choose a smaller size"
            )
        with atomic_file(path) as temporary:
            temporary.write_bytes(encoded.tobytes())
        write_image(folder / MASK / f"{name}.png", self.matte)


def read_cutout(path: Path) -> U8Array:
    """Read an RGBA image and crop it to the person: uint8 [H, W, 4], RGB and alpha.

    Raises:
        PhotoError, PairError: the image cannot be read, or has no alpha.
        SceneError: it shows nobody.
    """
    person = np.dstack(Pair(path, path, from_alpha=True).read())
    rows, columns = person_box(person[..., 3], path)
    return person[rows, columns]


def read_person(pair: Pair) -> U8Array:
    """Cut a person out of a photo by its matte: uint8 [H, W, 4], RGB of the foreground and alpha, not cropped.

    A photo of another size than its matte is scaled to it.

    Raises:
        PhotoError, PairError: a file cannot be read.
    """
    photo, alpha = read_photo(pair.photo), pair.read_matte()
    if photo.shape[:2] != alpha.shape:
        photo = np.asarray(cv2.resize(photo, (alpha.shape[1], alpha.shape[0])), np.uint8)
    return np.dstack([np.asarray(estimate_training_foreground(photo, alpha), np.uint8), alpha])


def crop_person(person: U8Array, matte: Path) -> U8Array:
    """Crop to the person above, on the left and on the right; the lower edge stays the photo's.

    Args:
        person: uint8 [H, W, 4], RGB and alpha.
        matte: the file of the alpha, for the error message.

    Raises:
        SceneError: the matte shows nobody.
    """
    rows, columns = person_box(person[..., 3], matte)
    return person[rows.start :, columns]


def person_box(alpha: U8Array, path: Path) -> tuple[slice, slice]:
    """Return the rows and the columns that hold a person.

    Args:
        alpha: uint8 [H, W].
        path: its file, for the error message.

    Raises:
        SceneError: the matte shows nobody.
    """
    rows, columns = np.nonzero(alpha > VISIBLE)
    if not rows.size:
        raise SceneError(f"{path}: this matte shows nobody; remove it")
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)


def cutting_edges(alpha: U8Array) -> tuple[bool, bool, bool]:
    """Whether the left, the right and the upper edge of a photo cut the person; `alpha` is its matte, uint8 [H, W]."""
    left, right, top = (float(edge.mean()) for edge in (alpha[:, 0], alpha[:, -1], alpha[0]))
    return left > SIDE_LIMIT, right > SIDE_LIMIT, top > TOP_LIMIT
