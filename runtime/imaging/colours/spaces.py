"""`ColourSpace`: curves and a matrix that lead from stored values to the colours of the profile connection space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Curve = Callable[[Values], Values]  # stored values in 0-1 -> linear light in 0-1

D50 = np.array([0.9642, 1.0, 0.8249])  # of the profile connection space (ICC.1, 7.2.16)
# Cone responses of the Bradford adaptation, the one that ICC profiles use (ICC.1, annex E).
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D65_WHITE = (0.3127, 0.3290)

Chromaticities = tuple[float, ...]  # x and y of white, red, green, blue


class ColourError(ValueError):
    """Colours that cannot be brought to sRGB; the message says why and what to do, without the file."""


@dataclass(frozen=True)
class ColourSpace:
    """The colour space of an image.

    Attributes:
        curves: one per channel, three for RGB, one for grey.
        matrix: linear RGB -> XYZ relative to D50, float64 [3, 3]; None for grey.
    """

    curves: tuple[Curve, ...]
    matrix: Values | None


def srgb_curve(stored: Values) -> Values:
    """Return the linear light of stored sRGB values (IEC 61966-2-1)."""
    return np.where(stored <= 0.04045, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


def srgb_stored(linear: Values) -> Values:
    """Return the stored sRGB values of linear light in 0-1, the inverse of `srgb_curve`."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def power_curve(gamma: float) -> Curve:
    """Return the curve whose linear light is stored ** gamma."""
    return lambda stored: stored**gamma


def from_primaries(chromaticities: Chromaticities, curve: Curve) -> ColourSpace:
    """Return the RGB space of a white point and three primaries, adapted to D50.

    Raises:
        ColourError: the primaries span no space.
    """
    points = [_xyz(*chromaticities[at : at + 2]) for at in (0, 2, 4, 6)]
    white, primaries = points[0], np.array(points[1:]).T
    if abs(np.linalg.det(primaries)) < 1e-6:
        raise ColourError("has impossible primaries in its header; save it in sRGB")
    matrix = primaries * np.linalg.solve(primaries, white)
    adapted = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ D50) / (_BRADFORD @ white)) @ _BRADFORD @ matrix
    return ColourSpace((curve,) * 3, adapted)


def _xyz(x: float, y: float) -> Values:
    if y <= 0:
        raise ColourError("has impossible primaries in its header; save it in sRGB")
    return np.array([x / y, 1.0, (1 - x - y) / y])


SRGB_PRIMARIES: Chromaticities = (*_D65_WHITE, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
P3_PRIMARIES: Chromaticities = (*_D65_WHITE, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060)
BT2020_PRIMARIES: Chromaticities = (*_D65_WHITE, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046)
_ADOBE_PRIMARIES: Chromaticities = (*_D65_WHITE, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)

SRGB = from_primaries(SRGB_PRIMARIES, srgb_curve)
ADOBE_RGB = from_primaries(_ADOBE_PRIMARIES, power_curve(563 / 256))  # Adobe RGB (1998), 4.3.1
