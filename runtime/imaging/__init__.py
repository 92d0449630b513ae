"""Images: photo files and camera frames become arrays, and arrays become the network's input and back.

- `photos` reads photo files: upright, 8 bits, RGB; the package `headers` reads their headers first.
- `mattes` reads files of alpha mattes and of masks.
- `frames` converts camera frames (YUV) and turns them upright.
- `fit` and `preprocess` bring an image into the network's square, and its alpha back to the image.
- `blurred_background` blurs the background of a camera frame.

Everything but reading files is computed in integers, as docs/internals/preprocessing.md specifies it, so that Python,
Java and JavaScript give the same bytes. Other packages import the names listed here; the rest is internal.
"""

from mmnet.runtime.imaging.blurred_background import box_blurred_background
from mmnet.runtime.imaging.fit import Fit, Placement, Rectangle, place
from mmnet.runtime.imaging.frames import ROTATIONS, Orientation, Plane, YuvFrame
from mmnet.runtime.imaging.mattes import MatteFault, MatteFileError, check_scale, read_mask, read_matte
from mmnet.runtime.imaging.photos import (
    PHOTO_EXTENSIONS,
    decode_photo,
    list_files,
    list_photos,
    read_photo,
    read_stored,
)
from mmnet.runtime.imaging.preprocess import ImageError, alpha_to_image, check_rgb_bytes, resample, to_model_input
from mmnet.runtime.imaging.stored import PhotoError, StoredImage, to_8_bits
from mmnet.runtime.imaging.taps import Taps

__all__ = [
    "PHOTO_EXTENSIONS",
    "ROTATIONS",
    "Fit",
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
    "decode_photo",
    "list_files",
    "list_photos",
    "place",
    "read_mask",
    "read_matte",
    "read_photo",
    "read_stored",
    "resample",
    "to_8_bits",
    "to_model_input",
]
