"""Images: photo files and camera frames become arrays, and arrays become the network's input and back.

- `photos` reads photo files: upright, 8 bits, RGB; the package `headers` reads their headers first.
- `mattes` reads files of alpha mattes and of masks.
- `frames` converts camera frames (YUV) and turns them upright.
- `fit` and `preprocess` bring an image into the network's square, and its alpha back to the image; `resampling` scales.
- `framing` finds the crops around the people that an alpha shows; `tracking` lets one crop follow them through a video.
- `blurred_background` blurs the background of a camera frame.

Everything but reading files is computed in integers, as docs/internals/preprocessing.md specifies it, so that Python,
Java and JavaScript give the same bytes. Other packages import the names listed here; the rest is internal.
"""

from typing import TYPE_CHECKING

from mmnet.lazy_names import lazy_names

if TYPE_CHECKING:
    from mmnet.runtime.imaging.blurred_background import box_blurred_background
    from mmnet.runtime.imaging.fit import DEFAULT_FIT, Fit, FitError, Placement, Rectangle, choose_fit, place
    from mmnet.runtime.imaging.frames import ROTATIONS, Orientation, Plane, YuvFrame
    from mmnet.runtime.imaging.framing import find_crops
    from mmnet.runtime.imaging.mattes import MatteFault, MatteFileError, check_scale, read_mask, read_matte
    from mmnet.runtime.imaging.photos import (
        PHOTO_EXTENSIONS,
        decode_photo,
        list_files,
        list_photos,
        read_photo,
        read_stored,
    )
    from mmnet.runtime.imaging.preprocess import (
        ImageError,
        alpha_to_image,
        check_rgb_bytes,
        fill_square,
        place_alpha,
        to_model_input,
    )
    from mmnet.runtime.imaging.resampling import resample
    from mmnet.runtime.imaging.stored import PhotoError, StoredImage, to_8_bits
    from mmnet.runtime.imaging.taps import Taps
    from mmnet.runtime.imaging.tracking import CropTracker
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "mmnet.runtime.imaging.blurred_background": ("box_blurred_background",),
            "mmnet.runtime.imaging.fit": (
                "DEFAULT_FIT",
                "Fit",
                "FitError",
                "Placement",
                "Rectangle",
                "choose_fit",
                "place",
            ),
            "mmnet.runtime.imaging.frames": ("ROTATIONS", "Orientation", "Plane", "YuvFrame"),
            "mmnet.runtime.imaging.framing": ("find_crops",),
            "mmnet.runtime.imaging.mattes": ("MatteFault", "MatteFileError", "check_scale", "read_mask", "read_matte"),
            "mmnet.runtime.imaging.photos": (
                "PHOTO_EXTENSIONS",
                "decode_photo",
                "list_files",
                "list_photos",
                "read_photo",
                "read_stored",
            ),
            "mmnet.runtime.imaging.preprocess": (
                "ImageError",
                "alpha_to_image",
                "check_rgb_bytes",
                "fill_square",
                "place_alpha",
                "to_model_input",
            ),
            "mmnet.runtime.imaging.resampling": ("resample",),
            "mmnet.runtime.imaging.stored": ("PhotoError", "StoredImage", "to_8_bits"),
            "mmnet.runtime.imaging.taps": ("Taps",),
            "mmnet.runtime.imaging.tracking": ("CropTracker",),
        },
    )

__all__ = [
    "DEFAULT_FIT",
    "PHOTO_EXTENSIONS",
    "ROTATIONS",
    "CropTracker",
    "Fit",
    "FitError",
    "ImageError",
    "MatteFault",
    "MatteFileError",
    "Orientation",
    "PhotoError",
    "Placement",
    "Plane",
    "Rectangle",
    "StoredImage",
    "Taps",
    "YuvFrame",
    "alpha_to_image",
    "box_blurred_background",
    "check_rgb_bytes",
    "check_scale",
    "choose_fit",
    "decode_photo",
    "fill_square",
    "find_crops",
    "list_files",
    "list_photos",
    "place",
    "place_alpha",
    "read_mask",
    "read_matte",
    "read_photo",
    "read_stored",
    "resample",
    "to_8_bits",
    "to_model_input",
]
