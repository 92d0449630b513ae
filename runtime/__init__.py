"""Photo, video or camera → alpha matte, as a phone computes it. Needs NumPy, OpenCV and LiteRT; never TensorFlow.

from mmnet.runtime import PortraitMatter, read_photo

with PortraitMatter("mmnet.tflite") as matter:
    alpha = matter(read_photo("photo.jpg"))    # float32 [H, W] in 0-1
"""

from mmnet.runtime.backdrop import blurred_backdrop
from mmnet.runtime.compose import BackgroundError, blurred, composite, cutout
from mmnet.runtime.errors import ModelError
from mmnet.runtime.fit import Fit
from mmnet.runtime.foreground import estimate_foreground
from mmnet.runtime.frames import Orientation, Plane, YuvFrame
from mmnet.runtime.matter import MatterOptions, PortraitMatter
from mmnet.runtime.model import MattingModel
from mmnet.runtime.photos import PhotoError, list_photos, read_photo
from mmnet.runtime.preprocess import ImageError, alpha_to_picture, to_model_input
from mmnet.runtime.steady import Steadier
from mmnet.runtime.stream import Matte, StreamError, TimestampError
from mmnet.runtime.upsample import Upsampling, upsample_alpha

__all__ = [
    "BackgroundError",
    "Fit",
    "ImageError",
    "Matte",
    "MatterOptions",
    "MattingModel",
    "ModelError",
    "Orientation",
    "PhotoError",
    "Plane",
    "PortraitMatter",
    "Steadier",
    "StreamError",
    "TimestampError",
    "Upsampling",
    "YuvFrame",
    "alpha_to_picture",
    "blurred",
    "blurred_backdrop",
    "composite",
    "cutout",
    "estimate_foreground",
    "list_photos",
    "read_photo",
    "to_model_input",
    "upsample_alpha",
]
