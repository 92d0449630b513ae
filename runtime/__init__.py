"""The runtime: photos, videos and camera frames in, alpha mattes out, as a phone computes them.

    from mmnet.runtime import PortraitMatter

    with PortraitMatter("mmnet.tflite") as matter:
        alpha = matter("photo.jpg")    # float32 [H, W] in 0-1

It needs NumPy, OpenCV and LiteRT, and never TensorFlow. The names listed here are public. The packages inside:

- `imaging` reads photos and converts camera frames, and brings images into the network's square and back.
- `tflite` reads, checks and runs model files.
- `fullres` brings the alpha to the photo's size and makes cut-outs and composites.
- `video` reads and writes videos, smooths alphas over time, and runs the stages of a stream in parallel.
- `jobs` does the work of `mmnet matte`: many photos and videos.

`matter` (`PortraitMatter`), `model` (`MattingModel`) and `profiles` (`Profile`) put them together.
"""

if __name__ != "mmnet.runtime":
    raise ImportError("import mmnet.runtime: this folder is a package of mmnet")

from typing import TYPE_CHECKING

from mmnet.lazy_names import lazy_names

if TYPE_CHECKING:
    from mmnet.runtime.errors import ModelError
    from mmnet.runtime.fullres.compositing import BackgroundError, composite, cutout, gaussian_blurred_background
    from mmnet.runtime.fullres.foreground import estimate_foreground
    from mmnet.runtime.fullres.methods import Upsampling
    from mmnet.runtime.fullres.upsampling import upsample_alpha
    from mmnet.runtime.imaging.blurred_background import box_blurred_background
    from mmnet.runtime.imaging.fit import Fit, FitError, Rectangle
    from mmnet.runtime.imaging.frames import Orientation, Plane, YuvFrame
    from mmnet.runtime.imaging.framing import find_crops
    from mmnet.runtime.imaging.nobody import IfNobody, NobodyError
    from mmnet.runtime.imaging.photos import list_photos, read_photo
    from mmnet.runtime.imaging.preprocess import ImageError, alpha_to_image, to_model_input
    from mmnet.runtime.imaging.presence import Presence
    from mmnet.runtime.imaging.stored import PhotoError
    from mmnet.runtime.imaging.tracking import CropTracker
    from mmnet.runtime.matter import PortraitMatter
    from mmnet.runtime.model import MattingModel
    from mmnet.runtime.profiles import Profile, ProfileError
    from mmnet.runtime.video.smoothing import TemporalSmoother
    from mmnet.runtime.video.stream import Matte, StreamError, TimestampError
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "mmnet.runtime.errors": ("ModelError",),
            "mmnet.runtime.fullres.compositing": (
                "BackgroundError",
                "composite",
                "cutout",
                "gaussian_blurred_background",
            ),
            "mmnet.runtime.fullres.foreground": ("estimate_foreground",),
            "mmnet.runtime.fullres.methods": ("Upsampling",),
            "mmnet.runtime.fullres.upsampling": ("upsample_alpha",),
            "mmnet.runtime.imaging.blurred_background": ("box_blurred_background",),
            "mmnet.runtime.imaging.fit": ("Fit", "FitError", "Rectangle"),
            "mmnet.runtime.imaging.frames": ("Orientation", "Plane", "YuvFrame"),
            "mmnet.runtime.imaging.framing": ("find_crops",),
            "mmnet.runtime.imaging.photos": ("list_photos", "read_photo"),
            "mmnet.runtime.imaging.preprocess": ("ImageError", "alpha_to_image", "to_model_input"),
            "mmnet.runtime.imaging.nobody": ("IfNobody", "NobodyError"),
            "mmnet.runtime.imaging.presence": ("Presence",),
            "mmnet.runtime.imaging.stored": ("PhotoError",),
            "mmnet.runtime.imaging.tracking": ("CropTracker",),
            "mmnet.runtime.matter": ("PortraitMatter",),
            "mmnet.runtime.model": ("MattingModel",),
            "mmnet.runtime.profiles": ("Profile", "ProfileError"),
            "mmnet.runtime.video.smoothing": ("TemporalSmoother",),
            "mmnet.runtime.video.stream": ("Matte", "StreamError", "TimestampError"),
        },
    )

__all__ = [
    "BackgroundError",
    "CropTracker",
    "Fit",
    "FitError",
    "IfNobody",
    "ImageError",
    "Matte",
    "MattingModel",
    "ModelError",
    "NobodyError",
    "Orientation",
    "PhotoError",
    "Plane",
    "PortraitMatter",
    "Presence",
    "Profile",
    "ProfileError",
    "Rectangle",
    "StreamError",
    "TemporalSmoother",
    "TimestampError",
    "Upsampling",
    "YuvFrame",
    "alpha_to_image",
    "box_blurred_background",
    "composite",
    "cutout",
    "estimate_foreground",
    "find_crops",
    "gaussian_blurred_background",
    "list_photos",
    "read_photo",
    "to_model_input",
    "upsample_alpha",
]
