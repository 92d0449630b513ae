"""The full resolution: what happens to the network's small alpha at the size of the photo.

- `upsampling` brings the alpha to the photo's size, guided by the photo or bilinearly.
- `foreground` estimates the foreground's own colours.
- `compositing` makes cut-outs and composites, and parses what `--background` means.
- `rendering` renders one of the kinds of results: the alpha itself, a cut-out, a composite.
- `alpha` holds `AlphaU8`, which hands an alpha from one to the next with the tiles of its edge.

`kernels` chooses between two implementations with the same bytes: `compiled` (the core in C) and `reference` (NumPy).
docs/internals/full-resolution.md explains the methods and what they cost. Other packages import the names listed here;
the rest is internal.
"""

from typing import TYPE_CHECKING

from mmnet.lazy_names import lazy_names

if TYPE_CHECKING:
    from mmnet.runtime.fullres.alpha import AlphaU8, AnyAlpha, alpha_u8_of, to_alpha_bytes
    from mmnet.runtime.fullres.compositing import (
        BLUR,
        COLOURS,
        TRANSPARENT,
        Background,
        BackgroundError,
        composite,
        cover,
        cutout,
        gaussian_blurred_background,
        parse_background,
        plain,
    )
    from mmnet.runtime.fullres.foreground import estimate_foreground
    from mmnet.runtime.fullres.kernels import is_compiled
    from mmnet.runtime.fullres.methods import Upsampling, UpsamplingError, choose_upsampling
    from mmnet.runtime.fullres.upsampling import resize_alpha, upsample, upsample_alpha
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "mmnet.runtime.fullres.alpha": ("AlphaU8", "AnyAlpha", "alpha_u8_of", "to_alpha_bytes"),
            "mmnet.runtime.fullres.compositing": (
                "BLUR",
                "COLOURS",
                "TRANSPARENT",
                "Background",
                "BackgroundError",
                "composite",
                "cover",
                "cutout",
                "gaussian_blurred_background",
                "parse_background",
                "plain",
            ),
            "mmnet.runtime.fullres.foreground": ("estimate_foreground",),
            "mmnet.runtime.fullres.kernels": ("is_compiled",),
            "mmnet.runtime.fullres.methods": ("Upsampling", "UpsamplingError", "choose_upsampling"),
            "mmnet.runtime.fullres.upsampling": ("resize_alpha", "upsample", "upsample_alpha"),
        },
    )

__all__ = [
    "BLUR",
    "COLOURS",
    "TRANSPARENT",
    "AlphaU8",
    "AnyAlpha",
    "Background",
    "BackgroundError",
    "Upsampling",
    "UpsamplingError",
    "alpha_u8_of",
    "choose_upsampling",
    "composite",
    "cover",
    "cutout",
    "estimate_foreground",
    "gaussian_blurred_background",
    "is_compiled",
    "parse_background",
    "plain",
    "resize_alpha",
    "to_alpha_bytes",
    "upsample",
    "upsample_alpha",
]
