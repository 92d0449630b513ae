"""Augmentation: one image and its matte, a random generator and a table of ranges → another such image.

Every function is pure: the same arguments give the same bytes. Colours are uint8 throughout, as in the photos
themselves. Lengths are in 1/256 of the image's side, so that one table serves every input size.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array
from mmnet.errors import MMNetError

Random = np.random.Generator
Range = tuple[float, float]


class AugmentationError(MMNetError):
    """A table of augmentations cannot be used."""


@dataclass(frozen=True)
class Sample:
    """One training image, stretched to a square.

    Attributes:
        photo: uint8 [P, P, 3], RGB.
        matte: uint8 [P, P].
        foreground: uint8 [P, P, 3], the foreground's colours (`estimate_training_foreground`); None: not estimated.
        aspect: width / height of the photo before it was stretched.
        is_cutout: `photo` has no background of its own; another must be laid behind it.
    """

    photo: AnyArray
    matte: AnyArray
    foreground: AnyArray | None = None
    aspect: float = 1.0
    is_cutout: bool = False


@dataclass(frozen=True)
class Augmentation:
    """How strongly to augment. A single number is a probability, a pair a range to draw from.

    Attributes:
        flip: mirror left and right.
        scale: magnification, 1 fills the frame.
        close, close_scale: now and then nearer, so that the frame cuts the person.
        small_scale: magnification where the background is replaced: there the person may be small.
        aspect: the frame's width / height relative to the photo's, so how far the person is stretched.
        rotate, rotation: degrees.
        shift: of the frame, in parts of it.
        replace: lay another background behind the person.
        plain: of the replaced backgrounds, how many are a smooth play of colours instead of a photo.
        soften, soften_radius: blur the background alone, as a wide aperture does.
        layers: give person and background different lights.
        layer_strength: how much of the ranges below that difference takes.
        grade: change the colours of the whole image.
        brightness: added, in parts of the whole range.
        contrast: multiplied, around middle grey.
        gamma: exponent.
        balance: gain of red, and its inverse of blue (white balance).
        saturation: 0 is grey.
        hue: degrees.
        grey: make the image black and white.
        light, light_gain: uneven light: gains in the corners and between.
        occlude, occluder_size: something that is not the person before it; its radius in parts of the side.
        defocus, defocus_sigma: blur everything, the matte too.
        motion, motion_length: blur along a line, the matte too.
        resample, resample_scale: lose resolution, of the image alone.
        noise, noise_sigma: of 255, in the mid-tones.
        jpeg, jpeg_quality: compress and decompress.

    Raises:
        AugmentationError: a probability outside [0, 1], or a range that is none.
    """

    flip: float = 0.5
    scale: Range = (1.0, 1.4)
    close: float = 0.08
    close_scale: Range = (1.4, 1.9)
    small_scale: Range = (0.45, 1.3)
    aspect: Range = (0.75, 1.33)
    rotate: float = 0.6
    rotation: Range = (-20.0, 20.0)
    shift: Range = (-0.12, 0.12)
    replace: float = 0.5
    plain: float = 0.15
    soften: float = 0.2
    soften_radius: Range = (1.0, 9.0)
    layers: float = 0.4
    layer_strength: float = 0.5
    grade: float = 0.8
    brightness: Range = (-0.15, 0.15)
    contrast: Range = (0.7, 1.35)
    gamma: Range = (0.7, 1.45)
    balance: Range = (0.85, 1.18)
    saturation: Range = (0.4, 1.4)
    hue: Range = (-12.0, 12.0)
    grey: float = 0.05
    light: float = 0.25
    light_gain: Range = (0.55, 1.4)
    occlude: float = 0.08
    occluder_size: Range = (0.05, 0.25)
    defocus: float = 0.08
    defocus_sigma: Range = (0.4, 1.6)
    motion: float = 0.06
    motion_length: Range = (3.0, 9.0)
    resample: float = 0.15
    resample_scale: Range = (0.35, 0.9)
    noise: float = 0.35
    noise_sigma: Range = (1.0, 11.0)
    jpeg: float = 0.3
    jpeg_quality: Range = (30.0, 95.0)

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, tuple):
                good = isinstance(value, tuple) and len(value) == 2 and all(map(_is_number, value))
                good = good and value[0] <= value[1] and (value[0] > 0 or not _is_logarithmic(field.name))
                wanted = "a range [low, high]" + (", above 0" if _is_logarithmic(field.name) else "")
            else:
                good, wanted = _is_number(value) and 0 <= value <= 1, "a number in [0, 1]"
            if not good:
                raise AugmentationError(f"augmentation: {field.name} is {value!r}; it must be {wanted}")

    def to_json(self) -> dict[str, Any]:
        """The table as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: object) -> Augmentation:
        """The inverse of `to_json`; what is left out keeps its default.

        Raises:
            AugmentationError: no mapping, an unknown name, or a value out of range.
        """
        if not isinstance(values, dict):
            raise AugmentationError(f"augmentation: is a {type(values).__name__}; give names with values")
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise AugmentationError(f"augmentation: {name!r} is unknown; known are {', '.join(sorted(known))}")
        fitting: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**fitting)


# Ranges whose middle is the geometric one, because they multiply.
_LOGARITHMIC = ("scale", "close_scale", "small_scale", "aspect", "contrast", "gamma", "balance", "resample_scale")


def _is_logarithmic(name: str) -> bool:
    return name in _LOGARITHMIC


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def augment(
    sample: Sample, size: int, random: Random, table: Augmentation, backgrounds: Sequence[AnyArray] | AnyArray = ()
) -> tuple[AnyArray, AnyArray]:
    """Draw one augmented image.

    Args:
        sample: with `foreground` if a background may be replaced.
        size: S, side of the result in pixels.
        random: the only source of chance; its state afterwards means nothing.
        table: probabilities and ranges.
        backgrounds: photos without people, uint8 [Q, Q, 3]; without any, replaced backgrounds are plain.

    Returns:
        uint8 [S, S, 3], RGB, and its matte, uint8 [S, S].
    """
    draw = _Draw(random, table)
    replaced = sample.foreground is not None and (sample.is_cutout or draw.happens("replace"))
    view = _choose_view(sample, draw, replaced)
    matte = view.apply(sample.matte, size)
    if replaced:
        matte = cv2.multiply(matte, view.inside(size), scale=1 / 255)
        behind = _background(size, draw, backgrounds)
        person = view.apply(_colours(sample), size)
        image = _lerp(_grade_layer(behind, draw), _grade_layer(person, draw), matte)
    else:
        image = view.apply(sample.photo, size)
        if sample.foreground is not None and draw.happens("soften"):
            image = _lerp(_blur_behind(image, matte, size, draw), view.apply(sample.foreground, size), matte)
        if draw.happens("layers"):
            image = _lerp(_grade_layer(image, draw), _grade_layer(image, draw), matte)
    if draw.happens("occlude"):
        image, matte = _occlude(image, matte, draw, backgrounds)
    return _photograph(image, matte, draw)


def published(sample: Sample, size: int, random: Random) -> tuple[AnyArray, AnyArray]:
    """The paper's augmentation, as the published code does it.

    Resize to S×S; scale each side by one of 1.00, 1.01, … 1.15; crop S×S at random; mirror half of the time; half of
    the time rotate by up to ±15°, cut out the centre that holds no corner, S / (|cos| + |sin|), and resize it to S×S.
    (Rotation samples bilinearly here, to the nearest pixel there.)

    Returns:
        uint8 [S, S, 3], RGB, and its matte, uint8 [S, S].
    """
    layers = np.dstack([resize(sample.photo, size), resize(sample.matte, size)])
    height, width = (int(size * (1 + step / 100)) for step in random.integers(0, 16, 2))
    top, left = random.integers(0, height - size + 1), random.integers(0, width - size + 1)
    layers = cv2.resize(layers, (width, height), interpolation=cv2.INTER_LINEAR)
    layers = layers[top : top + size, left : left + size]
    if random.random() < 0.5:
        layers = layers[:, ::-1]
    if random.random() < 0.5:
        degrees = random.uniform(-15, 15)
        middle = ((size - 1) / 2, (size - 1) / 2)
        turn = cv2.getRotationMatrix2D(middle, degrees, 1)
        layers = np.ascontiguousarray(layers)
        # The corners of what is cut out touch the edges: what lies beyond must not be black.
        layers = cv2.warpAffine(layers, turn, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        radians = math.radians(degrees)
        kept = round(size / (abs(math.cos(radians)) + abs(math.sin(radians))))
        edge = (size - kept) // 2
        layers = resize(np.ascontiguousarray(layers[edge : edge + kept, edge : edge + kept]), size)
    return np.ascontiguousarray(layers[..., :3]), np.ascontiguousarray(layers[..., 3])


def resize(image: AnyArray, size: int) -> AnyArray:
    """Stretch to size×size: means of whole pixels while it shrinks, bilinear while it grows."""
    if image.shape[:2] == (size, size):
        return image
    shrinks = min(image.shape[:2]) > size
    return cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def estimate_training_foreground(photo: AnyArray, matte: AnyArray) -> AnyArray:
    """The person's own colours, where the photo shows them mixed with the background and a little beyond.

    Blur-fusion in two passes (Forte, "Approximate Fast Foreground Colour Estimation", ICIP 2021, eq. 4-6), with
    radii in proportion to the image. Here the first, wide pass averages almost pure colours only: it weighs with
    the eighth power of alpha. Of one flat colour before another, a fifth of the error is left. Inside the person the
    colours are the photo's.

    It differs from `mmnet.runtime.estimate_foreground`, which is made for speed at the photo's size and leaves pixels
    of alpha 0 as they are: augmentation blends photos of a few hundred pixels at other sizes and angles, so colours are
    needed beyond the edge as well. Training data depends on these bytes.

    Args:
        photo: uint8 [H, W, 3].
        matte: uint8 [H, W].

    Returns:
        uint8 [H, W, 3].
    """
    side = max(matte.shape)
    image, alpha = photo.astype(np.float32), matte.astype(np.float32)[..., None] / np.float32(255)
    foreground = background = image
    for radius, power in ((side // 6, 8), (max(1, side // 160), 1)):
        box = (2 * radius + 1, 2 * radius + 1)
        near = _local_mean(foreground, alpha**power, box)
        background = _local_mean(background, (1 - alpha) ** power, box)
        foreground = (near + alpha * (image - alpha * near - (1 - alpha) * background)).clip(0, 255)
    return np.asarray(np.rint(foreground), np.uint8)


def _local_mean(colours: AnyArray, weight: AnyArray, box: tuple[int, int]) -> AnyArray:
    mean: AnyArray = cv2.blur(colours * weight, box) / (cv2.blur(weight, box)[..., None] + np.float32(1e-5))
    return mean


class _Draw:
    """Chances and values by their name in the table."""

    def __init__(self, random: Random, table: Augmentation) -> None:
        self.random = random
        self._table = table

    def happens(self, name: str) -> bool:
        return bool(self.random.random() < getattr(self._table, name))

    def value(self, name: str, strength: float = 1.0) -> float:
        """From the range; `strength` draws it towards what changes nothing (0, or 1 for a factor)."""
        low, high = getattr(self._table, name)
        if _is_logarithmic(name):
            return math.exp(strength * self.random.uniform(math.log(low), math.log(high)))
        neutral = 1.0 if name == "saturation" else 0.0
        return float(neutral + strength * (self.random.uniform(low, high) - neutral))

    @property
    def layer_strength(self) -> float:
        return self._table.layer_strength


# --- geometry ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """A frame laid over an image: an affine map from unit coordinates of the image to those of the frame.

    Attributes:
        matrix: float64 [2, 3]; both coordinate systems run from 0 to 1, x to the right, y downwards.
        extended: left, top, right, bottom: whether the image goes on beyond that edge (mirrored).
    """

    matrix: NDArray[np.float64]
    extended: tuple[bool, bool, bool, bool] = (True, True, True, True)

    def apply(self, image: AnyArray, size: int) -> AnyArray:
        """What the frame shows of `image` [P, P] or [P, P, 3]: one bilinear warp, mirrored beyond the edges."""
        # Bilinear sampling takes two pixels a side: enough until the image shrinks to less than half.
        shrink = image.shape[0] / (size * math.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
        while shrink >= 2:
            half = max(1, image.shape[0] // 2)
            image, shrink = cv2.resize(image, (half, half), interpolation=cv2.INTER_AREA), shrink / 2
        matrix = self.matrix.copy()
        matrix[:, :2] *= size / image.shape[0]
        matrix[:, 2] = matrix[:, 2] * size + matrix[:, :2].sum(axis=1) / 2 - 0.5  # pixels have their centres at .5
        return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)

    def inside(self, size: int) -> AnyArray:
        """Where the frame shows the image or its extension: uint8 [size, size], 255 inside."""
        left, top, right, bottom = ((-1.0 if on else 0.0) for on in self.extended)
        corners = np.array([(left, top), (1 - right, top), (1 - right, 1 - bottom), (left, 1 - bottom)])
        corners = (corners @ self.matrix[:, :2].T + self.matrix[:, 2]) * size - 0.5
        mask = np.zeros((size, size), np.uint8)
        cv2.fillConvexPoly(mask, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
        return mask


def _choose_view(sample: Sample, draw: _Draw, replaced: bool) -> View:
    """A frame whose edges do not show where the photo ends.

    With its own background that is inside the photo, but for what a rotation brings in at the corners. With another
    background only those edges count that cut the person.
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
    angle = math.radians(draw.value("rotation")) if draw.happens("rotate") else 0.0
    mirror = -1.0 if draw.happens("flip") else 1.0
    cosine, sine = math.cos(angle), math.sin(angle)
    to_frame = np.array([[mirror / width, 0], [0, 1 / height]]) @ np.array([[cosine, -sine], [sine, cosine]])
    linear = to_frame @ np.diag([wide, 1.0])  # from unit coordinates
    centre = np.array([x / wide + 0.5, y + 0.5])
    return View(np.column_stack([linear, 0.5 - linear @ centre]), held)


def _centre(shift: float, photo: float, frame: float, low_held: bool, high_held: bool) -> float:
    """The frame's centre, relative to the photo's, moved so that held edges of the photo lie outside of it."""
    slack = (photo - frame) / 2
    if low_held:
        shift = max(shift, -slack)
    if high_held:
        shift = min(shift, slack)
    return shift


def cut_edges(matte: AnyArray) -> tuple[bool, bool, bool, bool]:
    """Which edges (left, top, right, bottom) of a matte, uint8 [H, W], cut the person: a fiftieth or more shows it."""
    left, top, right, bottom = (
        float(edge.mean()) > 255 / 50 for edge in (matte[:, 0], matte[0], matte[:, -1], matte[-1])
    )
    return left, top, right, bottom


# --- background -------------------------------------------------------------------------------------------------


def _colours(sample: Sample) -> AnyArray:
    return sample.photo if sample.foreground is None else sample.foreground


def _background(size: int, draw: _Draw, backgrounds: Sequence[AnyArray] | AnyArray) -> AnyArray:
    if not len(backgrounds) or draw.happens("plain"):
        return _plain(size, draw.random)
    image = _crop(backgrounds[int(draw.random.integers(len(backgrounds)))], size, draw.random)
    return _soften(image, draw.value("soften_radius"), size) if draw.happens("soften") else image


def _plain(size: int, random: Random) -> AnyArray:
    """A wall in uneven light: one colour, or a smooth play of a few that are alike."""
    cells = int(random.integers(1, 5))
    base = random.uniform(0, 255, 3) * random.uniform(0.3, 1) + random.uniform(0, 60)
    colours = base + random.normal(0, random.uniform(0, 30), (cells, cells, 1)) + random.normal(0, 6, (cells, cells, 3))
    return cv2.resize(colours.clip(0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC)


def _crop(background: AnyArray, size: int, random: Random) -> AnyArray:
    """A random part of a background, perhaps mirrored."""
    side = len(background)
    height, width = (round(side * part) for part in random.uniform(0.55, 1, 2))
    top, left = random.integers(0, side - height + 1), random.integers(0, side - width + 1)
    part = background[top : top + height, left : left + width]
    part = cv2.resize(
        part, (size, size), interpolation=cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    )
    return np.asarray(cv2.flip(part, 1)) if random.random() < 0.5 else part


def _soften(image: AnyArray, radius: float, size: int) -> AnyArray:
    box = 2 * max(1, round(radius * size / 256)) + 1
    blurred: AnyArray = cv2.blur(cv2.blur(image, (box, box)), (box, box))
    return blurred


def _blur_behind(image: AnyArray, matte: AnyArray, size: int, draw: _Draw) -> AnyArray:
    """The photo's own background, blurred without the person's colours running into it."""
    weight = (255 - matte).astype(np.float32)[..., None] + 1
    layers = _soften(np.concatenate([image * weight, weight], axis=2), draw.value("soften_radius"), size)
    return np.asarray(cv2.convertScaleAbs(layers[..., :3] / layers[..., 3:]))


def _lerp(behind: AnyArray, front: AnyArray, matte: AnyArray) -> AnyArray:
    """front·alpha + behind·(1 − alpha), in bytes; each product is rounded."""
    alpha = cv2.merge([matte] * 3)
    return cv2.add(
        cv2.multiply(front, alpha, scale=1 / 255), cv2.multiply(behind, cv2.bitwise_not(alpha), scale=1 / 255)
    )


def _occlude(
    image: AnyArray, matte: AnyArray, draw: _Draw, backgrounds: Sequence[AnyArray] | AnyArray
) -> tuple[AnyArray, AnyArray]:
    """Something in front of the person: a rectangle, an ellipse or a ragged blob, filled with other image."""
    size, random = len(matte), draw.random
    texture = _background(size, draw, backgrounds)
    rows, columns = np.nonzero(matte[::8, ::8] > 127)
    at = int(random.integers(len(rows))) if len(rows) else 0
    middle = (columns[at] * 8, rows[at] * 8) if len(rows) else (size // 2, size // 2)
    radius, flat = draw.value("occluder_size") * size, random.uniform(0.4, 1)
    corners = int(random.choice([4, 24, 9]))
    angles = np.arange(corners) * (2 * math.pi / corners) + random.uniform(0, 2 * math.pi)
    ragged = random.uniform(0.6, 1.3, corners) if corners == 9 else np.ones(corners)
    turn = random.uniform(0, math.pi)
    along, across = np.cos(angles) * ragged * radius, np.sin(angles) * ragged * radius * flat
    outline = np.column_stack(
        [along * math.cos(turn) - across * math.sin(turn), along * math.sin(turn) + across * math.cos(turn)]
    )
    mask = np.zeros_like(matte)
    cv2.fillPoly(mask, [np.rint((outline + middle) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return _lerp(image, texture, mask), cv2.multiply(matte, cv2.bitwise_not(mask), scale=1 / 255)


# --- colour -----------------------------------------------------------------------------------------------------


def _grade_layer(image: AnyArray, draw: _Draw) -> AnyArray:
    return _grade(image, draw, draw.layer_strength)


def _grade(image: AnyArray, draw: _Draw, strength: float = 1.0) -> AnyArray:
    """Brightness, contrast, gamma and white balance as one table a channel; saturation and hue as one matrix."""
    tone = np.linspace(0, 1, 256) ** draw.value("gamma", strength)
    tone = (tone - 0.5) * draw.value("contrast", strength) + 0.5 + draw.value("brightness", strength)
    warm = draw.value("balance", strength)
    table = np.rint(np.outer(tone.clip(0, 1), (255 * warm, 255, 255 / warm)).clip(0, 255)).astype(np.uint8)
    graded = cv2.LUT(image, table[None])
    return cv2.transform(graded, _colour_matrix(draw.value("saturation", strength), draw.value("hue", strength)))


_LUMA = np.array([0.299, 0.587, 0.114])  # BT.601
_YIQ = np.array([[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]])
_RGB_OF_YIQ = np.linalg.inv(_YIQ)


def _colour_matrix(saturation: float, degrees: float) -> F32Array:
    """Turns and stretches the chroma plane of YIQ; greys stay as they are."""
    cosine, sine = (saturation * turn(math.radians(degrees)) for turn in (math.cos, math.sin))
    chroma = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return np.asarray(_RGB_OF_YIQ @ chroma @ _YIQ, np.float32)


# --- the camera -------------------------------------------------------------------------------------------------


def _photograph(image: AnyArray, matte: AnyArray, draw: _Draw) -> tuple[AnyArray, AnyArray]:
    """Light, colours, blur, resolution, noise and compression, in the order in which a camera adds them."""
    size = len(image)
    if draw.happens("light"):
        gains = [[[draw.value("light_gain")] for _ in range(3)] for _ in range(3)]
        field = cv2.resize(np.array(gains, np.float32), (size, size), interpolation=cv2.INTER_LINEAR)
        image = cv2.multiply(image, cv2.merge([cv2.convertScaleAbs(field, alpha=128)] * 3), scale=1 / 128)
    if draw.happens("grade"):
        image = _grade(image, draw)
    if draw.happens("grey"):
        image = cv2.transform(image, np.array([_LUMA] * 3, np.float32))
    if draw.happens("defocus"):
        sigma = draw.value("defocus_sigma") * size / 256
        image, matte = (cv2.GaussianBlur(layer, (0, 0), sigma) for layer in (image, matte))
    if draw.happens("motion"):
        kernel = _motion_kernel(draw.value("motion_length") * size / 256, draw.random.uniform(0, math.pi))
        image, matte = (cv2.filter2D(layer, -1, kernel) for layer in (image, matte))
    if draw.happens("resample"):
        small = max(1, round(size * draw.value("resample_scale")))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    if draw.happens("noise"):
        image = _add_noise(image, draw.value("noise_sigma"), draw.random)
    if draw.happens("jpeg"):
        quality = [cv2.IMWRITE_JPEG_QUALITY, round(draw.value("jpeg_quality"))]
        encoded = cv2.imencode(".jpg", image[..., ::-1], quality)[1]
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB))
    return image, matte


def _motion_kernel(length: float, angle: float) -> F32Array:
    """A line of this length through the middle of a small square, summing to 1."""
    half = max(1, math.ceil(length / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    reach = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    ends = [tuple(int(v) for v in np.rint((half + sign * reach) * 16)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_8, 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _add_noise(image: AnyArray, sigma: float, random: Random) -> AnyArray:
    """Sensor noise: half read noise, half shot noise (its variance grows with the light); grains of 1 or 2 pixels."""
    height, width = image.shape[:2]
    coarse = random.random() < 0.5
    grain: AnyArray = _normals(((height + 1) // 2, (width + 1) // 2, 3) if coarse else (height, width, 3), random)
    if coarse:
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    shot = np.sqrt((0.5 + np.arange(256) / 255) * sigma**2).astype(np.float32)
    return cv2.add(image, cv2.multiply(grain, cv2.LUT(image, shot)), dtype=cv2.CV_8U)


def _normals(shape: tuple[int, ...], random: Random) -> F32Array:
    """Normal deviates: a random stretch of a fixed table, for drawing them afresh costs more than all the rest."""
    count = math.prod(shape)
    table = _normal_table(max(1 << 20, count))
    start = int(random.integers(len(table) - count + 1))
    return table[start : start + count].reshape(shape)


@functools.lru_cache(maxsize=2)
def _normal_table(count: int) -> F32Array:
    return np.random.default_rng(2019).standard_normal(count, np.float32)
