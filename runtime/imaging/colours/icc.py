"""ICC profiles (ICC.1:2022, versions 2 and 4) of the kinds that cameras, phones and editors write into photos."""

from __future__ import annotations

import struct

import numpy as np

from mmnet.runtime.imaging.colours.spaces import ColourError, ColourSpace, Curve, Values, power_curve

MOST_PROFILE_BYTES = 1 << 24
DAMAGED_PROFILE = b"?"  # stands for a profile that could not be taken out of its file
_HEADER, _MOST_TAGS = 128, 200
_TABLES = (b"A2B0", b"A2B1", b"A2B2")  # from the device to the profile connection space, one per rendering intent
_ADVICE = "convert it to sRGB and save it again"


class TablesError(ColourError):
    """A profile of tables, which another library applies."""


def read_profile(profile: bytes) -> ColourSpace:
    """Read the colour space of a profile: curves and a matrix (RGB), or one curve (grey).

    Raises:
        TablesError: the profile is made of tables, as those of scanners are.
        ColourError: the profile is damaged, or for another kind of image.
    """
    try:
        tags, space = _tags(profile), profile[16:20]
        if space == b"GRAY" and b"kTRC" in tags:
            curve = _curve(tags[b"kTRC"])
            return ColourSpace((_lightness(curve) if profile[20:24] == b"Lab " else curve,), None)
        wanted = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"]
        if space == b"RGB " and profile[20:24] == b"XYZ " and all(tag in tags for tag in wanted):
            columns = [_xyz(tags[tag]) for tag in wanted[:3]]
            return ColourSpace(tuple(_curve(tags[tag]) for tag in wanted[3:]), np.array(columns).T)
    except (struct.error, IndexError, ValueError, ArithmeticError) as error:
        raise ColourError(f"has a damaged colour profile; {_ADVICE}") from error
    if space not in (b"RGB ", b"GRAY"):
        kind = space.decode("latin-1").strip()
        raise ColourError(f"has a colour profile for {kind if kind.isalnum() else 'other'} images; {_ADVICE}")
    if space == b"RGB " and any(tag in tags for tag in _TABLES):
        raise TablesError(f"has a colour profile of tables, which is not read; {_ADVICE}")
    raise ColourError(f"has a colour profile of a kind that is not read; {_ADVICE}")


def _tags(profile: bytes) -> dict[bytes, bytes]:
    if profile[36:40] != b"acsp":
        raise ValueError("no profile")
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MOST_TAGS:
        raise ValueError("too many tags")
    tags = {}
    for number in range(count):
        name, at, size = struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * number)
        tags[name] = profile[at : at + size]
    return tags


def _xyz(tag: bytes) -> Values:
    if tag[:4] != b"XYZ ":
        raise ValueError("no XYZ")
    return np.array(struct.unpack_from(">3i", tag, 8)) / 65536


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        return _parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError("no curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return power_curve(1.0)
    if count == 1:
        return power_curve(struct.unpack_from(">H", tag, 12)[0] / 256)
    table = np.frombuffer(tag, ">u2", count, 12).astype(np.float64) / 65535
    places = np.linspace(0, 1, count)
    return lambda stored: np.asarray(np.interp(stored, places, table), np.float64)


def _lightness(curve: Curve) -> Curve:
    """Return the curve to linear light of one that leads to lightness, L* / 100 (CIE 15, 8.2.1)."""

    def linear(stored: Values) -> Values:
        root = (100 * curve(stored) + 16) / 116
        return np.asarray(np.where(root > 6 / 29, root**3, (root - 4 / 29) * 3 * (6 / 29) ** 2), np.float64)

    return linear


def _parametric(tag: bytes) -> Curve:
    """Return the curve of a `parametricCurveType` (10.18): y = (a·x + b)^g + c from d on, e·x + f below."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers: list[float] = [value / 65536 for value in struct.unpack_from(f">{(1, 3, 4, 5, 7)[kind]}i", tag, 12)]
    gamma, (a, b) = numbers[0], (numbers[1:3] if kind else (1.0, 0.0))
    slope, above, below = 0.0, 0.0, 0.0
    start = -b / a if kind in (1, 2) else 0.0
    if kind == 2:
        above = below = numbers[3]
    elif kind >= 3:
        slope, start = numbers[3:5]
        above, below = numbers[5:7] if kind == 4 else (0.0, 0.0)

    def curve(stored: Values) -> Values:
        raised = np.maximum(a * stored + b, 0) ** gamma + above
        return np.asarray(np.where(stored >= start, raised, slope * stored + below).clip(0, 1), np.float64)

    return curve
