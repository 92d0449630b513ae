"""Images in the forms in which callers have them (arrays, paths, images of Pillow), brought to uint8 RGB."""

from __future__ import annotations

import os
import sys
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmnet.arrays import AnyArray, F32Array, U8Array
from mmnet.runtime.imaging.colours import DeclaredColours
from mmnet.runtime.imaging.photos import read_photo
from mmnet.runtime.imaging.preprocess import ImageError, check_rgb_bytes
from mmnet.runtime.imaging.stored import PhotoError, StoredImage


class PillowImage(Protocol):
    """A `PIL.Image.Image`; Pillow is not needed, but its images are accepted."""

    mode: str

    def convert(self, mode: str) -> PillowImage:
        """Return the image in another mode."""


Image = U8Array | F32Array | NDArray[np.float64] | str | os.PathLike[str] | PillowImage


def as_bytes(image: Image) -> U8Array:
    """Return an image as uint8 [H, W, 3], RGB.

    Args:
        image: an array [H, W, 3], RGB: uint8 as it is, float32 or float64 in 0-1 as round(255 · value). A path: the
            photo, as `read_photo` reads it. An image of Pillow: its pixels as they are stored (Pillow's
            `ImageOps.exif_transpose` turns a photo upright), 16 bits rounded to 8, grey as RGB, transparent pixels
            composited over white, its colour profile brought to sRGB.

    Raises:
        ImageError: another type, shape, dtype or mode; not finite; outside 0-1; a colour profile that is not read.
        PhotoError: there is no readable photo at the path.
    """
    if isinstance(image, str | os.PathLike):
        return read_photo(os.fspath(image))
    if _is_pillow(image):
        return _pillow_bytes(image)
    if not isinstance(image, np.ndarray):
        raise ImageError(f"the image is a {type(image).__name__}; give {_WANTED}")
    if image.dtype not in (np.float32, np.float64):
        return check_rgb_bytes(image)
    values: AnyArray = image
    if values.size:
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise ImageError("the image has values that are not finite (NaN or infinity)")
        if low < 0 or high > 1:
            raise ImageError(f"the image has values from {low:g} to {high:g}; a float image lies in 0-1")
    return check_rgb_bytes(np.rint(values * 255).astype(np.uint8))


_WANTED = "a NumPy array [H, W, 3], RGB, the path of a photo, or an image of Pillow"
# Modes of Pillow that its own conversion brings to RGB or RGBA without loss of range.
_OPAQUE = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"})
_TRANSPARENT = frozenset({"LA", "PA", "RGBA", "RGBa"})


def _is_pillow(image: object) -> bool:
    """Whether this is an image of Pillow, which has been imported if there is one."""
    module: Any = sys.modules.get("PIL.Image")
    return module is not None and isinstance(image, module.Image)


def _pillow_bytes(image: Any) -> U8Array:
    """Return an image of Pillow in sRGB, composited over white; its mode says how its pixels are stored."""
    mode: str = image.mode
    alpha: AnyArray | None = None
    if mode.startswith("I;16"):
        colour = np.asarray(image).astype(np.uint16)[..., None]
    elif mode in _TRANSPARENT or (mode in _OPAQUE and "transparency" in image.info):
        pixels = np.asarray(image.convert("RGBA"))
        colour, alpha = pixels[..., :3], pixels[..., 3]
    elif mode in _OPAQUE:
        colour = np.asarray(image.convert("RGB"))
    else:
        raise ImageError(f"the image of Pillow has mode {mode}; give image.convert('RGB')")
    profile: bytes = image.info.get("icc_profile") or b""
    if not colour.size:
        return check_rgb_bytes(colour)
    try:
        return check_rgb_bytes(StoredImage(colour, alpha, colours=DeclaredColours(icc=profile)).over_white())
    except PhotoError as error:
        raise ImageError(f"the image of Pillow {str(error).removeprefix('.: ')}") from error
