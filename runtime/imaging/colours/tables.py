"""ICC profiles made of tables, as those of scanners and of some editors: LittleCMS applies them, through Pillow."""

from __future__ import annotations

import io
from importlib.util import find_spec

import numpy as np

from mmnet.arrays import AnyArray
from mmnet.runtime.imaging.colours.spaces import ColourError

_ADVICE = "convert it to sRGB and save it again"


class TableTransform:
    """The transform from an RGB profile of tables to sRGB, relative colorimetric, with 8 bits per channel."""

    def __init__(self, profile: bytes) -> None:
        """Build the transform.

        Raises:
            ColourError: Pillow is not installed, or the profile is damaged.
        """
        if find_spec("PIL") is None:
            raise ColourError(
                "has a colour profile of tables, which is not read without Pillow; the extra photos brings it: pip "
                f"install '.[photos]'; or {_ADVICE}"
            )
        try:
            from PIL import ImageCms

            self._transform = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                "RGB",
                "RGB",
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            )
        except (ImportError, OSError, TypeError, ValueError, ImageCms.PyCMSError) as error:
            raise ColourError(f"has a damaged colour profile; {_ADVICE}") from error

    def __call__(self, pixels: AnyArray) -> AnyArray:
        """Convert pixels.

        Args:
            pixels: uint8 or uint16 [H, W, 1] (grey) or [H, W, 3] (RGB).

        Returns:
            sRGB [H, W, 3] of the same type; of uint16, 8 bits are left.
        """
        from PIL import Image, ImageCms

        deep = pixels.dtype == np.uint16
        levels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8) if deep else pixels
        image = Image.fromarray(np.ascontiguousarray(np.broadcast_to(levels, (*levels.shape[:2], 3))))
        ImageCms.applyTransform(image, self._transform, inPlace=True)
        converted = np.asarray(image)
        return converted.astype(np.uint16) * 257 if deep else converted
