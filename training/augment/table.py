"""The table of the strong augmentation: probabilities and ranges, and the draws from them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from mmnet.errors import MMNetError

Random = np.random.Generator
Range = tuple[float, float]


class AugmentationError(MMNetError):
    """A table of augmentations is not valid or cannot be read."""


@dataclass(frozen=True)
class Augmentation:
    """The table of the strong augmentation: a single number is a probability, a pair is a range to draw from.

    Attributes:
        flip: probability of mirroring left and right.
        scale: magnification; at 1 the photo fills the frame.
        close, close_scale: probability and magnification of a nearer view, in which the frame cuts the person.
        small_scale: magnification where the background is replaced; there the person may be small.
        aspect: width / height of the frame relative to the photo's, which is how far the person is stretched.
        framed, framed_cutouts: probability of a frame around the people with a margin, as the runtime's second pass
            crops them, in photos and in cut-outs; it takes the place of the magnifications, `aspect` and `shift`.
        rotate, rotation: probability, and the angle in degrees.
        shift: of the frame, as a fraction of its side.
        replace: probability of compositing the person over another background.
        plain: fraction of the replaced backgrounds that are a smooth gradient of colours instead of a photo.
        soften, soften_radius: probability and radius of a blur of the background alone, as from a wide aperture.
        layers: probability that person and background are graded differently.
        layer_strength: fraction of the colour ranges below that the grading of one layer takes.
        grade: probability of grading the whole image.
        brightness: added, as a fraction of the whole range of values.
        contrast: factor, around middle grey.
        gamma: exponent.
        balance: gain of red, whose inverse is the gain of blue (white balance).
        saturation: factor; 0 gives grey.
        hue: angle in degrees.
        grey: probability of a black and white image.
        light, light_gain: probability of uneven light; gains at 3×3 points, interpolated between them.
        occlude, occluder_size: probability of an object in front of the person; its radius as a fraction of the side.
        defocus, defocus_sigma: probability and sigma of a blur of image and matte.
        motion, motion_length: probability and length of a blur of image and matte along a line.
        resample, resample_scale: probability and scale of a loss of resolution of the image alone.
        noise, noise_sigma: probability, and the standard deviation in the mid-tones, of 255.
        jpeg, jpeg_quality: probability and quality of a JPEG compression.

    Raises:
        AugmentationError: a probability lies outside [0, 1], or a pair is not a range.
    """

    flip: float = 0.5
    scale: Range = (1.0, 1.4)
    close: float = 0.08
    close_scale: Range = (1.4, 1.9)
    small_scale: Range = (0.45, 1.3)
    aspect: Range = (0.75, 1.33)
    framed: float = 0.0
    framed_cutouts: float = 0.0
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
        """Return the table as plain JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: object) -> Augmentation:
        """Read a table from JSON values, the inverse of `to_json`. A name that is left out keeps its default.

        Raises:
            AugmentationError: `values` is not a mapping, a name is unknown, or a value is out of range.
        """
        if not isinstance(values, dict):
            raise AugmentationError(
                f"augmentation: the table is a {type(values).__name__}; give a mapping of names to values"
            )
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise AugmentationError(f"augmentation: {name!r} is unknown; known are {', '.join(sorted(known))}")
        fitting: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**fitting)


# What a training image goes through: the strong augmentation by its table, the paper's, or resizing alone.
AugmentationChoice = Augmentation | Literal["published"] | None

# Ranges of factors are drawn from on a logarithmic scale.
_LOGARITHMIC = ("scale", "close_scale", "small_scale", "aspect", "contrast", "gamma", "balance", "resample_scale")


def _is_logarithmic(name: str) -> bool:
    return name in _LOGARITHMIC


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


class Draw:
    """Random decisions and values, looked up in the table by their names."""

    def __init__(self, random: Random, table: Augmentation) -> None:
        self.random = random
        self._table = table

    def happens(self, name: str) -> bool:
        """Whether the event whose probability has this name happens."""
        return bool(self.random.random() < getattr(self._table, name))

    def frames(self, is_cutout: bool) -> bool:
        """Whether the people of a cut-out or of a photo are framed; at probability 0 no random value is drawn."""
        name = "framed_cutouts" if is_cutout else "framed"
        return getattr(self._table, name) > 0 and self.happens(name)

    def value(self, name: str, strength: float = 1.0) -> float:
        """Return a value from the range of this name.

        Args:
            name: of a range in the table.
            strength: 0-1; below 1 the value is moved towards the one that changes nothing (0, or 1 for a factor).
        """
        low, high = getattr(self._table, name)
        if _is_logarithmic(name):
            return math.exp(strength * self.random.uniform(math.log(low), math.log(high)))
        neutral = 1.0 if name == "saturation" else 0.0
        return float(neutral + strength * (self.random.uniform(low, high) - neutral))

    @property
    def layer_strength(self) -> float:
        """The strength with which one layer is graded."""
        return self._table.layer_strength
