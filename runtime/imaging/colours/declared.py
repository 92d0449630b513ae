"""`DeclaredColours`: what a file says of its colours, and the colour space that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

from mmnet.runtime.imaging.colours.icc import read_profile
from mmnet.runtime.imaging.colours.spaces import (
    ADOBE_RGB,
    BT2020_PRIMARIES,
    P3_PRIMARIES,
    SRGB_PRIMARIES,
    Chromaticities,
    ColourError,
    ColourSpace,
    Curve,
    from_primaries,
    power_curve,
    srgb_curve,
)

_SRGB_GAMMA, _GAMMA_TOLERANCE = 1 / 2.2, 0.002  # how PNG writes the curve of sRGB
# Codes of ITU-T H.273.
_PRIMARIES = {1: SRGB_PRIMARIES, 9: BT2020_PRIMARIES, 12: P3_PRIMARIES}
_CURVES = {4: power_curve(2.2), 8: power_curve(1.0), 13: srgb_curve}
_HDR = (16, 18)  # PQ and HLG


@dataclass(frozen=True)
class DeclaredColours:
    """The colours that a file declares; the first of these that it has is valid.

    Attributes:
        codes: primaries, transfer, matrix and range as codes of ITU-T H.273 (PNG's cICP).
        icc: an ICC profile.
        is_srgb: whether the file says that it is sRGB.
        gamma: exponent with which linear light was stored (PNG's gAMA).
        chromaticities: x and y of white, red, green and blue (PNG's cHRM).
        is_adobe_rgb: whether it is Adobe RGB, as cameras write into EXIF.
    """

    codes: tuple[int, ...] | None = None
    icc: bytes = b""
    is_srgb: bool = False
    gamma: float | None = None
    chromaticities: Chromaticities | None = None
    is_adobe_rgb: bool = False

    def space(self) -> ColourSpace | None:
        """Return the colour space; None if it is sRGB, or if the file says nothing, which means sRGB.

        Raises:
            ColourError: the declaration is not understood, or the colours are HDR.
        """
        if self.codes is not None:
            return self._coded(self.codes)
        if self.icc:
            return read_profile(self.icc)
        if self.is_srgb:
            return None
        if self.gamma is not None or self.chromaticities is not None:
            curve: Curve = srgb_curve
            if self.gamma and abs(self.gamma - _SRGB_GAMMA) > _GAMMA_TOLERANCE:
                curve = power_curve(1 / self.gamma)
            return from_primaries(self.chromaticities or SRGB_PRIMARIES, curve)
        return ADOBE_RGB if self.is_adobe_rgb else None

    @staticmethod
    def _coded(codes: tuple[int, ...]) -> ColourSpace:
        primaries, transfer, matrix, full_range = codes
        if transfer in _HDR:
            raise ColourError("is an HDR image; save it in sRGB")
        if primaries not in _PRIMARIES or transfer not in _CURVES or matrix != 0 or full_range != 1:
            raise ColourError(f"has colours of the codes {codes}, which are not read; save it in sRGB")
        return from_primaries(_PRIMARIES[primaries], _CURVES[transfer])


NOTHING_DECLARED = DeclaredColours()
